"""Make the content of an archive again from its sources, and compare.

Each artefact is made from the archive's own files of the stages before it, by the functions that
the workflow's rules call. So a wrong artefact is reported alone, without those that depend on it.
"""

import fnmatch
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.analysis.ranking import best_ids, best_trials, trial_id
from tuning_playbook.archive.contents import (
    TRIAL_FILES,
    about_workload,
    descriptions,
    withheld,
)
from tuning_playbook.archive.planned_again import PlannedAgain
from tuning_playbook.archive.same_content import (
    alike,
    dataset_differences,
    first_difference,
    same_picture,
)
from tuning_playbook.dataset.best_checkpoints import checkpoint_steps, checkpoints_dataset
from tuning_playbook.dataset.collect import collect_study, write_dataset
from tuning_playbook.dataset.propose import propose_round
from tuning_playbook.dataset.replicates import collect_replicates, open_if_any
from tuning_playbook.dataset.reruns import choose_reruns, collect_reruns
from tuning_playbook.dataset.resources import collect_resources, describe_resources
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.files import FORMAT
from tuning_playbook.jobs.load_workload import BUILT_IN
from tuning_playbook.launches.candidate import candidate_trial
from tuning_playbook.launches.set_back import choose_set_backs, collect_set_backs
from tuning_playbook.launches.study_launch import decide_study
from tuning_playbook.launches.what_mattered import what_mattered_in
from tuning_playbook.planning.plan import Plan, axis_plots
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.study_plots import diagnostic_plots, launch_plots
from tuning_playbook.plots.style import save
from tuning_playbook.procedures.next_study import write_next_study
from tuning_playbook.report.study_report import report_study
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection

WITHHELD = "withheld"
"""The replacement for a machine's name in a report."""


