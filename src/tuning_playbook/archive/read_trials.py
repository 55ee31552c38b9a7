"""Read the trials of an archive for a study that imports them, in a process of its own.

    python -m tuning_playbook.archive.read_trials ARCHIVE

prints them as JSON, with the files that the answer depends on. Errors in the archive go to stderr,
with exit status 1. `sources.archive` runs this and caches the answer, because every job parses the
Snakefile, and checking an archive takes too long for that.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ruamel.yaml import YAML

import tuning_playbook
from tuning_playbook.archive import format_1
from tuning_playbook.archive.bag import PAYLOAD
from tuning_playbook.archive.check_trials import PACKS, read_packs, read_records
from tuning_playbook.archive.contents import FORMAT, RESULTS
from tuning_playbook.archive.verify import UNREADABLE, read_about, unpack_bag, verify
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.engine.windows import evaluation_steps, window_ends
from tuning_playbook.errors import ArchiveError
from tuning_playbook.study.study import BASELINE
from tuning_playbook.study.workload_description import is_command, stamp_of
from tuning_playbook.trials.best_checkpoint import BestCheckpoint, read_best
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.record import Curves, TrialRecord
from tuning_playbook.trials.trial import Trial, trial_from_json

PACKAGE = Path(tuning_playbook.__file__).parent
MOST_PROBLEMS = 3


def finished_study(archive: Path) -> dict[str, Any]:
    """Return the trials of an archive, its arms and its search space, as a JSON object.

    Raises:
        ArchiveError: The archive is not whole, or it has no complete trials of its own.
    """
    problems = verify(archive, trials_only=True).problems
    if problems:
        more = f"; and {len(problems) - MOST_PROBLEMS} more" if problems[MOST_PROBLEMS:] else ""
        raise ArchiveError(f"{archive}: {'; '.join(problems[:MOST_PROBLEMS])}{more}")
    with tempfile.TemporaryDirectory(prefix="tuning-playbook-") as folder:
        bag, _ = unpack_bag(archive, Path(folder))
        about = read_about(bag)
        if not about["trained"]:
            raise ArchiveError(f"{archive}: its study read its trials from a source; give that one")
        try:
            told = finished_trials(bag / PAYLOAD / RESULTS, about["format"])
            return told | {"workload": str(about["workload"]["name"])}
        except UNREADABLE as error:
            raise ArchiveError(
                f"{archive}: it cannot be read as what it should be ({error!r})"
            ) from error


def finished_trials(results: Path, version: int = FORMAT) -> dict[str, Any]:
    """Return the content of a study's folder of results, as a JSON object.

    Args:
        results: The folder.
        version: The format of its archive.
    """
    records = read_records(results)
    packed = read_packs(results)
    of_format_1 = version == 1
    bests: dict[str, BestCheckpoint] = {}
    if of_format_1:
        bests = format_1.best_checkpoints(sorted(p for n in PACKS for p in results.glob(n)))
    with (
        xr.open_dataset(results / "study.nc") as study,
        xr.open_dataset(results / "reruns.nc") as reruns,
    ):
        arms = dict(zip(_strings(study["trial"]), _strings(study["arm"]), strict=True))
        of_reruns = dict(zip(_strings(reruns["trial"]), _strings(reruns["arm"]), strict=True))
        rounds = study["round"].to_numpy().tolist() if "round" in study else []
        proposed = dict(zip(arms, rounds, strict=False))
        selection = CheckpointSelection(
            study.attrs["objective_metric"], study.attrs["objective_mode"], study.sizes["rank"]
        )
        if of_format_1:
            steps = dict(zip(arms, study["best_step"].to_numpy().tolist(), strict=True))
            bests = {name: replace(b, step=steps.get(name, b.step)) for name, b in bests.items()}
        for trial in records if not of_format_1 else ():
            best = read_best(results / "trials" / trial, selection)
            bests |= {trial: best} if best else {}
        baseline = [trial for trial, arm in of_reruns.items() if arm == BASELINE]
        return {
            "study": str(study.attrs["study"]),
            "training": YAML(typ="safe", pure=True).load(study.attrs["spec"])["training"],
            "baseline": baseline[0] if baseline else "",
            "trials": [
                _trial(trial, records[trial], packed[trial], bests.get(trial))
                | {"arm": arms.get(trial, ""), "round": proposed.get(trial)}
                for trial in dict.fromkeys([*arms, *of_reruns])
            ],
            "arms": [
                {"name": name, "scientific": _setting(study, records, name)}
                for name in np.atleast_1d(study.attrs["arms"]).tolist()
                if name in arms.values()
            ],
            "searched": [asdict(item) for item in read_searched(study)],
            "hyperparameters": {
                str(name).removeprefix("hp_"): variable.attrs["long_name"]
                for name, variable in study.data_vars.items()
                if str(name).startswith("hp_")
            },
            "metrics": [
                {"name": name, "description": attributes["long_name"]} | _told(attributes)
                for name, attributes in _metrics(study).items()
            ],
        }


def _metrics(study: xr.Dataset) -> dict[str, Mapping[str, Any]]:
    return {
        str(name): variable.attrs
        for name, variable in study.data_vars.items()
        if variable.dims == ("trial", "eval_step", "split")
    }


def _told(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the units and the range of a metric that are in its dataset."""
    units = {"units": attributes["units"]} if "units" in attributes else {}
    ends = {"low": "valid_min", "high": "valid_max"}
    return units | {
        end: float(attributes[name]) for end, name in ends.items() if name in attributes
    }


