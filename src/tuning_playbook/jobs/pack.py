"""Train the trials of one pack, keeping those that are already finished."""

import functools
import logging
from pathlib import Path

from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs.environment import Resources, importing, prepare
from tuning_playbook.jobs.nodes import train_on_nodes
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.trials.claims import claimed
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.resume_states import remove_resumes
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_files import own_record, pack_trials, trial_folder

logger = logging.getLogger(__name__)


def train_pack(
    request: PackRequest,
    study: Path,
    output: Path | None = None,
    *,
    threads: int = 1,
    devices: int = 1,
    gpus: int = 0,
    nodes: int = 1,
) -> dict[str, TrialRecord]:
    """Return the records of a pack's trials by id; train those that are not finished.

    Each trial is written to its folder as soon as it ends, and the pack when all have ended. JAX is
    imported only if there is something to train. If another process is training a trial, this waits
    for it and keeps the result.

    Args:
        request: The pack.
        study: The study's folder of results.
        output: The pack file; None to write none.
        threads: CPU cores to use on each node.
        devices: Devices to compute on, on each node.
        gpus: GPUs that the job asked for on each node.
        nodes: The number of the job's nodes.

    Raises:
        ChangedDuringRunError: Code or data is not what the pack was planned with.
        DeviceError: A required device does not exist.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
        NodesError: A process failed, in a job of several nodes.
    """
    with claimed(request.trials, study):
        resources = Resources(threads, devices, gpus, nodes)
        place = "" if output is None else output.relative_to(study).as_posix()
        records = _train_claimed(request, study, resources, place)
        if output is not None:
            pack_trials(study, output, request.trials, records)
        return records


def _train_claimed(
    request: PackRequest, study: Path, resources: Resources, pack: str
) -> dict[str, TrialRecord]:
    records = kept_records(study, request.trials)
    for trial in request.trials:
        if trial.id in records:
            # A job killed just after it wrote the trial had no time to do this.
            remove_resumes(trial_folder(study, trial) / "checkpoints")
    missing = [trial for trial in request.trials if trial.id not in records]
    logger.info("kept %d trials: %s", len(records), " ".join(records) or "none")
    logger.info("to train %d trials: %s", len(missing), " ".join(t.id for t in missing) or "none")
    wanted = request.asking_for(missing)
    if missing and is_command(missing[0].workload):
        # Imported here: only a job with a command reads the command's file.
        from tuning_playbook.jobs.command_training import train_commands  # noqa: PLC0415

        records |= train_commands(wanted, study, threads=resources.threads, pack=pack)
    elif missing and resources.nodes > 1:
        train_on_nodes(wanted, study, resources)
        records |= {trial.id: _ended(study, trial) for trial in missing}
    elif missing:
        with importing():
            prepare(resources)
            # JAX is imported here: after its environment is set, and only if something is trained.
            from tuning_playbook.jobs.groups import (  # noqa: PLC0415
                train_request,
                write_trials,
            )

        write = functools.partial(write_trials, pack=pack)
        records |= train_request(wanted, study, devices=resources.devices, write=write)
    return {trial.id: records[trial.id] for trial in request.trials}


def _ended(study: Path, trial: Trial) -> TrialRecord:
    """Return the record of a trial that another process has just written."""
    record = own_record(study, trial)
    if record is None:
        raise ArtefactError(
            f"{trial_folder(study, trial)}: the trial was trained on other nodes and is not to be "
            "seen from here; do they share this folder?"
        )
    return record
