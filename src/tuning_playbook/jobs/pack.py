"""Train the trials of one pack, keeping those that are finished already."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.jobs.nodes import train_on_nodes
from tuning_playbook.study.workload_description import forget
from tuning_playbook.trials.claims import claimed
from tuning_playbook.trials.result import (
    TrialResult,
    read_ended,
    read_result,
    trial_folder,
)
from tuning_playbook.trials.resume_states import remove_resumes
from tuning_playbook.trials.trial import Trial, trial_from_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackRequest:
    """What a training job is asked for.

    Attributes:
        trials: The trials of the pack.
        import_from: Where the workload's module is imported from before the installed packages.
        data_folder: Where its data is read from, for a workload that takes a folder.
    """

    trials: tuple[Trial, ...]
    import_from: str
    data_folder: str


def request_from_json(text: str) -> PackRequest:
    """Return the request that `planning.plan.pack_json` wrote."""
    content = json.loads(text)
    trials = tuple(trial_from_json(item) for item in content["trials"])
    return PackRequest(trials, content["import_from"], content["data_folder"])


def request_for(trials: Sequence[Mapping[str, Any]], like: str) -> PackRequest:
    """Return the request for trials that no pack was planned for.

    Args:
        trials: As JSON objects.
        like: The request of any pack of their study, for all but the trials.
    """
    return request_from_json(json.dumps(json.loads(like) | {"trials": list(trials)}))


def request_json(request: PackRequest) -> str:
    """Return a request as `request_from_json` reads it."""
    trials = [trial.to_json() for trial in request.trials]
    return json.dumps({**vars(request), "trials": trials})


def train_pack(
    request: PackRequest,
    study: Path,
    *,
    threads: int = 1,
    devices: int = 1,
    gpus: int = 0,
    nodes: int = 1,
) -> list[TrialResult]:
    """Return the results of a pack's trials, training those that are not finished.

    Each trial is written to its folder as soon as it ends. JAX is imported only if there is
    something to train. A trial that another process trains is waited for, and kept.

    Args:
        request: The pack.
        study: The study's folder of results.
        threads: CPU cores to use, on each node.
        devices: Devices to compute on, on each node.
        gpus: GPUs that the job asked for, on each node.
        nodes: How many nodes it has.

    Raises:
        ChangedDuringRunError: Code or data is not what the pack was planned with.
        DeviceError: A device that it needs is not there.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
        NodesError: A process failed, where the job has several nodes.
    """
    with claimed(request.trials, study):
        return _train_claimed(request, study, Resources(threads, devices, gpus, nodes))


def _train_claimed(request: PackRequest, study: Path, resources: Resources) -> list[TrialResult]:
    results: dict[str, TrialResult] = {}
    for trial in request.trials:
        folder = trial_folder(study, trial)
        kept = read_result(folder, trial)
        if kept is not None:
            results[trial.id] = kept
            # A job killed just after it wrote the trial had no time to.
            remove_resumes(folder / "checkpoints")
    missing = tuple(trial for trial in request.trials if trial.id not in results)
    logger.info("kept %d trials: %s", len(results), " ".join(results) or "none")
    logger.info("to train %d trials: %s", len(missing), " ".join(t.id for t in missing) or "none")
    wanted = replace(request, trials=missing)
    if missing and resources.nodes > 1:
        train_on_nodes(request_json(wanted), study, resources)
        for trial in missing:
            results[trial.id] = read_ended(trial_folder(study, trial), trial)
    elif missing:
        prepare(resources)
        results |= {result.trial.id: result for result in train(wanted, study, resources)}
    return [results[trial.id] for trial in request.trials]


def train(request: PackRequest, study: Path, resources: Resources) -> list[TrialResult]:
    """Train every trial of a request, in a process that JAX is set up for.

    Raises:
        As `train_pack`.
    """
    # JAX is imported here: after its environment is set, and only by a job that trains.
    from tuning_playbook.jobs.groups import train_trials  # noqa: PLC0415
    from tuning_playbook.jobs.load_workload import load_workload  # noqa: PLC0415

    place = (request.trials[0].workload, request.import_from, request.data_folder)
    workload = load_workload(*place)
    try:
        return train_trials(
            request.trials,
            workload,
            study,
            import_from=request.import_from,
            devices=resources.devices,
        )
    except ChangedDuringRunError:
        forget(*place)
        raise
