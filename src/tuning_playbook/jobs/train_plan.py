"""Train the trials of a study's search in this process, without Snakemake."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.class_signatures import check_class
from tuning_playbook.planning.plan import Plan, request_of


def train_plan(plan: Plan, results: Path, *, only: Sequence[str] = (), threads: int = 1) -> None:
    """Train the trials of a study, keeping those that are finished.

    Args:
        plan: The study's plan.
        results: The folder of all results.
        only: The ids of the trials to train; all if it is empty.
        threads: CPU cores to use.

    Raises:
        TuningPlaybookError: A trial is not in the study, or the study cannot be trained.
        InterruptedTrainingError: The process was told to stop; what was trained is saved.
    """
    if plan.study.imported:
        raise TuningPlaybookError(f"{plan.study.path}: its trials are finished; nothing to train")
    check_class(plan)
    known = {item.trial.id for item in plan.trials}
    wanted = set(only) or known
    if unknown := wanted - known:
        raise TuningPlaybookError(f"{plan.study.path} has no trial {', '.join(sorted(unknown))}")
    given = plan.study.spec.resources
    for pack in plan.packs.values():
        trials = tuple(trial for trial in pack.trials if trial.id in wanted)
        if trials:
            train_pack(
                request_of(plan, trials),
                results / plan.study.name,
                threads=threads,
                devices=given.devices,
                gpus=given.gpus,
                nodes=given.nodes,
            )
