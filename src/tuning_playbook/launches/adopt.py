"""Make the candidate of a launch the baseline of its workload, and record it in `launches.csv`.

Source: the playbook, "Determining whether to adopt a training pipeline change or hyperparameter
configuration" and "The incremental tuning strategy".
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tuning_playbook.declarations import Value
from tuning_playbook.errors import LaunchError
from tuning_playbook.files import atomic, write_atomically
from tuning_playbook.launches.candidate import candidate_trial
from tuning_playbook.launches.history import read_launches, write_launches
from tuning_playbook.study.baselines import Baseline
from tuning_playbook.study.given_values import complete
from tuning_playbook.study.read import read_baseline
from tuning_playbook.study.study import Study
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.trials.trial import Trial

STRONG_EVIDENCE = (
    "the playbook asks of every launch that it rests on strong evidence, not on the chance of a "
    "lucky configuration"
)


@dataclass(frozen=True)
class Adoption:
    """The result of adopting a launch.

    Attributes:
        baseline: The file of the baseline.
        trial: The id of the trial whose configuration it holds.
        recorded: Whether the launch was added to the record; false where it was there already.
    """

    baseline: Path
    trial: str
    recorded: bool


def adopt(
    study: Study,
    launch: Mapping[str, Any],
    results: Path,
    config: Path,
    *,
    date: str,
    commit: str,
    force: bool = False,
) -> Adoption:
    """Write the candidate as `baselines/<workload>.yaml`, and the launch to `launches.csv`.

    Nothing is written where the launch is refused. Each file is written whole or not at all.
    Adopting a launch again only completes what an interruption left undone.

    Args:
        study: The study.
        launch: Its `launch.json`.
        results: Its folder of results.
        config: The folder of the configuration.
        date: Today's date, as 2026-01-31.
        commit: The commit of the code.
        force: Whether to adopt a launch whose decision is not `adopt`.

    Raises:
        LaunchError: The launch is refused.
        ArtefactError: The record of launches, or that of the candidate, is damaged.
    """
    if study.imported:
        raise LaunchError(
            f"{study.path}: its trials were trained elsewhere; adopt the launch there, where their "
            "configuration can be trained again as a baseline"
        )
    trial = candidate_trial(results, launch)
    if launch["decision"] == "undecided":
        raise LaunchError(f"{study.name}: nothing is decided. {' '.join(launch['reasons'])}")
    if trial is None:
        raise LaunchError(f"{study.name}: no trial is feasible, so there is nothing to adopt")
    path = config / "baselines" / baseline_name(study.workload.name)
    past = read_baseline(path)[0] if path.exists() else None
    record = config / "launches.csv"
    launches = read_launches(record)
    objections = [*_lack_of_evidence(launch), *_other_incumbent(study, trial, past, path)]
    if objections and not force:
        raise LaunchError(
            f"{study.name}: not adopted. {' '.join(objections)} To adopt it all the same, add "
            "force=true to --config; the record will say so"
        )
    forced = bool(objections)
    row = _row(study, launch, date=date, commit=commit, trial=trial.id, forced=forced)
    text = _write_baseline(study, trial, past)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        complete(read_baseline(temporary)[0].hyperparameters, study.workload)
    of_workload = [item for item in launches if item["workload"] == study.workload.name]
    last = of_workload[-1] if of_workload else {}
    known = (last.get("study"), last.get("trial")) == (study.name, trial.id)
    if not known:
        write_atomically(record, write_launches([*launches, row]))
    return Adoption(path, trial.id, not known)


def adopt_launch(
    study: Study, launch: Path, config: Path, *, date: str, commit: str, force: bool
) -> str:
    """Adopt the launch in a `launch.json`; return the message for the user.

    The arguments and errors are those of `adopt`.
    """
    content = json.loads(launch.read_text())
    done = adopt(study, content, launch.parent, config, date=date, commit=commit, force=force)
    recorded = "recorded in" if done.recorded else "is already in"
    message = (
        f"{done.baseline} is trial {done.trial} of {study.name}; the launch {recorded} launches.csv"
    )
    if content["decision"] == "adopt":
        return message
    decision = content["decision"]
    return f"{study.name}: adopted by force although its launch is '{decision}'\n{message}"


def baseline_name(workload: str) -> str:
    """Return the name of the file that holds a workload's baseline.

    Example:
        >>> baseline_name("digits_mlp"), baseline_name("../my.model:Net")
        ('digits_mlp.yaml', 'my.model-Net.yaml')
        >>> baseline_name("trainer.yaml")
        'trainer.yaml'
    """
    workload = str(Path(workload).with_suffix("")) if is_command(workload) else workload
    return f"{re.sub('[^A-Za-z0-9_.]+', '-', workload).strip('.-')}.yaml"


def _lack_of_evidence(launch: Mapping[str, Any]) -> list[str]:
    """Return the objections to a launch that was rejected, or that is provisional."""
    decision = launch["decision"]
    if decision == "adopt":
        return []
    return [f"Its launch is decided '{decision}', and {STRONG_EVIDENCE}.", *launch["reasons"]]


def _other_incumbent(study: Study, trial: Trial, past: Baseline | None, path: Path) -> list[str]:
    """Return the objection to a candidate that was not compared with the baseline it replaces."""
    if past is None or study.name in [item.study for item in past.launches[-1:]]:
        return []
    compared = study.baseline
    incumbent = _incumbent(study, trial, past)
    if compared and (compared.batch_size, compared.hyperparameters) == incumbent:
        return []
    return [
        f"Its candidate was not compared with the incumbent in {path}, which it would replace: "
        f"give the spec 'baseline: {path}'."
    ]


def _incumbent(study: Study, trial: Trial, past: Baseline) -> tuple[int, Mapping[str, Value]]:
    """Return the batch size and the whole configuration in a baseline's file."""
    batch_size = past.batch_size or study.spec.training.batch_size or trial.batch_size
    return batch_size, complete(past.hyperparameters, study.workload)[0]


