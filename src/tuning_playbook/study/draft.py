"""A spec as it is being checked: its file, its text, and what its workload declares."""

from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.errors import SpecError, WorkloadError
from tuning_playbook.study import shape
from tuning_playbook.study.command_file import describe_command
from tuning_playbook.study.origin import EarlierResult, Taken
from tuning_playbook.study.workload_description import (
    WorkloadDescription,
    describe,
    is_command,
)
from tuning_playbook.study.yaml import Location, line_of


@dataclass(frozen=True)
class Draft:
    """What the checks of a spec look at.

    Attributes:
        path: The spec's file.
        spec: The spec, of the right shape.
        text: The file's text.
        workload: What the workload declares.
        baseline: The incumbent, where it is the result of an earlier study.
        taken: What the spec takes from earlier studies.
        name: The study's name, where that is not the stem of its file.
    """

    path: Path
    spec: shape.StudySpec
    text: str
    workload: WorkloadDescription
    baseline: EarlierResult | None = None
    taken: tuple[Taken, ...] = ()
    name: str = ""

    def error(self, location: Location, message: str) -> SpecError:
        """Return an error that names the file, the line and the key that `location` leads to."""
        return error_at(self.path, self.text, location, message)


def workload_of(path: Path, spec: shape.StudySpec, text: str) -> WorkloadDescription:
    """Return what the workload of a spec declares.

    Raises:
        WorkloadError: It cannot be imported, does not keep the protocol, or its data cannot be
            read; the message names the place in the spec.
    """
    try:
        return describe_any(spec.workload, folder=path.parent, data=spec.data)
    except WorkloadError as error:
        placed = error_at(path, text, ("workload",), str(error))
        raise WorkloadError(str(placed)) from None


def describe_any(workload: str, *, folder: Path, data: str | None) -> WorkloadDescription:
    """Return the description of a class or of a command, as the spec names it.

    Args:
        workload: As in the spec.
        folder: The spec's folder.
        data: What the spec says under `data`.

    Raises:
        WorkloadError: There is no such workload, or it is not what it should be.
    """
    if is_command(workload):
        return describe_command(workload, folder=folder, data=data)
    return describe(workload, folder=folder, data=data)


def error_at(path: Path, text: str, location: Location, message: str) -> SpecError:
    """Return an error that names the file, the line and the key that `location` leads to."""
    line = line_of(text, location)
    where = f"{path}:{line}" if line else str(path)
    return SpecError(f"{where}: {key_of(location)}: {message}")


def key_of(location: Location) -> str:
    """Write a location as a person would.

    Example:
        >>> key_of(("conditional", 1, "nuisance", "learning_rate"))
        'conditional[1].nuisance.learning_rate'
    """
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key or "(the whole file)"
