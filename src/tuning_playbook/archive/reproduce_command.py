"""Train trials of a command again from an archive, and compare them within the trial variance.

Our own engine reproduces the same bits. A command's results depend on its software and its devices,
which no archive contains. So its numbers may differ by as much as two trials of one configuration.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from scipy import stats

from tuning_playbook.archive.compare import (
    TrialVariance,
    arm_of,
    differing_curves,
    objective_of,
    trial_variance,
)
from tuning_playbook.jobs.command_training import train_commands
from tuning_playbook.study.command_file import read_command
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest

CONFIDENCE = 0.95
"""The share of pairs of trials of one configuration that are within `expected_difference`."""


def reproduce_commands(
    request: PackRequest,
    results: Path,
    packed: Mapping[str, TrialRecord],
    again: Path,
    *,
    threads: int,
    tell: Callable[[str], None],
    decide: Callable[[Mapping[str, TrialRecord]], str],
) -> bool:
    """Train trials of a command again; return whether all lie within the trial variance.

    Args:
        request: The trials, and the place of their command's files.
        results: The archive's folder of results.
        packed: The archive's records of its trials, by id.
        again: An empty folder.
        threads: CPU cores of the job.
        tell: Receives each line of the answer.
        decide: Returns the decision with the numbers of trials that were trained again.

    Raises:
        WorkloadError: The command cannot be run here.
    """
    command = read_command(Path(request.import_from) / request.trials[0].workload)
    program = command.path.parent / command.arguments[0]
    if program.is_file():
        program.chmod(0o755)  # an archive does not store this
    same = close = 0
    found = train_commands(request, again, threads=threads)
    for name, record in found.items():
        before = packed[name]
        if before.status == record.status and not differing_curves(before, record):
            same += 1
            tell(f"{name}: the same numbers")
            continue
        spread = trial_variance(results / "reruns.nc", arm_of(results, name))
        old, new = (objective_of(item, request.selection) for item in (before, record))
        within = before.status == record.status and _is_close(old, new, spread)
        close += within
        if before.status != record.status:
            tell(f"{name}: {before.status} in the archive, {record.status} here: {record.reason}")
            continue
        tell(f"{name}: {request.selection.metric} {_compared(old, new, spread)}")
    count = len(request.trials)
    tell(f"{same} of {count} gave the same numbers, {close} others lie within the trial variance")
    if same < count:
        tell(decide(found))
    return same + close == count


def expected_difference(spread: TrialVariance) -> float:
    """Return the most that two trials of one configuration differ by, 19 times in 20.

    The difference of two has twice the variance of one. The quantile is Student's, because that
    variance is an estimate. NaN if there are too few reruns to know.
    """
    if spread.degrees < 1:
        return math.nan
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, spread.degrees))
    return quantile * math.sqrt(2) * spread.standard_deviation


def _is_close(old: float, new: float, spread: TrialVariance) -> bool:
    both_missing = math.isnan(old) and math.isnan(new)
    return both_missing or abs(new - old) <= expected_difference(spread)


def _compared(old: float, new: float, spread: TrialVariance) -> str:
    apart = f"{old:.6g} in the archive and {new:.6g} here, {abs(new - old):.2g} apart"
    expected = expected_difference(spread)
    if math.isnan(expected):
        return f"{apart}; the archive has too few reruns to judge whether that is much"
    verdict = "within" if _is_close(old, new, spread) else "beyond"
    return (
        f"{apart}: {verdict} the {expected:.2g} that two trials of one configuration differ by at "
        f"most, 19 times in 20 ({spread.reruns} reruns of {spread.of})"
    )
