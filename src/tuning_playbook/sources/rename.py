"""Names of a source that are others here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tuning_playbook.declarations import ONE_MINUS, Value, spec_name
from tuning_playbook.errors import nearest
from tuning_playbook.sources.checks import Written
from tuning_playbook.sources.found import Found
from tuning_playbook.study.study import Arm, Dimension


def check_rename(written: Written, groups: Sequence[Collection[str]], what: str) -> None:
    """Check that each name which the spec gives another is the source's, and the new one is free.

    Args:
        written: The spec.
        groups: The names in each part of the source in which a name occurs once: a table, a trial.
        what: What they are names of, as `column`.

    Raises:
        SpecError: One is not.
    """
    rename = written.spec.source.rename
    known = list(dict.fromkeys(name for group in groups for name in group))
    for old, new in rename.items():
        here = ("source", "rename", old)
        if old not in known:
            raise written.error(
                here,
                f"the source has no {what} '{old}'{nearest(old, known)} "
                f"(known: {', '.join(sorted(known))})",
            )
        for group in groups:
            clash = [
                name
                for name in group
                if old in group and name != old and rename.get(name, name) == new
            ]
            if clash:
                raise written.error(
                    here,
                    f"the source has another {what} '{clash[0]}', which is '{new}' here too; give "
                    "one of them another name",
                )


def renamed(written: Written, found: Found) -> Found:
    """Return the study of an archive with the spec's names for its hyperparameters.

    Raises:
        SpecError: A name cannot be another: it is in the archive's arms, or is the batch size.
    """
    rename = written.spec.source.rename
    remade = written.spec.scientific or written.spec.nuisance or written.spec.conditional
    for old, new in rename.items():
        here = ("source", "rename", old)
        if old == "batch_size":
            raise written.error(here, "the batch size of an archive's trials keeps its name")
        if not remade and any(old in arm.scientific for arm in found.arms):
            raise written.error(
                here,
                f"'{old}' makes the arms of the archive: give its values under 'scientific', by "
                f"the name '{new}'",
            )
    return replace(
        found,
        trials=tuple(
            replace(trial, hyperparameters=_named(rename, trial.hyperparameters))
            for trial in found.trials
        ),
        known={
            rename.get(name, name): replace(item, name=rename.get(name, name))
            for name, item in found.known.items()
        },
        arms=tuple(_arm(rename, arm) for arm in found.arms),
    )


def _arm(rename: Mapping[str, str], arm: Arm) -> Arm:
    dimensions = tuple(_dimension(rename, item) for item in arm.dimensions)
    return replace(arm, dimensions=dimensions, fixed=_named(rename, arm.fixed))


def _dimension(rename: Mapping[str, str], dimension: Dimension) -> Dimension:
    old = dimension.hyperparameter.name
    new = rename.get(old, old)
    prefix = ONE_MINUS if dimension.name.startswith(ONE_MINUS) else ""
    drawn = dimension.name.removeprefix(spec_name(dimension.name))
    return replace(
        dimension,
        name=prefix + new + drawn,
        hyperparameter=replace(dimension.hyperparameter, name=new),
    )


def _named(rename: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, Value]:
    return {rename.get(name, name): value for name, value in values.items()}