def _setting(study: xr.Dataset, records: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """Return the scientific hyperparameters of an arm, with the values in its trials."""
    place = _strings(study["arm"]).index(arm)
    configured = _configuration(records[_strings(study["trial"])[place]]["trial"])
    names = [
        str(name).removeprefix("hp_")
        for name, variable in study.data_vars.items()
        if variable.attrs.get("role") == "scientific" and "distribution" not in variable.attrs
    ]
    return {name: configured[name] for name in names if name in configured}


def _configuration(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {**trial["hyperparameters"], "batch_size": trial["batch_size"]}


def _trial(
    name: str, content: Mapping[str, Any], record: TrialRecord, best: BestCheckpoint | None
) -> dict[str, Any]:
    of_format_1 = content.get("format", 1) == 1
    of_json = format_1.trial_of if of_format_1 else trial_from_json
    trial = of_json(content["trial"])
    return {
        "name": name,
        "seed": trial.seed,
        "hyperparameters": _configuration(content["trial"]),
        "fingerprint": trial.fingerprint,
        "status": record.status,
        "reason": record.reason,
        "trained": trial.to_json(),
        "provenance": content["provenance"],
        "best": asdict(best) if best else None,
        "measured": None if record.status == "failed" else _measured(trial, record),
    }


def _measured(trial: Trial, record: TrialRecord) -> dict[str, Any]:
    # A pack of format 1 is as long as its longest trial.
    evaluations = len(
        record.evaluations.steps if is_command(trial.workload) else evaluation_steps(trial)
    )
    windows = len(window_ends(trial.max_train_steps, trial.eval_every))
    gradient = record.gradient
    return {
        "evaluations": _curves(record.evaluations, evaluations),
        "logged": _curves(record.logged, windows),
        "gradient": None
        if gradient is None
        else {
            "counts": np.asarray(gradient.counts).tolist(),
            "p90": gradient.p90,
            "clipped_share": gradient.clipped_share,
        },
    }


def _curves(curves: Curves, length: int) -> dict[str, Any]:
    return {
        "steps": np.asarray(curves.steps)[:length].tolist(),
        "values": {
            name: np.asarray(values)[:length].tolist() for name, values in curves.values.items()
        },
    }


def _strings(variable: xr.DataArray) -> list[str]:
    return [str(item) for item in variable.to_numpy()]


def main(arguments: Sequence[str]) -> int:
    """Print the trials of the archive in the arguments."""
    (archive,) = map(Path, arguments)
    try:
        study = finished_study(archive)
    except ArchiveError as error:
        print(error, file=sys.stderr)
        return 1
    depends = [archive.resolve(), *sorted(PACKAGE.glob("archive/*.py"))]
    print(json.dumps({"study": study, "depends": [stamp_of(path) for path in depends]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
