"""What a conclusion is conditional on: the values at which hyperparameters were held fixed.

Source: the playbook, "Identifying scientific, nuisance, and fixed hyperparameters".
"""

from tuning_playbook.spec.study import Study, write_value


def fixed_by(study: Study) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is fixed by the spec and what by its default: names and written values.

    A value that holds only in some arms is written with their names.
    """
    chosen: dict[str, str] = {}
    default: dict[str, str] = {}
    for name in study.hyperparameters:
        values: dict[str, list[str]] = {}
        by_spec = False
        for arm in study.arms:
            if name in arm.fixed and name not in arm.scientific:
                values.setdefault(write_value(arm.fixed[name]), []).append(arm.name)
                by_spec |= name not in arm.defaulted
        if values:
            everywhere = len(values) == 1 and len(next(iter(values.values()))) == len(study.arms)
            written = (
                next(iter(values))
                if everywhere
                else "; ".join(f"{value} in {', '.join(arms)}" for value, arms in values.items())
            )
            (chosen if by_spec else default)[name] = written
    return chosen, default


def caveats(study: Study) -> tuple[str, ...]:
    """Return the caveats of a study's conclusion, in sentences."""
    chosen, default = fixed_by(study)
    found = []
    if chosen:
        found.append(
            f"Fixed by the spec: {_list(chosen)}. The conclusion holds at these values and might "
            "not at others."
        )
    if default:
        found.append(
            f"Left at their defaults: {_list(default)}. Nobody judged for this study that other "
            "values would give the same conclusion."
        )
    steps = study.spec.training.max_train_steps
    found.append(
        f"Every trial trained for {steps:,} steps; longer training may favour another arm."
    )
    return tuple(found)


def _list(values: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
