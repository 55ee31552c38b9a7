"""What a study of a command should know before it trains: what the command does not take."""

from collections.abc import Iterator
from pathlib import Path

from tuning_playbook.study.command_file import Command, find_command, read_command
from tuning_playbook.study.rule_of_thumb import Advice
from tuning_playbook.study.study import Study


def advice_on_command(study: Study) -> Iterator[Advice]:
    """Yield what a study does not follow because its command does not let it.

    Args:
        study: The study.

    Raises:
        WorkloadError: The file of the command has changed and is not what it should be.
    """
    if not study.workload.is_command:
        return
    command = read_command(find_command(study.spec.workload, study.path.parent))
    if "seed" not in command.names:
        yield Advice(
            rule="seed_not_taken",
            text=f"The command of {study.workload.name} does not take {{seed}}. Give it to the "
            "script.",
            reason=(
                "Reruns with fresh seeds measure the trial variance, and a script that does not "
                "take them may train the same trial again and again."
            ),
            section="Determining whether to adopt a training pipeline change",
        )
    if "max_train_steps" not in command.names:
        yield Advice(
            rule="max_train_steps_not_taken",
            text=f"The command of {study.workload.name} does not take {{max_train_steps}}. Give it "
            "to the script, or make sure that it trains for that many steps.",
            reason="What it measures after them does not count, and trials of fewer are behind.",
            section="Deciding how long to train when training is not compute-bound",
        )
    if unlisted := _unlisted(command):
        yield Advice(
            rule="files_not_listed",
            text=f"{', '.join(unlisted)}, which the command of {study.workload.name} names, is not "
            "under 'files'. Name every file there that decides what the command does.",
            reason="A change of a file that is not listed trains nothing again.",
            section="Choosing the goal for the next round of experiments",
        )


def _unlisted(command: Command) -> list[str]:
    """Return the files that arguments name and `files` does not."""
    folder = command.path.parent
    names = [Path(text).as_posix() for text in command.arguments if not Path(text).is_absolute()]
    return [
        name
        for name in dict.fromkeys(names)
        if name not in command.files and _is_file(folder / name)
    ]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # an argument that can be no path: too long, a null byte
        return False
