"""Check that an archive's launch follows from its datasets, and that its report shows it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.answer import answer, compare_all
from tuning_playbook.analysis.every_configuration import (
    EveryConfiguration,
    answer_by,
    every_configuration,
)
from tuning_playbook.analysis.variance import on_the_usual_data, trial_variance
from tuning_playbook.archive.same_content import CLOSE, alike
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.report.evidence import ArmRow, make_arm_rows, make_difference
from tuning_playbook.study.study import BASELINE

VERDICT = re.compile(r'<div class="verdict ([a-z]+)">')


def check_decision(results: Path) -> Iterator[str]:
    """Yield what is wrong with `launch.json` and with the report's description of it."""
    launch = json.loads((results / "launch.json").read_text())
    with (
        xr.open_dataset(results / "study.nc") as study,
        xr.open_dataset(results / "reruns.nc") as others,
    ):
        reruns = every_seed(study, others)
        yield from _check_launch(launch, study, reruns)
        margin = float(launch["min_improvement"])
        everything = every_configuration(study, reruns, margin=margin)
        if "configurations" not in launch:  # an archive made before configurations were compared
            everything = None
        elif not _is_told(everything, launch["configurations"]):
            yield "launch.json: the configurations do not differ as the reruns of reruns.nc say"
        if "answer" in launch and not _is_answer(launch, study, reruns, everything):
            yield "launch.json: the answer is not what the reruns of reruns.nc say"
        arms = make_arm_rows(study, launch)
    yield from _check_report(launch, arms, (results / "report.html").read_text())


def _is_told(everything: EveryConfiguration | None, told: Mapping[str, Any] | None) -> bool:
    """Return whether the recorded comparison of configurations is right, up to last digits."""
    found = None if everything is None else json.loads(json.dumps(everything.to_json()))
    return alike(found, told)


def _is_answer(
    launch: Mapping[str, Any],
    study: xr.Dataset,
    reruns: xr.Dataset,
    everything: EveryConfiguration | None,
) -> bool:
    """Return whether the answer follows from the reruns, up to the last digits."""
    rows = [row for row in trial_variance(study, reruns) if row.arm != BASELINE]
    compared = compare_all(study, rows, float(launch["min_improvement"]))
    told = launch["answer"]
    answered = answer(study, rows, compared, goal=told["goal"])
    found = answer_by(answered, everything).to_json()
    # Samples over a range depend on the search alone, and how they are sliced on the spec.
    of_curves = len(told.get("curves", ()))
    again = json.loads(json.dumps(found))
    return alike(again["questions"], told["questions"][of_curves:]) and alike(
        again["interactions"], told["interactions"]
    )


def _contenders(launch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = (launch.get("candidate"), launch.get("baseline"), *launch.get("other_arms", ()))
    return [contender for contender in listed if contender]


def _check_launch(
    launch: Mapping[str, Any], study: xr.Dataset, reruns: xr.Dataset
) -> Iterator[str]:
    objectives = _by_trial(study)
    reruns = reruns.isel(trial=on_the_usual_data(reruns, np.arange(reruns.sizes["trial"])))
    for contender in _contenders(launch):
        arm, trial = contender["arm"], contender["trial"]
        if trial and objectives.get(trial) != contender["search_objective"]:
            yield f"launch.json: the search objective of {arm} is not that of trial {trial}"
        of_arm = reruns.isel(trial=reruns["arm"].astype(str).to_numpy() == arm)
        measured = [value for value in _by_trial(of_arm).values() if value is not None]
        told = [value for value in contender["rerun_objectives"] if value is not None]
        if measured != told:
            yield f"launch.json: the reruns of {arm} are not those of reruns.nc"
        facts = {"mean": np.mean} | {"standard_deviation": _deviation}
        for name, of in facts.items():
            given = contender[name]
            if given is not None and not np.isclose(given, of(told), rtol=CLOSE, atol=0):
                yield f"launch.json: {name} of {arm} is not that of its reruns"


def _by_trial(dataset: xr.Dataset) -> dict[str, float | None]:
    """Return the objective of each trial by id; None for an infeasible one."""
    values = dataset["objective"].to_numpy().tolist()
    found = zip(map(str, dataset["trial"].to_numpy()), values, strict=True)
    return {trial: value if np.isfinite(value) else None for trial, value in found}


def _deviation(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _check_report(launch: Mapping[str, Any], arms: Sequence[ArmRow], report: str) -> Iterator[str]:
    """Yield how the report differs from the decision."""
    verdict = VERDICT.search(report)
    if verdict is None or verdict[1] != launch["decision"]:
        told = verdict[1] if verdict else "nothing"
        yield f"report.html: it says {told}, and launch.json '{launch['decision']}'"
    difference = make_difference(launch)
    if difference and difference.sentence not in report:
        yield "report.html: the improvement over the baseline is not that of launch.json"
    reader = _Rows()
    reader.feed(report)
    items = {text for row in reader.rows for text in row}
    for statement in (*launch["reasons"], *launch["caveats"]):
        if " ".join(statement.split()) not in items:
            yield f"report.html: it lacks what launch.json says: {statement}"
    for arm in arms:
        told = {arm.search_objective, arm.mean, arm.standard_deviation, " ".join(arm.reruns) or "–"}
        name = " ".join(arm.arm.split())  # a choice may contain a line break; a page does not
        tables = [row for row in reader.rows if row[0].removesuffix(" candidate") == name]
        if not any(told <= set(row) for row in tables):
            yield f"report.html: the numbers of {arm.arm} are not those of launch.json"


class _Rows(HTMLParser):
    """The texts of a page: one row per table row, and one per list item."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._reading = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag in ("tr", "li"):
            self.rows.append([])
        if tag in ("td", "th", "li") and self.rows:
            self.rows[-1].append("")
            self._reading = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "li"):
            self._reading = False
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] = " ".join(self.rows[-1][-1].split())
        if tag in ("table", "ul", "ol"):
            self.rows = [row for row in self.rows if row]

    def handle_data(self, data: str) -> None:
        if self._reading and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
