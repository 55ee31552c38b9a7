"""The playbook's rules of thumb, held against a study before it trains.

None of them forbids anything: each piece of advice says what the spec does, what to do instead, and
why. What is forbidden is in `rules`.
"""

from collections.abc import Mapping

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, same
from tuning_playbook.study.advice_on_command import advice_on_command
from tuning_playbook.study.advice_on_design import (
    baseline_idle,
    batch_size_changed,
    learning_rate_fixed,
    long_warmup,
    many_dimensions,
    many_questions,
    one_range_for_all,
    regularization_fixed,
    size_as_nuisance,
    starts_with_extras,
    training_set_sampled,
    unequal_dimensions,
)
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.families import COMMON, optimizers_of
from tuning_playbook.study.regularization import regularizes
from tuning_playbook.study.rule_of_thumb import (
    Advice,
    Rule,
    Trials,
    architectural,
    named,
    scientific_names,
)
from tuning_playbook.study.study import Arm, Study, write_value

FEW_TRIALS = 10
"""With fewer trials in an arm only the learning rate of Adam is worth tuning."""

MANY_TRIALS = 25
"""From here on Adam's epsilon is worth tuning too."""

VERY_MANY_TRIALS = 50
"""Substantially more than 25, so that Adam's b2 is worth tuning too."""

DIVISORS = ("epsilon", "eps")
"""The names of what is added to a denominator, here and in optax."""


def advise(study: Study, trials: Trials) -> tuple[Advice, ...]:
    """Return what the playbook's rules of thumb say of a study.

    Args:
        study: The study.
        trials: The number of trials of each arm, by its name.
    """
    found = (advice for rule in RULES if (advice := rule(study, trials)))
    return (*found, *advice_on_command(study))


def few_trials(study: Study, trials: Trials) -> Advice | None:
    """Advise at least ten trials in an arm that searches anything."""
    few = {
        arm.name: trials[arm.name]
        for arm in study.arms
        if arm.dimensions and trials[arm.name] < FEW_TRIALS
    }
    if not few:
        return None
    return Advice(
        rule="few_trials",
        text=f"Fewer than {FEW_TRIALS} trials in {named(few)}. Run more, or ask for less.",
        reason=(
            "Where the nuisance hyperparameters are sampled sparsely, one arm may look better than "
            "another because its sample was luckier."
        ),
        section="Striking a balance between informative and affordable experiments",
    )


def optimizer_hyperparameters_fixed(study: Study, trials: Trials) -> Advice | None:
    """Advise to search what an optimizer has where the optimizer or the architecture is compared.

    A hyperparameter of the architecture is one of the workload whose values need programs of their
    own. Of Adam and its relatives only the learning rate is asked for here; whether the others are
    worth tuning is a matter of the number of trials (`adam_against_trials`). The same holds of
    what only keeps a denominator from zero.
    """
    del trials
    compared = [
        name
        for name in scientific_names(study)
        if name in ("optimizer", "batch_size") or architectural(study, name)
    ]
    fixed: dict[str, list[str]] = {}
    for arm in study.arms if compared else ():
        members = optimizer_members(study, arm)
        adam = adam_hyperparameters(members)
        names = {"learning_rate"} if adam else set(members) - set(DIVISORS)
        names -= {item.name for item in COMMON} | set(arm.scientific)
        held = [name for name in members if name in names and name in arm.fixed]
        if held:
            fixed.setdefault(", ".join(held), []).append(arm.name)
    if not fixed:
        return None
    held_in = "; ".join(f"{names} in {named(arms)}" for names, arms in fixed.items())
    return Advice(
        rule="optimizer_hyperparameters_fixed",
        text=f"{', '.join(compared)} is compared with optimizer hyperparameters fixed: {held_in}. "
        "Make them nuisance hyperparameters.",
        reason=(
            "They interact with other changes the most, so a fair comparison tunes them anew for "
            "each value; beforehand there is no reason to prefer one of their values."
        ),
        section="Identifying scientific, nuisance, and fixed hyperparameters",
    )


def learning_rate_scientific(study: Study, trials: Trials) -> Advice | None:
    """Advise against a learning rate as a scientific hyperparameter."""
    del trials
    if "learning_rate" not in scientific_names(study):
        return None
    return Advice(
        rule="learning_rate_scientific",
        text="learning_rate is scientific. Make it a nuisance hyperparameter.",
        reason=(
            "Which learning rate is best gives little insight: the next change of the pipeline may "
            "well move it."
        ),
        section="Identifying scientific, nuisance, and fixed hyperparameters",
    )


