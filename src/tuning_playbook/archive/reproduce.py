"""Train trials of an archive again, and report whether the bits are the same.

This may run a user's own workload code. So versions are compared from files before anything is
imported, and the caller is shown whose code it is and must agree.
"""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.archive.bag import PAYLOAD, check_bag
from tuning_playbook.archive.check_trials import read_packs, read_records
from tuning_playbook.archive.choose import choose_trials
from tuning_playbook.archive.code_compared import (
    command_in,
    engine_version,
    workload_sources,
    workload_version,
)
from tuning_playbook.archive.compare import (
    arm_of,
    differing_curves,
    differing_variables,
    objective_of,
    trial_variance,
)
from tuning_playbook.archive.contents import RESULTS
from tuning_playbook.archive.decided_again import survives
from tuning_playbook.archive.machine import differences
from tuning_playbook.archive.reproduce_command import reproduce_commands
from tuning_playbook.archive.verify import read_about, unpack_bag
from tuning_playbook.errors import ArchiveError, printable
from tuning_playbook.jobs.environment import Resources, prepare, provenance
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.manifest import BEST, manifest_of
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_json import read_trial_json
from tuning_playbook.workloads.protocol import Workload

Tell = Callable[[str], None]

KINDS = {"data": "data", "engine": "engine", "workload": "workload's code"}
"""What each hash in a trial's versions is of."""

OWN_CODE = "PYTHONPATH=<archive>/data/code/src python -m tuning_playbook reproduce ..."


def reproduce(
    archive: Path,
    *,
    named: Sequence[str] = (),
    sample: int = 0,
    everything: bool = False,
    data_folder: str = "",
    threads: int = 1,
    agree: Callable[[str], bool] = lambda _: False,
    tell: Tell = print,
) -> bool:
    """Train trials of an archive again in an empty folder; return whether all bits are the same.

    For a command it is enough to be within the trial variance (`reproduce_command`).

    Args:
        archive: The archive.
        named: Trials by id or by position.
        sample: How many more are drawn at random.
        everything: Whether to train every trial and rerun.
        data_folder: The data of a workload that reads a folder of data; no archive contains it.
        threads: CPU cores to use; they affect no bits.
        agree: Returns whether the archive's own code, which is described to it, may run.
        tell: Receives each line of the answer.

    Raises:
        ArchiveError: The archive is not whole, its trials were read from a source, the code or the
            data here differ from those it was made with, or its own code must not run.
        WorkloadError: Its workload cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="tuning-playbook-") as folder:
        bag, _ = unpack_bag(archive, Path(folder) / "archive")
        for problem in check_bag(bag):
            raise ArchiveError(f"{archive}: {problem}; see python -m tuning_playbook verify")
        about = read_about(bag)
        if about["format"] == 1:
            raise ArchiveError(
                f"{archive}: it was made by version 0.1 of this software, whose engine trained its "
                f"trials; unpack it and use its own code{_of_commit(about)}: {OWN_CODE}"
            )
        if not about["trained"]:
            raise ArchiveError(
                f"{archive}: its trials were read from a source, which alone could train them"
            )
        payload = bag / PAYLOAD
        results = payload / RESULTS
        records = read_records(results)
        chosen = choose_trials(results, records, named=named, sample=sample, everything=everything)
        if not chosen:
            raise ArchiveError("name a trial with --trial, or give --sample or --all")
        trials = [trial_from_json(records[name]["trial"]) for name in chosen]
        packed = read_packs(results)
        again = Path(folder) / "again"
        check_versions(payload, about, trials)
        foreign = foreign_code(payload, about)
        if foreign and not agree(foreign):
            raise ArchiveError(f"{archive}: {foreign} It is not run: give --trust if you trust it")
        if is_command(trials[0].workload):
            request = PackRequest(tuple(trials), str(payload / "spec"), "", _selection(results))
            return reproduce_commands(
                request,
                results,
                packed,
                again,
                threads=threads,
                tell=tell,
                decide=lambda found: survives(payload, about, found, Path(folder) / "decided"),
            )
        import_from = str(payload / "spec") if ":" in about["workload"]["name"] else ""
        for trial in trials:
            if trial.nodes > 1:
                tell(
                    f"{trial.id}: trained on {trial.nodes} nodes; here one process adds up "
                    f"the sums of its {trial.devices} devices, which may round them in another way"
                )
        devices = max(trial.devices for trial in trials)
        prepare(Resources(threads, devices))
        workload = _load(about, trials, import_from, data_folder)
        _tell_environment(records, chosen, tell)
        # JAX is imported here, after its environment is set.
        from tuning_playbook.jobs.groups import train_trials  # noqa: PLC0415

        selection = _selection(results)
        request = PackRequest(tuple(trials), import_from, data_folder, selection)
        same = 0
        found = train_trials(request, workload, again)
        for name, record in found.items():
            same += _compare(results, again, name, packed[name], record, selection, tell)
        tell(f"{same} of {len(trials)} gave the same bits")
        if same < len(trials):
            tell(survives(payload, about, found, Path(folder) / "decided"))
        return same == len(trials)


def _load(
    about: Mapping[str, Any], trials: Sequence[Trial], import_from: str, data_folder: str
) -> Workload:
    """Return the workload after checking that code and data match the trials' versions."""
    from tuning_playbook.jobs.describe_workload import current_versions  # noqa: PLC0415
    from tuning_playbook.jobs.load_workload import load_data, load_workload  # noqa: PLC0415

    name = about["workload"]["name"]
    workload = load_workload(name, import_from, data_folder)
    current = current_versions(workload, load_data(name, workload), import_from)
    changed = sorted(
        {
            part
            for trial in trials
            for part, hash_ in trial.versions.items()
            if current[part] != hash_
        }
    )
    if changed:
        raise _other_versions(about, changed)
    return workload


