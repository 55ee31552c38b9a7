"""What a study of a command can ask for: what our own engine does, a command does not."""

from tuning_playbook.study.command_file import Command, find_command, read_command
from tuning_playbook.study.draft import Draft


def check_command(draft: Draft) -> None:
    """Check that a study of a command asks for nothing that needs our engine.

    Raises:
        SpecError: It does; the message says what to do instead.
        WorkloadError: The file of the command has changed and is not what it should be.
    """
    if not draft.workload.is_command:
        return
    _check_engine(draft)
    command = read_command(find_command(draft.spec.workload, draft.path.parent))
    _check_objective(draft, command)
    if "batch_size" in draft.spec.scientific and "batch_size" not in command.names:
        raise draft.error(
            ("scientific", "batch_size"),
            f"the command of '{draft.workload.name}' does not take {{batch_size}}, so that every "
            "arm would be the same",
        )


def _check_engine(draft: Draft) -> None:
    """Check that nothing is asked for that only our own engine does."""
    spec = draft.spec
    training, resources = spec.training, spec.resources
    asked: tuple[tuple[bool, tuple[str, ...], str], ...] = (
        (resources.lanes > 1, ("resources", "lanes"), "trials of a command share no program"),
        (
            resources.devices > 1,
            ("resources", "devices"),
            "a command chooses its devices itself; 'gpus' asks a scheduler for GPUs",
        ),
        (
            resources.nodes > 1,
            ("resources", "nodes"),
            "a command starts its processes on other nodes itself",
        ),
        (
            training.validation_sample > 0,
            ("training", "validation_sample"),
            "a command chooses itself what it evaluates on",
        ),
        (
            training.microbatch > 0,
            ("training", "microbatch"),
            "a command accumulates gradients itself",
        ),
        (
            training.branch is not None,
            ("training", "branch"),
            "a command changes its batch size itself",
        ),
        (
            training.train_sample is not None,
            ("training", "train_sample"),
            "a command chooses itself what it evaluates on",
        ),
        (
            training.eval_schedule.dense_until > 0,
            ("training", "eval_schedule", "dense_until"),
            "a command chooses itself when it evaluates",
        ),
        (
            spec.reruns.splits > 0,
            ("reruns", "splits"),
            "how the data is divided, the command alone knows",
        ),
        (
            spec.test.evaluate is not None,
            ("test", "evaluate"),
            "a command keeps its own checkpoints, so the test set is for you to read",
        ),
        (
            spec.final.fold_validation,
            ("final", "fold_validation"),
            "which data a command trains on, it alone knows",
        ),
    )
    for found, location, reason in asked:
        if found:
            raise draft.error(location, f"{reason}: remove this key")


def _check_objective(draft: Draft, command: Command) -> None:
    """Check that the command measures the metric that ranks its trials."""
    metric = draft.spec.objective.metric
    split, _, name = metric.partition("/")
    if split != "test" and name in command.metrics and metric not in command.columns:
        raise draft.error(
            ("objective", "metric"),
            f"'measurements' of {draft.workload.name} names no column of '{metric}' (it has: "
            f"{', '.join(command.columns)})",
        )
