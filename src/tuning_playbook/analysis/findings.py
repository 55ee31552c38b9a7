"""A finding: one answer of the playbook's checklist, with the numbers and the advice behind it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from tuning_playbook.analysis.numbers import json_object
from tuning_playbook.analysis.ranking import arm_names
from tuning_playbook.dataset.searched import read_searched

Answer = Literal["ok", "warning", "problem", "cannot tell"]


@dataclass(frozen=True)
class Concerned:
    """A searched hyperparameter that a finding is about.

    Attributes:
        name: As in the spec.
        condition: Where it exists, as `optimizer=adam`; empty where it exists in every arm. Name
            and condition together tell it from every other hyperparameter of the study.
        arms: The names of the arms in which the finding is about it.
    """

    name: str
    condition: str
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One answer of the checklist.

    What it is about is in `hyperparameters`, `arms` and `trials`, so that nobody need search
    its sentences for names.

    Attributes:
        check: Which diagnostic, as the name of its function.
        question: The question it answers, in the playbook's words.
        answer: `problem` forbids to trust a comparison of the arms; `warning` asks for a look.
        summary: One or two sentences: what was found, with the numbers that matter.
        numbers: Every number behind the answer (JSON values).
        trials: The ids of the trials that show it; empty where none stands out.
        advice: What the playbook says to do about it; empty where nothing is to be done.
        section: The playbook's section that it comes from.
        hyperparameters: Those in which something was found, or else all that were judged; empty
            where the question is about none.
        arms: The names of the arms in which something was found, or else of all that were judged.
    """

    check: str
    question: str
    answer: Answer
    summary: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    trials: tuple[str, ...] = ()
    advice: str = ""
    section: str = ""
    hyperparameters: tuple[Concerned, ...] = ()
    arms: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return asdict(self, dict_factory=json_object)


def finding_from_json(content: Mapping[str, Any]) -> Finding:
    """Return the finding that `Finding.to_json` wrote."""
    hyperparameters = [
        Concerned(item["name"], item["condition"], tuple(item["arms"]))
        for item in content.get("hyperparameters", ())
    ]
    return Finding(
        **{
            **content,
            "trials": tuple(content.get("trials", ())),
            "arms": tuple(content.get("arms", ())),
            "hyperparameters": tuple(hyperparameters),
        }
    )


def concerned(study: xr.Dataset, rows: Iterable[Mapping[str, Any]]) -> tuple[Concerned, ...]:
    """Return the searched hyperparameters that some numbers are about, in the study's order.

    Args:
        study: The study.
        rows: Numbers of a finding, each with a `hyperparameter` and an `arm`; in one arm a name
            stands for one hyperparameter.
    """
    told = {(row["hyperparameter"], row["arm"]) for row in rows}
    found = []
    for item in read_searched(study):
        arms = tuple(arm for arm in item.arms if (item.name, arm) in told)
        if arms:
            found.append(Concerned(item.name, item.condition, arms))
    return tuple(found)


def arms_in(study: xr.Dataset, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the arms that some numbers are about, each with its `arm`, in the study's order."""
    told = {row["arm"] for row in rows}
    return tuple(arm for arm in arm_names(study) if arm in told)


def read_findings(diagnostics: Path) -> list[Finding]:
    """Return what the checklist found of a study, from its `diagnostics.json`."""
    content = json.loads(diagnostics.read_text())
    return [finding_from_json(finding) for finding in content["findings"]]