def regularization_without_off(study: Study, trials: Trials) -> Advice | None:
    """Advise to compare a regularization with its absence, not some strengths with each other."""
    del trials
    known = study.hyperparameters
    lacking = []
    for part in parts_of(study.spec):
        for written in (*part.values, *part.sampled):
            name = written.removeprefix(ONE_MINUS)
            if name in known and regularizes(study, name):
                off = known[name].off or 0.0
                if not any(same(value, off) for value in part.values.get(name, ())):
                    lacking.append(f"{name} is scientific without its off value {write_value(off)}")
    if not lacking:
        return None
    return Advice(
        rule="regularization_without_off",
        text=f"{'; '.join(lacking)}. Compare leaving it out with tuning it, as in `scientific: "
        "{dropout: [0.0, searched]}` with the range of its strength under `nuisance`.",
        reason=(
            "Whether to include a regularization at all is a question worth a study; how strong "
            "it should be is tuned along the way, since other changes move it."
        ),
        section="Identifying scientific, nuisance, and fixed hyperparameters",
    )


def adam_against_trials(study: Study, trials: Trials) -> Advice | None:
    """Advise which of Adam's hyperparameters to search with the number of trials there are."""
    found: dict[str, list[str]] = {}
    for arm in study.arms:
        members = optimizer_members(study, arm)
        names = adam_hyperparameters(members)
        count = trials[arm.name]
        if not names or not arm.dimensions:
            continue
        wanted = names[: worth_tuning(count)]
        searched = {item.hyperparameter.name for item in arm.dimensions}
        settled = {*searched, *arm.scientific}
        missing = [name for name in wanted if name not in settled]
        excess = [name for name in names if name in searched and name not in wanted]
        if missing or excess:
            parts = [f"also tune {' and '.join(missing)}"] if missing else []
            parts += [f"do not tune {' and '.join(excess)}"] if excess else []
            text = f"with {count} trials {', and '.join(parts)}"
            found.setdefault(text, []).append(arm.name)
    if not found:
        return None
    texts = [f"{text} in {named(arms)}" for text, arms in found.items()]
    return Advice(
        rule="adam_against_trials",
        text=f"Adam: {'; '.join(texts)}.",
        reason=(
            "Its hyperparameters are not equally important: below 10 trials tune the learning rate "
            "only, from 10 also b1, from 25 also epsilon, and with many more also b2."
        ),
        section="How should Adam's hyperparameters be tuned?",
    )


def linear_learning_rate(study: Study, trials: Trials) -> Advice | None:
    """Advise to search a learning rate on a logarithmic scale."""
    del trials
    found: dict[str, None] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            drawn = item.distribution
            if item.hyperparameter.name == "learning_rate" and drawn and drawn.scale == "linear":
                where = f" under {item.condition}" if item.condition else ""
                found[f"{item.name}{where} ({drawn.kind} [{drawn.low:g}, {drawn.high:g}])"] = None
    if not found:
        return None
    return Advice(
        rule="linear_learning_rate",
        text=f"{', '.join(found)} is searched on a linear scale. Use log_uniform.",
        reason=(
            "Learning rates differ by factors, not by differences: a linear scale leaves the small "
            "ones nearly unsampled."
        ),
        section="Extracting insight from experimental results",
    )


RULES: tuple[Rule, ...] = (
    many_questions,
    learning_rate_scientific,
    regularization_without_off,
    optimizer_hyperparameters_fixed,
    learning_rate_fixed,
    regularization_fixed,
    baseline_idle,
    batch_size_changed,
    size_as_nuisance,
    starts_with_extras,
    long_warmup,
    training_set_sampled,
    linear_learning_rate,
    one_range_for_all,
    unequal_dimensions,
    many_dimensions,
    few_trials,
    adam_against_trials,
)
"""In the order in which a spec is written: roles, ranges, the number of trials."""


def optimizer_members(study: Study, arm: Arm) -> dict[str, Hyperparameter]:
    """Return the hyperparameters that the optimizer of an arm brings, by name, if it is known."""
    optimizers = optimizers_of(study.workload.optax)
    return {item.name: item for item in optimizers.get(str(arm.fixed.get("optimizer")), ())}


def adam_hyperparameters(members: Mapping[str, Hyperparameter]) -> tuple[str, ...]:
    """Return the hyperparameters of Adam and its relatives, the most important first.

    Empty for any other optimizer.
    """
    divisor = next((name for name in DIVISORS if name in members), None)
    names = ("learning_rate", "b1", divisor, "b2")
    return tuple(name for name in names if name) if all(n in members for n in names) else ()


def worth_tuning(trials: int) -> int:
    """Return how many of Adam's hyperparameters are worth tuning with that many trials."""
    return 1 + sum(trials >= least for least in (FEW_TRIALS, MANY_TRIALS, VERY_MANY_TRIALS))
