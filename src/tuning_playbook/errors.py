"""What a user can do wrong: one exception type each, saying what, where and what to do."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


def printable(text: str) -> str:
    r"""Return a text with its control characters escaped; line breaks stay.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return "".join(
        repr(letter)[1:-1]
        if unicodedata.category(letter) in OBEYED and letter not in "\n\t"
        else letter
        for letter in text
    )


OBEYED = ("Cc", "Cf", "Zl", "Zp")
"""The Unicode categories that may control a terminal: controls, formats and line separators."""


class TuningPlaybookError(Exception):
    """An error that a user can fix; shown as its message alone, without a traceback."""

    def __str__(self) -> str:
        """Return the message, with the control characters in what it quotes escaped."""
        return printable(super().__str__())


class SpecError(TuningPlaybookError):
    """A study spec, a baseline or the configuration that cannot be carried out as written."""


class BudgetError(TuningPlaybookError):
    """A budget that cannot be read, or that is too small for any plan."""


class SourceError(TuningPlaybookError):
    """A file of finished trials that cannot be read as what it should be."""


class WorkloadError(TuningPlaybookError):
    """A workload that cannot be imported, or does not follow the Workload protocol."""


class InfeasibleConfigurationError(TuningPlaybookError):
    """Raised by a workload for a configuration that it cannot run.

    The trial is recorded as failed with this message as its reason; the other trials go on.
    """


class InterruptedTrainingError(Exception):
    """The job was told to stop; its state is saved."""


INTERRUPTED = 75
"""Exit status of an interrupted job, which can be resumed: `EX_TEMPFAIL` of `sysexits.h`."""


class ChangedDuringRunError(TuningPlaybookError):
    """The spec, the code or the data changed between planning a job and running it."""


class DeviceError(TuningPlaybookError):
    """A device that a job should compute on and that is not there."""


class NodesError(TuningPlaybookError):
    """A job of several nodes that ended before its trials were trained."""


class ArtefactError(TuningPlaybookError):
    """A file of a study that is missing, damaged or not what its name says."""


class StorageError(TuningPlaybookError, OSError):
    """A disk, a quota or a file system that fails: an error of the job, not of a configuration."""


class ArchiveError(TuningPlaybookError):
    """An archive that cannot be made, is not what it should be, or is not safe to unpack."""


class LaunchError(TuningPlaybookError):
    """A launch that cannot be adopted as it is."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name nearest to `name`, or an empty string."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{matches[0]}'?" if matches else ""
