"""What a conclusion is conditional on: the values at which hyperparameters were held fixed.

Source: the playbook, "Identifying scientific, nuisance, and fixed hyperparameters".
"""

from collections.abc import Iterator
from dataclasses import replace

from tuning_playbook.study.compared_before import compared_alike, doubts
from tuning_playbook.study.early_ends import early_ends_sentence
from tuning_playbook.study.study import Arm, Study, arm_name, write_value


def fixed_by(study: Study) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is fixed by the spec and what by its default: names and written values.

    Where a name has several values they are written with the names of their arms.
    """
    chosen: dict[str, str] = {}
    default: dict[str, str] = {}
    whole = {arm.name for arm in study.arms}
    for name in study.hyperparameters:
        values: dict[str, list[str]] = {}
        by_spec = False
        for where, arm in _draws(study):
            if name in arm.fixed and name not in arm.scientific:
                values.setdefault(write_value(arm.fixed[name]), []).append(where)
                by_spec |= name not in arm.defaulted
        if values:
            written = (
                next(iter(values))
                if len(values) == 1 and whole & set(*values.values())
                else "; ".join(f"{value} in {', '.join(arms)}" for value, arms in values.items())
            )
            (chosen if by_spec else default)[name] = written
    return chosen, default


def _draws(study: Study) -> Iterator[tuple[str, Arm]]:
    """Yield every arm with its name, and each of its draws with what it fixes beside."""
    for arm in study.arms:
        yield arm.name, arm
        for draw in arm.draws:
            where = f"trials with {arm_name(draw.choices)}"
            several = len(study.arms) > 1
            yield (
                f"{where} of {arm.name}" if several else where,
                replace(arm, fixed=draw.fixed, defaulted=draw.defaulted),
            )


def fixed_in(study: Study, name: str) -> tuple[Arm, ...]:
    """Return the arms in which a hyperparameter is fixed, if only with some of its draws."""
    return tuple(
        arm
        for arm in study.arms
        if name not in arm.scientific
        and any(name in fixed for fixed in (arm.fixed, *(draw.fixed for draw in arm.draws)))
    )


def caveats(study: Study) -> tuple[str, ...]:
    """Return the caveats of a study's conclusion, in sentences.

    They name the fixed hyperparameters; the table of roles has their values. What an earlier round
    compared without something that this study has comes first.
    """
    if study.imported:
        return _of_imported(study)
    chosen, default = fixed_by(study)
    found = [item.sentence for item in doubts(study)]
    compared = compared_alike(study)
    for name, item in compared.items():
        if name in chosen:
            found.append(
                f"{name}={item.value} is the conclusion of {item.study}, which compared "
                f"{', '.join(item.compared)} with all that is fixed here."
            )
    doubted = {item.name for item in doubts(study)}
    chosen = {name: v for name, v in chosen.items() if name not in {*compared, *doubted}}
    if chosen:
        found.append(
            f"Fixed by the spec: {', '.join(chosen)}. The conclusion holds at these values and "
            "might not at others."
        )
    if default:
        found.append(
            f"Left at their defaults: {', '.join(default)}. Nobody judged for this study that "
            "other values would give the same conclusion."
        )
    found += _sampled(study)
    training = study.spec.training
    after = " after its warmup, so that trials differ in length" if training.warmup_extends else ""
    found.append(
        f"Every trial trained for {training.max_train_steps:,} steps{after}; longer training may "
        "favour another arm."
    )
    return tuple(found)


def _of_imported(study: Study) -> tuple[str, ...]:
    """Return the caveats of imported trials, in sentences."""
    found = [
        "The trials were trained by another tool. Whether they differ in more than the "
        "hyperparameters that its logs name, and whether every arm was tuned as carefully, is not "
        "known here."
        if study.imported[0].trained is None
        else f"Nothing was trained for this study. {study.workload.description}"
    ]
    constant, _ = fixed_by(study)
    if constant:
        found.append(
            f"The same in every trial of an arm: {_list(constant)}. The conclusion holds at these "
            "values and might not at others."
        )
    found += (*_sampled(study), *_derived(study), *study.import_notes)
    if study.chosen_on_all_seeds:
        found.append(
            "Where several configurations compete, the means of all their seeds chose among them, "
            "so that the mean of the best one flatters it."
        )
    elif any(arm.dimensions for arm in study.arms):
        found.append(
            "Where several configurations compete, the first seed of each chose among them; it is "
            "left out of the reruns of the one that it chose."
        )
    untold = sum(not trial.seed_told for trial in study.imported)
    if untold:
        found.append(
            f"The seeds of {untold} of {len(study.imported)} trials are not known. They are "
            "numbers made up here, no two alike, so that no two reruns are taken for ones on the "
            "same seed."
        )
    shorter = early_ends_sentence(study)
    if shorter:
        found.append(shorter)
    steps = study.spec.training.max_train_steps
    found.append(
        f"The longest trial trained for {steps:,} steps; longer training may favour another arm."
    )
    return tuple(found)


def _sampled(study: Study) -> Iterator[str]:
    """Yield a sentence on what a joint design samples over a range."""
    sampled = dict.fromkeys(
        item.name for arm in study.arms for item in arm.dimensions if item.role == "scientific"
    )
    if sampled:
        yield (
            f"Sampled over a range together with the nuisances: {', '.join(sampled)}. No arms "
            "compare its values, and nothing was rerun for each; the best trial of each slice of "
            "its range, on its axis plot, does."
        )


def _derived(study: Study) -> Iterator[str]:
    """Yield a sentence on each range that nobody gave, and one on what they mean."""
    arms: dict[tuple[str, str], list[str]] = {}
    written: dict[tuple[str, str], str] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            drawn, key = item.distribution, (item.name, item.condition)
            if item.derived and drawn is not None:
                arms.setdefault(key, []).append(arm.name)
                written[key] = f"{drawn.low:g} to {drawn.high:g} on a {drawn.scale} scale"
    for (name, condition), named in arms.items():
        where = condition or ("" if len(named) == len(study.arms) else "; ".join(named))
        yield (
            f"The range of {name}{' in ' if where else ''}{where} was not given and is taken from "
            f"its trials: {written[name, condition]}."
        )
    if arms:
        yield (
            "A range that is taken from the trials is at most as wide as what was searched, so a "
            "best trial at its edge may be none at the edge of the search, and its scale is a "
            "guess by its name and its values: give the ranges in the spec where they are known."
        )


def _list(values: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
