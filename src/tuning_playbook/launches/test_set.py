"""The record of every reading of a test set: `results/<study>/test/<trial>-<step>.json`.

A test set measures a model without bias only as long as nothing was chosen by it. So each reading
records when it was made, by which study, and what had been read before.

Source: the playbook, "After exploration concludes".
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuning_playbook.analysis.numbers import number
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_json
from tuning_playbook.jobs.environment import Resources, git_commit, prepare
from tuning_playbook.launches.candidate import candidate_trial, checkpoint_step_of
from tuning_playbook.planning.plan import Plan, request_of
from tuning_playbook.trials.trial import Trial

Reading = Mapping[str, Any]

READINGS = ("*/test/*.json", "*/rounds/*/test/*.json")
"""The files of readings among all results: those of studies, and of the rounds of procedures."""


def read_reading(path: Path) -> dict[str, Any] | None:
    """Return a recorded reading; None where there is no such file.

    Raises:
        ArtefactError: The record is damaged.
    """
    try:
        reading: dict[str, Any] = json.loads(path.read_text())
        (*_,) = (reading[key] for key in ("study", "trial", "step", "read", "test_set", "metrics"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"{path}: the record of a reading of the test set is damaged ({error!r}); restore it, "
            "or remove it to read the test set once more"
        ) from None
    reading.pop("format", None)  # belongs to the file, not to the reading
    return reading


def write_reading(folder: Path, reading: Reading) -> None:
    """Record a reading of the test set, in the results of its study."""
    write_json(folder / "test" / f"{reading['trial']}-{reading['step']}.json", reading)


def find_reading(folder: Path, trial: str, step: int) -> dict[str, Any] | None:
    """Return the recorded reading of one checkpoint; None where there is none.

    With another objective a trial has another best checkpoint, which was not read.

    Args:
        folder: The study's folder of results.
        trial: The id of the trial.
        step: The step of the checkpoint.

    Raises:
        ArtefactError: A record is damaged.
    """
    found = [read_reading(path) for path in sorted((folder / "test").glob("*.json"))]
    same = [item for item in found if item and (item["trial"], item["step"]) == (trial, step)]
    return same[0] if same else None


def earlier_readings(results: Path, reading: Reading) -> list[dict[str, Any]]:
    """Return the earlier readings of the same test set, by any study with results in this folder.

    Args:
        results: The folder of all results.
        reading: The reading in question; its `test_set` is the hash of the test split.

    Raises:
        ArtefactError: A record is damaged.
    """
    files = [path for place in READINGS for path in results.glob(place)]
    found = [read_reading(path) for path in sorted(files)]
    same = [item for item in found if item and item["test_set"] == reading["test_set"]]
    before = [item for item in same if item["read"] < reading["read"]]
    return sorted(before, key=lambda item: str(item["read"]))


def evaluate_test_set(
    plan: Plan, launch: Mapping[str, Any], folder: Path, resources: Resources
) -> dict[str, Any]:
    """Measure the candidate's best checkpoint on the test split, once, and return `test.json`.

    Args:
        plan: The study's.
        launch: Its `launch.json`.
        folder: Its folder of results.
        resources: What the job has.

    Raises:
        ArtefactError: A record or a checkpoint is damaged.
    """
    trial = candidate_trial(folder, launch)
    reading, earlier = None, []
    if trial is not None:
        step = checkpoint_step_of(folder / "study.nc", trial)
        arm = str(launch["candidate"]["arm"])
        reading = find_reading(folder, trial.id, step)
        if reading is None:
            reading = _read_once(plan, trial, step, arm, folder, resources)
            write_reading(folder, reading)
        results = folder.parents[len(Path(plan.study.name).parts) - 1]
        earlier = earlier_readings(results, reading)
    return {
        "evaluate": plan.study.spec.test.evaluate,
        "reading": reading,
        "earlier": earlier,
    }


def _read_once(
    plan: Plan, trial: Trial, step: int, arm: str, folder: Path, resources: Resources
) -> dict[str, Any]:
    prepare(resources)
    # JAX is imported here, after its environment is set.
    from tuning_playbook.jobs.best_variables import best_variables  # noqa: PLC0415
    from tuning_playbook.jobs.held_out import measure  # noqa: PLC0415
    from tuning_playbook.jobs.load_workload import load_data, load_workload  # noqa: PLC0415
    from tuning_playbook.jobs.versions import data_version  # noqa: PLC0415

    described = plan.study.workload
    workload = load_workload(described.name, described.import_from, described.data_folder)
    examples = load_data(described.name, workload)["test"]
    variables = best_variables(folder, request_of(plan, [trial]), step)
    metrics = measure(variables, trial, workload, examples, step)
    return {
        "study": plan.study.name,
        "workload": described.name,
        "test_set": data_version({"test": examples}),
        "examples": len(next(iter(examples.values()))),
        "trial": trial.id,
        "arm": arm,
        "step": step,
        "metrics": {metric: number(value) for metric, value in metrics.items()},
        "read": datetime.now(UTC).isoformat(timespec="microseconds"),
        "commit": git_commit(),
    }
