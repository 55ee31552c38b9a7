"""Train the trials of one pack, keeping those that are finished already."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.search.fingerprint import Trial, trial_from_json
from tuning_playbook.spec.workload import forget
from tuning_playbook.training.environment import prepare
from tuning_playbook.training.records import TrialResult, read_result, trial_folder

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
    """Return the request that `search.plan.pack_json` wrote."""
    content = json.loads(text)
    trials = tuple(trial_from_json(item) for item in content["trials"])
    return PackRequest(trials, content["import_from"], content["data_folder"])


def train_pack(request: PackRequest, study: Path, *, threads: int) -> list[TrialResult]:
    """Return the results of a pack's trials, training those that are not finished.

    Each trial is written to its folder as soon as it ends. JAX is imported only if there is
    something to train.

    Args:
        request: The pack.
        study: The study's folder of results.
        threads: CPU cores to use.

    Raises:
        ChangedDuringRunError: Code or data is not what the pack was planned with.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
    """
    results: dict[str, TrialResult] = {}
    for trial in request.trials:
        kept = read_result(trial_folder(study, trial), trial)
        if kept is not None:
            results[trial.id] = kept
    missing = [trial for trial in request.trials if trial.id not in results]
    logger.info("kept %d trials: %s", len(results), " ".join(results) or "none")
    logger.info("to train %d trials: %s", len(missing), " ".join(t.id for t in missing) or "none")
    if missing:
        prepare(threads)
        # JAX is imported here: after its environment is set, and only by a job that trains.
        from tuning_playbook.training.groups import train_trials  # noqa: PLC0415
        from tuning_playbook.workloads.loading import load_workload  # noqa: PLC0415

        workload = load_workload(missing[0].workload, request.import_from, request.data_folder)
        try:
            trained = train_trials(missing, workload, study, import_from=request.import_from)
            results |= {result.trial.id: result for result in trained}
        except ChangedDuringRunError:
            forget(missing[0].workload, request.import_from, request.data_folder)
            raise
    return [results[trial.id] for trial in request.trials]
