"""Whether the trials of a study waited for their input, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from tuning_playbook.analysis.input_bound import StudyInput, TrialInput, study_input
from tuning_playbook.trials.probe import INPUT_BOUND


@dataclass(frozen=True)
class InputSection:
    """What the report says of the input pipeline.

    Attributes:
        verdict: `input-bound`, `input-bound in part` or `not input-bound`.
        sentence: The verdict's numbers.
        advice: What to do; empty where nothing is.
        trials: What to say of each trial that was fed from the host, by its id.
    """

    verdict: str
    sentence: str
    advice: str
    trials: Mapping[str, str]


def make_input(resources: xr.Dataset, profile_command: str = "") -> InputSection | None:
    """Return what the report says of the input; None where no trial was fed from the host.

    Args:
        resources: `resources.nc`.
        profile_command: The command that profiles a trial of the study; may be empty.
    """
    found = study_input(resources)
    if found is None:
        return None
    bound, count = len(found.bound), len(found.trials)
    verdict = "input-bound" if bound else "not input-bound"
    if 0 < bound < count:
        verdict = "input-bound in part"
    advice = ""
    if bound:
        look = f" {profile_command} shows where the time goes." if profile_command else ""
        advice = (
            "Make the batches cheaper (smaller types, work done once beforehand), or give the job "
            f"more cores to read with.{look}"
        )
    return InputSection(
        verdict,
        _sentence(found),
        advice,
        {item.trial: _of_trial(item) for item in found.trials},
    )


def _sentence(found: StudyInput) -> str:
    bound, count = len(found.bound), len(found.trials)
    host = ", ".join(f"{part} {share:.0%}" for part, share in found.host_shares.items())
    return (
        f"{bound:,} of {count:,} trials fed from the host are input-bound: their steps take more "
        f"than {INPUT_BOUND:g} times as long as they would without waiting for batches. The device "
        f"waits for {found.median_wait:.0%} of the training time in the median trial. The host's "
        f"own time for input: {host}; it counts as waiting only while the device has nothing to do."
    )


def _of_trial(item: TrialInput) -> str:
    verdict = "input-bound" if item.is_bound else "not input-bound"
    return f"{verdict}: the device waits for {item.wait_share:.0%} of the training time"
