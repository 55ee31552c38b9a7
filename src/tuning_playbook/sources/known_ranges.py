"""What hyperparameters were searched over, where the source says it and the spec does not."""

from dataclasses import replace

from tuning_playbook.declarations import ONE_MINUS
from tuning_playbook.sources.checks import Written
from tuning_playbook.sources.found import Found
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.study import write_value
from tuning_playbook.study.values import DistributionShape


def with_ranges(written: Written, found: Found) -> tuple[Written, list[str]]:
    """Return the spec with the ranges that its source knows, and what is said of them.

    What the spec gives a role keeps it. A range that a trial lies outside of is not believed: some
    tools change ranges between trials.
    """
    roles = {
        name.removeprefix(ONE_MINUS)
        for part in parts_of(written.spec)
        for content in (part.values, part.sampled, part.nuisance, part.fixed)
        for name in content
    }
    ranges: dict[str, DistributionShape] = {}
    notes, read = [], []
    for name, distribution in found.ranges.items():
        if name in roles:
            continue
        held = [
            (trial.name, value)
            for trial in found.trials
            if (value := trial.hyperparameters.get(name)) is not None
        ]
        outside = next((item for item in held if not distribution.contains(item[1])), None)
        if outside is not None:
            notes.append(
                f"The source's range of {name}, {_written(distribution)}, is not used: "
                f"{outside[0]} has {write_value(outside[1])}."
            )
        elif held:
            ranges[name] = _shape(distribution)
            read.append(f"{name} {_written(distribution)}")
    if not ranges:
        return written, notes
    spec = written.spec.model_copy(update={"nuisance": dict(written.spec.nuisance) | ranges})
    return replace(written, spec=spec), [
        f"Ranges as the source has them: {'; '.join(read)}.",
        *notes,
    ]


def _written(distribution: Distribution) -> str:
    if distribution.kind == "choice":
        return f"one of {', '.join(map(write_value, distribution.choices))}"
    return f"{distribution.low:g} to {distribution.high:g} on a {distribution.scale} scale"


def _shape(distribution: Distribution) -> DistributionShape:
    """Return a distribution as a spec writes it."""
    if distribution.kind == "choice":
        return DistributionShape.model_validate({"choice": list(distribution.choices)})
    ends = [distribution.low, distribution.high]
    whole = distribution.integer
    return DistributionShape.model_validate(
        {distribution.kind: [int(end) for end in ends] if whole else ends}
    )