@dataclass(frozen=True)
class Remade:
    """An unpacked archive, and its study as it was planned.

    Attributes:
        payload: The folder of the bag's payload.
        results: The folder of the results in it.
        about: The archive's `archive.json`.
        records: The trial.json of every trial, by id.
        again: The study, planned again.
        scratch: A folder to write to.
    """

    payload: Path
    results: Path
    about: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]
    again: PlannedAgain
    scratch: Path

    @property
    def plan(self) -> Plan:
        """Return the plan of the study."""
        return self.again.plan

    @property
    def hosts(self) -> bool:
        """Return whether the archive publishes names of machines."""
        return bool(self.about["settings"]["hosts"])

    def has(self, name: str) -> bool:
        """Return whether the study has an artefact."""
        return f"{self.results}/{name}" in self.artefacts

    @property
    def artefacts(self) -> list[str]:
        """Return the paths of all the study's artefacts."""
        return StudyFiles(self.plan, str(self.results)).artefacts

    def file(self, name: str) -> str:
        """Return the path of an artefact."""
        return str(self.results / name)

    def if_made(self, name: str) -> list[str]:
        """Return the path of an artefact in a list; empty if the study does not have it."""
        return [self.file(name)] if self.has(name) else []

    def json(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads((self.results / name).read_text())

    def text(self, name: str, content: str | bytes) -> str:
        """Return a text that was made again as it would be in an archive."""
        data = content.encode() if isinstance(content, str) else content
        told = withheld(name, data, self.again.places, hosts=self.hosts)
        assert isinstance(told, bytes)
        return told.decode()


def check_remade(
    remade: Remade, *, trials_only: bool = False
) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    """Yield each check by the name of what it checks.

    Args:
        remade: The archive.
        trials_only: Whether to leave out what was concluded from the trials.
    """
    for what, check in (OF_TRIALS if trials_only else OF_TRIALS | OF_RESULTS).items():
        yield what, functools.partial(check, remade)


def _about(remade: Remade) -> Iterator[str]:
    about = remade.about
    told = {"study": remade.plan.study.name, "workload": about_workload(remade.plan)}
    for key, value in told.items():
        if not alike(json.loads(json.dumps(value)), about[key]):
            yield f"archive.json: {key} is not that of the spec and of workload.json"
    versions = dict(remade.plan.study.workload.versions)
    for name, record in remade.records.items():
        if record["trial"]["versions"] != versions:
            yield f"trials/{name}/trial.json: its versions are not those that archive.json tells"


def _study(remade: Remade) -> Iterator[str]:
    packs = [Path(path) for path in StudyFiles(remade.plan, str(remade.results)).packs]
    found = collect_study(remade.plan, packs, folder=remade.results)
    yield from _compared(remade, "study.nc", found)


def _rounds(remade: Remade) -> Iterator[str]:
    for item in remade.plan.rounds.values():
        earlier = [other.id for other in remade.plan.rounds_before(item)]
        kept = {name: remade.plan.proposals[name] for name in earlier}
        plan = replace(remade.plan, proposals=kept)
        packs = StudyFiles(remade.plan, str(remade.results)).packs_before(item.id)
        content = propose_round(plan, item, map(Path, packs), remade.results)
        yield from _compared_json(remade, item.proposal, content)


def _checkpoints(remade: Remade) -> Iterator[str]:
    """Yield wrong measurements; only the records show which checkpoints were kept."""
    study = remade.plan.study
    objective = study.spec.objective
    selection = CheckpointSelection(objective.metric, objective.mode, study.spec.training.keep_best)
    with (
        xr.open_dataset(remade.file("study.nc")) as dataset,
        xr.open_dataset(remade.file("checkpoints.nc")) as told,
    ):
        ids = [str(trial) for trial in dataset["trial"].to_numpy()]
        steps = checkpoint_steps(dataset).tolist()
        kept = [bool(value) for value in told["kept"].to_numpy()]
        had = _had_measurements(told)
    bests = []
    for row, (trial, step) in enumerate(zip(ids, steps, strict=True)):
        best = read_best(remade.results / "trials" / trial, selection)
        measured = best is not None and best.step == step
        # Ranked by another objective, it may have been trained again after the collection.
        later = not kept[row] and not had[row]
        bests.append(best if measured and not later else None)
    yield from _compared(remade, "checkpoints.nc", checkpoints_dataset(study, ids, bests, kept))
    examples = {tuple(best.class_examples) for best in bests if best and best.class_examples}
    if len(examples) > 1:
        yield "checkpoints.nc: the validation split has other classes in one trial than in another"
    own = study.workload.name in BUILT_IN and "error_rate" in study.workload.metrics
    if not own or study.spec.training.validation_sample:
        return  # a user's metric need not be the share of wrong answers of `predict`
    with xr.open_dataset(remade.file("study.nc")) as dataset:
        measured = dataset["error_rate"].sel(split="validation").to_numpy()
        at = {int(step): place for place, step in enumerate(dataset["eval_step"].to_numpy())}
    for row, best in enumerate(bests):
        if best is None or not sum(best.class_examples):
            continue
        wrong = 1 - sum(best.class_right) / sum(best.class_examples)
        told_wrong = (best.means["error_rate"], float(measured[row, at[best.step]]))
        if not np.allclose(wrong, told_wrong, rtol=0, atol=1e-6):
            yield f"checkpoints.nc: trial {ids[row]} has other right answers than its error rate"


def _had_measurements(checkpoints: xr.Dataset) -> np.ndarray:
    """Return which trials had measurements of a best checkpoint at the time of collection."""
    had = np.zeros(checkpoints.sizes["trial"], bool)
    for name, variable in checkpoints.data_vars.items():
        if str(name) == "class_examples":
            had |= variable.transpose("trial", ...).to_numpy().any(axis=1)
        if str(name).startswith("whole_"):
            had |= np.isfinite(variable.to_numpy())
    return had


def _models(remade: Remade) -> Iterator[str]:
    if not remade.has("models.json"):
        return
    told = remade.json("models.json")["models"]
    with xr.open_dataset(remade.file("study.nc")) as study:
        best = {arm: trial_id(study, place) for arm, place in best_trials(study).items()}
    found = {arm: item["trial"] for arm, item in told.items()}
    if found and found != best:
        yield "models.json: its trials are not the best ones of their arms"


def _choice(remade: Remade) -> Iterator[str]:
    with xr.open_dataset(remade.file("study.nc")) as study:
        best = best_ids(study)
    content = {"arms": choose_reruns(remade.plan, best)}
    yield from _compared_json(remade, "reruns/choice.json", content)


def _reruns(remade: Remade) -> Iterator[str]:
    chosen = remade.json("reruns/choice.json")["arms"]
    packs = [Path(path) for path in StudyFiles(remade.plan, str(remade.results)).rerun_packs]
    found = collect_reruns(remade.plan, chosen, packs, remade.results)
    yield from _compared(remade, "reruns.nc", found)


def _replicates(remade: Remade) -> Iterator[str]:
    if remade.has("replicates.nc"):
        packs = StudyFiles(remade.plan, str(remade.results)).replicate_packs
        found = collect_replicates(remade.plan, map(Path, packs), remade.results)
        yield from _compared(remade, "replicates.nc", found)


def _diagnostics(remade: Remade) -> Iterator[str]:
    study, checkpoints = Path(remade.file("study.nc")), Path(remade.file("checkpoints.nc"))
    checklist = remade.plan.study.spec.checklist
    content = diagnose_study(study, checkpoints, remade.results / "trials", checklist)
    yield from _compared_json(remade, "diagnostics.json", content)


def _launch(remade: Remade) -> Iterator[str]:
    launch = decide_study(
        remade.plan.study,
        study=remade.file("study.nc"),
        reruns=remade.file("reruns.nc"),
        replicates=remade.if_made("replicates.nc"),
        diagnostics=remade.file("diagnostics.json"),
        decide_incomplete=False,
    )
    yield from _compared_json(remade, "launch.json", launch.to_json())


def _set_back_choice(remade: Remade) -> Iterator[str]:
    if remade.has("set_back/choice.json"):
        trial = candidate_trial(remade.results, remade.json("launch.json"))
        content = {"changes": choose_set_backs(remade.plan, trial)}
        yield from _compared_json(remade, "set_back/choice.json", content)


def _set_back(remade: Remade) -> Iterator[str]:
    if remade.has("set_back.nc"):
        changes = remade.json("set_back/choice.json")["changes"]
        packs = [Path(path) for path in StudyFiles(remade.plan, str(remade.results)).set_back_packs]
        found = collect_set_backs(remade.plan, changes, packs, remade.results)
        yield from _compared(remade, "set_back.nc", found)
        launch = remade.json("launch.json")
        mattered = what_mattered_in(remade.plan.study, changes, found, launch)
        yield from _compared_json(remade, "set_back.json", mattered.to_json())


def _resources(remade: Remade) -> Iterator[str]:
    trials: list[str] = []
    for name in ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc"):
        for path in remade.if_made(name):
            with xr.open_dataset(path) as dataset:
                trials += [str(trial) for trial in dataset["trial"].to_numpy()]
    found = collect_resources(trials, remade.results / "trials")
    described = describe_resources(found, Path(remade.plan.study.name).name)
    if not remade.hosts:
        described = described.drop_vars("host")
    yield from _compared(remade, "resources.nc", described)


def _next_study(remade: Remade) -> Iterator[str]:
    if not remade.has("next_study.yaml"):
        return
    study = remade.plan.study
    with xr.open_dataset(remade.file("study.nc")) as dataset:
        text = write_next_study(
            study,
            dataset,
            read_findings(Path(remade.file("diagnostics.json"))),
            remade.json("launch.json"),
            file=Path(remade.again.results) / study.name / "next_study.yaml",
        )
    yield from _compared_text(remade, "next_study.yaml", text)


def _test(remade: Remade) -> Iterator[str]:
    """Yield how the test-set reading differs from its record, or is of another trial."""
    if not remade.has("test.json"):
        return
    told, launch = remade.json("test.json"), remade.json("launch.json")
    reading, trial = told["reading"], candidate_trial(remade.results, launch)
    if (reading is None) != (trial is None):
        yield "test.json: it has a reading without a candidate, or none of the candidate"
    if reading is None or trial is None:
        return
    step = _step_of(remade, trial.id)
    if (reading["trial"], reading["step"]) != (trial.id, step):
        yield "test.json: it is not of the best checkpoint of the candidate"
    record = f"test/{reading['trial']}-{reading['step']}.json"
    kept = {key: value for key, value in remade.json(record).items() if key != "format"}
    if not alike(kept, reading):
        yield f"test.json: the reading is not the one on record in {record}"


def _final(remade: Remade) -> Iterator[str]:
    """Yield how the final model's description differs from the candidate."""
    if not remade.has("final/final.json"):
        return
    told, launch = remade.json("final/final.json"), remade.json("launch.json")
    trial = candidate_trial(remade.results, launch)
    if trial is None:
        if told["trial"] is not None:
            yield "final/final.json: it is of a trial, and there is no candidate"
        return
    arm, step = launch["candidate"]["arm"], _step_of(remade, trial.id)
    expected = {"trial": trial.id, "arm": arm, "seed": trial.seed, "steps": step}
    if any(told[key] != value for key, value in expected.items()):
        yield "final/final.json: it is not of the candidate"


def _step_of(remade: Remade, trial: str) -> int:
    with xr.open_dataset(remade.file("study.nc")) as study:
        places = [str(item) for item in study["trial"].to_numpy()]
        return int(checkpoint_steps(study)[places.index(trial)])


def _plots(remade: Remade) -> Iterator[str]:
    slices = remade.plan.study.spec.isolation.slices
    findings = read_findings(Path(remade.file("diagnostics.json")))
    with xr.open_dataset(remade.file("study.nc")) as study:
        searched = {(item.name, item.condition): item for item in read_searched(study)}
        for stem, wanted in axis_plots(remade.plan.study).items():
            figure = axis_plot(study, searched[wanted], slice_count=slices)
            yield from _compared_plot(remade, stem, figure)
        for stem, figure in diagnostic_plots(study, findings).items():
            yield from _compared_plot(remade, stem, figure)
        with (
            xr.open_dataset(remade.file("reruns.nc")) as reruns,
            open_if_any(remade.if_made("replicates.nc")) as repeats,
        ):
            drawn = launch_plots(study, reruns, repeats, slice_count=slices)
            for stem, figure in drawn.items():
                yield from _compared_plot(remade, stem, figure)


def _compared_plot(remade: Remade, stem: str, figure: Any) -> Iterator[str]:
    name = f"plots/{stem}.svg"
    drawn = remade.scratch / f"{stem}.svg"
    save(figure, drawn)
    found, told = remade.text(name, drawn.read_bytes()), (remade.results / name).read_text()
    if found != told and not same_picture(found, told):
        yield f"{name}: it is not what its data draw"


def _report(remade: Remade) -> Iterator[str]:
    resources = remade.file("resources.nc")
    if not remade.hosts:
        resources = str(remade.scratch / "resources.nc")
        with xr.open_dataset(remade.file("resources.nc")) as told:
            names = ("trial", [WITHHELD] * told.sizes["trial"])
            write_dataset(Path(resources), told.load().assign(host=names))
    html, summary = report_study(
        remade.plan,
        remade.again.results,
        study=remade.file("study.nc"),
        checkpoints=remade.file("checkpoints.nc"),
        reruns=remade.file("reruns.nc"),
        replicates=remade.if_made("replicates.nc"),
        resources=resources,
        diagnostics=remade.file("diagnostics.json"),
        launch=remade.file("launch.json"),
        next_study=remade.if_made("next_study.yaml"),
        set_back=remade.if_made("set_back.json"),
        set_back_trials=remade.if_made("set_back.nc"),
        test=remade.if_made("test.json"),
        final=remade.if_made("final/final.json"),
        plots=StudyFiles(remade.plan, str(remade.results)).plots,
    )
    yield from _compared_text(remade, "report.html", html)
    yield from _compared_json(remade, "summary.json", summary)


def _descriptions(remade: Remade) -> Iterator[str]:
    names = _names(remade.payload)
    machine = json.loads((remade.payload / "environment.json").read_text())
    machine.pop("trained_in")
    tagged = [name for name in names if name not in DESCRIPTIONS]
    again = descriptions(remade.plan, remade.results, tagged, remade.about, machine, remade.records)
    for name, content in again.items():
        if remade.text(name, content) != (remade.payload / name).read_text():
            yield f"{name}: it is not what the other files make of it"


DESCRIPTIONS = ("environment.json", "CITATION.cff", "README.md", "ro-crate-metadata.json")
"""The files in which an archive describes its other files."""

OUTSIDE = ("code/", "spec/", "results/trials/", "results/final/", "results/test/")
"""The folders in an archive whose files are not all listed by name."""

BESIDE = ("archive.json", "code.diff", "workload.json", "planned.yaml", "results/packs.json")
"""The other files that an archive may contain."""


OF_A_TRIAL = (
    *TRIAL_FILES,
    *("checkpoints/best/*", "checkpoints/best.sha256", "checkpoints/model.jax_export"),
)
"""The files of a trial's folder, as patterns."""


def _may_be(name: str) -> bool:
    """Return whether a file belongs in a folder whose files are not all listed by name."""
    of_trial = re.fullmatch(r"results/trials/[^/]+/(.+)", name)
    if of_trial is None:
        return True
    return any(fnmatch.fnmatchcase(of_trial[1], pattern) for pattern in OF_A_TRIAL)


def _files(remade: Remade) -> Iterator[str]:
    """Yield the files that are missing, that no stage makes, or that belong to no trial."""
    made = {f"results/{Path(path).relative_to(remade.results)}" for path in remade.artefacts}
    names = _names(remade.payload)
    for name in sorted(made - set(names)):
        yield f"{name}: it is missing"
    known = made | {*DESCRIPTIONS, *BESIDE}
    for name in names:
        if name not in known and not (name.startswith(OUTSIDE) and _may_be(name)):
            yield f"{name}: nothing of a study makes such a file"
    trials: set[str] = set()
    for name in ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc"):
        for path in remade.if_made(name):
            with xr.open_dataset(path) as dataset:
                trials |= {str(trial) for trial in dataset["trial"].to_numpy()}
    for trial in sorted({path.name for path in (remade.results / "trials").iterdir()} ^ trials):
        yield f"trials/{trial}: it is in no dataset, or a dataset has it and there is no record"


def _names(payload: Path) -> list[str]:
    files = (path for path in payload.rglob("*") if path.is_file())
    return sorted(path.relative_to(payload).as_posix() for path in files)


def _compared(remade: Remade, name: str, dataset: xr.Dataset) -> Iterator[str]:
    made = remade.scratch / name
    write_dataset(made, dataset)
    with xr.open_dataset(made) as again, xr.open_dataset(remade.file(name)) as told:
        different = list(dataset_differences(again, told))
    if different:
        more = f" and {len(different) - 1} more" if different[1:] else ""
        yield f"{name}: {different[0]}{more} does not follow from the packs and the spec"


def _compared_json(remade: Remade, name: str, content: Mapping[str, Any]) -> Iterator[str]:
    found = json.loads(remade.text(name, json.dumps({"format": FORMAT, **content})))
    told = remade.json(name)
    if not alike(found, told):
        yield f"{name}: {first_difference(found, told)} does not follow from what it was made of"


def _compared_text(remade: Remade, name: str, content: str) -> Iterator[str]:
    found, told = remade.text(name, content), (remade.results / name).read_text()
    if found != told:
        line = _first_line(found.splitlines(), told.splitlines())
        yield f"{name}: line {line} is not what it was made of"


def _first_line(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), min(len(one), len(other)) + 1)


OF_TRIALS: dict[str, Callable[[Remade], Iterator[str]]] = {
    "archive.json": _about,
    "study.nc": _study,
    "rounds": _rounds,
    "checkpoints.nc": _checkpoints,
    "reruns/choice.json": _choice,
    "reruns.nc": _reruns,
    "replicates.nc": _replicates,
    "resources.nc": _resources,
}

OF_RESULTS: dict[str, Callable[[Remade], Iterator[str]]] = {
    "models.json": _models,
    "diagnostics.json": _diagnostics,
    "launch.json": _launch,
    "set_back/choice.json": _set_back_choice,
    "set_back.nc": _set_back,
    "next_study.yaml": _next_study,
    "test.json": _test,
    "final/final.json": _final,
    "plots": _plots,
    "report.html": _report,
    "descriptions": _descriptions,
    "files": _files,
}
