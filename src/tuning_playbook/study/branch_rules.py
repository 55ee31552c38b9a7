"""Which trials can branch from a run at a smaller batch size (`training.branch`)."""

from collections.abc import Collection, Sequence

from tuning_playbook.study.draft import error_at
from tuning_playbook.study.shape import Training
from tuning_playbook.study.study import Arm, Incumbent, Study

POLYAK = "polyak_decay"

BRANCH = ("procedure", "branch")
"""Where a procedure asks for branches."""

AVERAGED = (
    f"the average of the weights ({POLYAK}) counts steps, and a branch has fewer updates than "
    "steps: take one of the two away"
)
OF_A_COMMAND = "a command changes its batch size itself: take this key away"


def branch_objection(
    training: Training,
    arms: Sequence[Arm],
    sizes: Collection[int],
    baseline: Incumbent | None = None,
) -> tuple[tuple[str, ...], str]:
    """Return where in `training` and why trials cannot branch as it says; empty where they can.

    Args:
        training: Of the spec.
        arms: Of the study.
        sizes: The batch sizes of the arms and of the baseline.
        baseline: Of the study, where there is one: it branches as the arms do.
    """
    branch = training.branch
    if branch is None:
        return (), ""
    if branch.step >= training.max_train_steps:
        return ("branch", "step"), (
            f"{branch.step} leaves a branch no steps: choose less than max_train_steps "
            f"({training.max_train_steps})"
        )
    for size in sorted(sizes):
        if size % branch.batch_size:
            return ("branch", "batch_size"), (
                f"{branch.batch_size} does not divide a batch size of {size}: an update of a "
                "branch is of whole batches of its run"
            )
    own = baseline is not None and baseline.hyperparameters.get(POLYAK)
    if own or any(averages(arm) for arm in arms):
        return ("branch",), AVERAGED
    return (), ""


def check_branches(study: Study) -> None:
    """Check that the runs of a procedure can be branched from, before any of them is trained.

    Args:
        study: Of the procedure's spec, as a study.

    Raises:
        SpecError: They cannot; the message says why.
    """
    if study.workload.is_command:
        raise error_at(study.path, study.text, BRANCH, OF_A_COMMAND)
    if any(averages(arm) for arm in study.arms):
        raise error_at(study.path, study.text, BRANCH, AVERAGED)


def averages(arm: Arm) -> bool:
    """Return whether a trial of an arm evaluates an average of its weights."""
    if any(item.hyperparameter.name == POLYAK for item in arm.dimensions):
        return True
    return any(fixed.get(POLYAK) for fixed in (arm.fixed, *(draw.fixed for draw in arm.draws)))