def _write_baseline(study: Study, trial: Trial, past: Baseline | None) -> str:
    """Return the text of the baseline's file."""
    launches = [item.model_dump(exclude_none=True) for item in past.launches] if past else []
    own = [item for item in launches if item["study"] == study.name]
    if own:
        entry = own[-1]
    else:
        replaced = None
        if past is not None:
            replaced = _configuration(*_incumbent(study, trial, past))
        elif study.baseline is not None:
            replaced = _configuration(study.baseline.batch_size, study.baseline.hyperparameters)
        entry = {"study": study.name} | ({"replaced": replaced} if replaced else {})
    content = {
        "workload": study.workload.name,
        **_configuration(trial.batch_size, trial.hyperparameters),
        "launches": [*(item for item in launches if item not in own), entry],
    }
    text = io.StringIO()
    YAML(pure=True).dump(content, text)  # in the given order, one key a line
    return (
        f"# The incumbent of the workload {study.workload.name}: trial {trial.id} of the study "
        f"{study.name}.\n# Written by `snakemake adopt_baseline`; launches.csv has the evidence.\n"
        + text.getvalue()
    )


def _configuration(batch_size: int, hyperparameters: Mapping[str, Value]) -> dict[str, Any]:
    return {"batch_size": batch_size, "hyperparameters": dict(hyperparameters)}


def _row(
    study: Study,
    launch: Mapping[str, Any],
    *,
    date: str,
    commit: str,
    trial: str,
    forced: bool,
) -> dict[str, str]:
    difference = launch.get("difference") or {}
    objective = study.spec.objective
    values = {
        "date": date,
        "study": study.name,
        "workload": study.workload.name,
        "commit": commit,
        "decision": launch["decision"],
        "forced": "yes" if forced else "",
        "trial": trial,
        "objective_metric": objective.ranked_by,
        "objective_mode": objective.mode if objective.target is None else "min",
        **_reruns("before", launch.get("baseline") or {}),
        **_reruns("after", launch["candidate"]),
        "improvement": difference.get("improvement"),
        "improvement_low": difference.get("low"),
        "improvement_high": difference.get("high"),
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _reruns(name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    objectives = configuration.get("rerun_objectives") or []
    missed = configuration.get("rerun_censored") or []
    return {
        f"{name}_mean": configuration.get("mean"),
        f"{name}_sd": configuration.get("standard_deviation"),
        f"{name}_reruns": sum(value is not None for value in objectives) + sum(missed),
    }
