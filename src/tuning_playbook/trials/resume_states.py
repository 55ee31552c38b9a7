"""The states from which a trial can be resumed: their names, a list of them, their removal.

    checkpoints/resume_<step>/   one of them, a checkpoint like any other

Nothing here restores one, so a job that keeps all its trials imports nothing heavy.
"""

from pathlib import Path

from tuning_playbook.trials.manifest import SUFFIX, remove

RESUME = "resume_"


def resume_name(step: int) -> str:
    """Return the name of the checkpoint to resume from after `step`."""
    return f"{RESUME}{step}"


def resume_steps(folder: Path) -> list[int]:
    """Return the steps after which a trial can be resumed."""
    names = [path.name.removeprefix(RESUME) for path in folder.glob(f"{RESUME}*{SUFFIX}")]
    steps = [name.removesuffix(SUFFIX) for name in names]
    return [int(step) for step in steps if step.isdecimal()]


def remove_resumes(folder: Path) -> None:
    """Remove every state from which the trial could be resumed, finished or not."""
    for path in folder.glob(f"{RESUME}*"):
        remove(folder, path.name.removesuffix(SUFFIX))