def check_versions(payload: Path, about: Mapping[str, Any], trials: Sequence[Trial]) -> None:
    """Check, from files alone, that the code that would run is the code that trained some trials.

    Args:
        payload: The folder of the bag's payload.
        about: The archive's `archive.json`.
        trials: The trials.

    Raises:
        ArchiveError: It is not.
    """
    name = about["workload"]["name"]
    if {trial.workload for trial in trials} != {name}:
        raise ArchiveError(f"archive.json names the workload '{name}', and its trials another")
    here = {"workload": workload_version(name, payload / "spec")}
    if not is_command(name):
        here["engine"] = engine_version()
    changed = sorted(
        {
            part
            for trial in trials
            for part, version in here.items()
            if version is not None and dict(trial.versions)[part] != version
        }
    )
    if changed:
        raise _other_versions(about, changed)


def _other_versions(about: Mapping[str, Any], changed: Sequence[str]) -> ArchiveError:
    if is_command(about["workload"]["name"]):
        return ArchiveError(
            "the command in the archive is not what its trials were trained with, so other "
            "numbers would prove nothing"
        )
    differing = " and the ".join(KINDS[part] for part in changed)
    return ArchiveError(
        f"the {differing} here and of the archive are not the same, so other bits would prove "
        f"nothing; unpack the archive and use its own code{_of_commit(about)}: {OWN_CODE}"
    )


def foreign_code(payload: Path, about: Mapping[str, Any]) -> str:
    """Return whose code would run; empty if it is only this software's.

    Args:
        payload: The folder of the bag's payload.
        about: The archive's `archive.json`.
    """
    name, spec = str(about["workload"]["name"]), payload / "spec"
    author = about.get("settings", {}).get("author", "")
    named = f"'{printable(author)}'" if author else "nobody"
    whose = f"The archive names {named} as its author, and nothing proves it."
    if is_command(name):
        arguments = " ".join(command_in(spec, name).arguments)
        return (
            f"It would run the command `{printable(arguments)}` with files of the archive. {whose}"
        )
    if ":" not in name:
        return ""
    files = [path for path in workload_sources(name, spec) if path.is_relative_to(spec)]
    if not files:
        return f"It would run the class {printable(name)} of a package that is installed here."
    listed = ", ".join(f"spec/{printable(str(path.relative_to(spec)))}" for path in files)
    return (
        f"It would run the class {printable(name)} from the archive ({listed}), with all that "
        f"you may do. Nothing tells that it is of {whose}. Read these files first."
    )


def _of_commit(about: Mapping[str, Any]) -> str:
    commit = about["code"]["commit"]
    return f", of commit {commit}" if commit else ""


def _selection(results: Path) -> CheckpointSelection:
    """Return how the checkpoints of an archive were ranked."""
    with xr.open_dataset(results / "study.nc") as study:
        metric, mode = study.attrs["objective_metric"], study.attrs["objective_mode"]
        return CheckpointSelection(metric, mode, study.sizes["rank"])


def _tell_environment(
    records: Mapping[str, Mapping[str, Any]], chosen: Sequence[str], tell: Tell
) -> None:
    here = provenance()
    found = [fact for name in chosen for fact in differences(records[name]["provenance"], here)]
    for fact in dict.fromkeys(found):
        tell(f"environment: {fact}")
    if not found:
        tell("environment: as recorded: backend, device, processor, Python and packages")


def _compare(
    results: Path,
    again: Path,
    name: str,
    before: TrialRecord,
    now: TrialRecord,
    selection: CheckpointSelection,
    tell: Tell,
) -> bool:
    """Report how a trial compares with the archive's; return whether it is bit-identical."""
    folders = [folder / "trials" / name for folder in (results, again)]
    curves = differing_curves(before, now)
    variables: list[str] = []
    kept = manifest_of(folders[0] / "checkpoints", BEST).exists()
    if kept:
        from tuning_playbook.jobs import checkpoints  # noqa: PLC0415 - imports JAX

        one, other = (checkpoints.restore(folder / "checkpoints", BEST) for folder in folders)
        # A trial ranked by another objective when it was trained may have kept other steps.
        shared = one.keys() & other.keys()
        mine, theirs = ({key: each[key] for key in shared} for each in (one, other))
        kept, variables = bool(shared), differing_variables(mine, theirs)
    if not curves and not variables and before.status == now.status:
        tell(f"{name}: the same bits{', checkpoints included' if kept else ''}")
        return True
    facts = differences(*(read_trial_json(folder)["provenance"] for folder in folders))
    tell(
        f"{name}: other bits in {', '.join([*curves, *variables][:5]) or 'its status'}; "
        f"{_objectives(results, name, before, now, selection)}; what differs of the recorded "
        f"facts: {'; '.join(facts) or 'nothing'}"
    )
    return False


def _objectives(
    results: Path,
    name: str,
    before: TrialRecord,
    now: TrialRecord,
    selection: CheckpointSelection,
) -> str:
    """Return how far apart the objectives are, compared with the archive's trial variance."""
    old, new = (objective_of(record, selection) for record in (before, now))
    spread = trial_variance(results / "reruns.nc", arm_of(results, name))
    apart = abs(new - old)
    times = apart / spread.standard_deviation if spread.standard_deviation else math.nan
    return (
        f"{selection.metric} {old:.6g} in the archive and {new:.6g} here, {apart:.2g} apart, "
        f"which is {times:.2g} standard deviations of {spread.reruns} reruns of {spread.of} "
        f"({spread.standard_deviation:.2g})"
    )
