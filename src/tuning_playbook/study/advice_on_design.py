"""The playbook's rules of thumb on what a study compares, searches and holds fixed."""

from collections.abc import Callable, Collection

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.families import optimizers_of
from tuning_playbook.study.idle_rate import (
    IDLE,
    MOST_IDLE,
    WARMUP_STEPS,
    idle_share,
    train_steps,
)
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER
from tuning_playbook.study.regularization import regularizes
from tuning_playbook.study.rule_of_thumb import (
    Advice,
    Trials,
    architectural,
    named,
    scientific_names,
)
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE
from tuning_playbook.study.simplicity import is_off
from tuning_playbook.study.study import Arm, Study

MANY_QUESTIONS = 3
"""Two that are crossed can answer whether they interact; each further one multiplies the arms."""

TRIALS_PER_DIMENSION = 3
"""Fewer leave most of a space unseen however evenly they are spread."""

FEW_DIMENSIONS = 3
"""Up to this many hyperparameters ten trials are as good as the playbook's own examples."""

UNEQUAL = 3
"""With this many times as many hyperparameters another number of trials is needed."""

LONG_WARMUP = 0.1
"""Of the run: the playbook warms up to find a stable rate, not for much of the training."""

SIZES = ("depth", "width", "layers", "hidden", "units", "heads", "channels", "filters", "blocks")
"""Words in the names of what makes a model larger."""

EXTRAS = ("clip_norm", "warmup_steps", "polyak_decay")
"""What training itself adds beside regularization."""

ROLES = "Identifying scientific, nuisance, and fixed hyperparameters"
BUDGET = "Striking a balance between informative and affordable experiments"


def many_questions(study: Study, trials: Trials) -> Advice | None:
    """Advise to ask one question at a time, or two that are crossed."""
    del trials
    names = scientific_names(study)
    if len(names) < MANY_QUESTIONS:
        return None
    return Advice(
        rule="many_questions",
        text=f"{len(names)} scientific hyperparameters ({', '.join(names)}) make "
        f"{len(study.arms)} arms. Ask one question, or two that may interact, and the others in "
        "later rounds.",
        reason=(
            "A round of experiments has one narrow goal: with several the effect of each is known "
            "the less, and every arm needs tuning of its own."
        ),
        section="Choosing the goal for the next round of experiments",
    )


def learning_rate_fixed(study: Study, trials: Trials) -> Advice | None:
    """Advise to tune the learning rate whatever is compared."""
    del trials
    others = [
        name
        for name in scientific_names(study)
        if name not in ("optimizer", "batch_size", "learning_rate")
        and not architectural(study, name)
    ]
    arms = _fixed_in(study, lambda _arm, name, _value: name == "learning_rate") if others else {}
    if not arms:
        return None
    return Advice(
        rule="learning_rate_fixed",
        text=f"{', '.join(others)} is compared with the learning rate fixed in "
        f"{named(arms['learning_rate'])}. Make it a nuisance hyperparameter.",
        reason=(
            "The best learning rate moves with nearly any change, so one that suits one arm "
            "flatters it."
        ),
        section=ROLES,
    )


def regularization_fixed(study: Study, trials: Trials) -> Advice | None:
    """Advise to tune the regularization that is on where the size of a model is compared."""
    del trials
    sizes = [name for name in scientific_names(study) if _is_size(study, name)]
    found = _fixed_in(study, lambda arm, name, value: _is_on(study, name, value)) if sizes else {}
    if not found:
        return None
    return Advice(
        rule="regularization_fixed",
        text=f"{', '.join(sizes)} is compared with regularization fixed: {', '.join(found)}. Make "
        "it a nuisance hyperparameter.",
        reason=(
            "A larger model needs another strength than a smaller one, so a fixed one favours the "
            "model that it suits."
        ),
        section=ROLES,
    )


def baseline_idle(study: Study, trials: Trials) -> Advice | None:
    """Advise against a baseline whose learning rate ends long before its training here does."""
    del trials
    if study.baseline is None or study.spec.training.allow_idle:
        return None
    values = study.baseline.hyperparameters
    if study.workload.is_command or not {SCHEDULE.name, WARMUP_STEPS} <= values.keys():
        return None
    steps = train_steps(study.spec.training, int(values[WARMUP_STEPS]))
    share = idle_share(str(values[SCHEDULE.name]), values, steps)
    if share <= MOST_IDLE:
        return None
    return Advice(
        rule="baseline_idle",
        text=f"The baseline's learning rate is below {IDLE:.0%} of its peak for {share:.0%} of "
        f"{steps} steps. Give it a schedule of this length, or train as long as it did.",
        reason=(
            "A baseline that trains for long at next to no learning rate is beaten by the "
            "schedule alone."
        ),
        section="Deciding how long to train when training is not compute-bound",
    )


def batch_size_changed(study: Study, trials: Trials) -> Advice | None:
    """Advise to tune optimizer and regularization anew where the batch size is another."""
    del trials
    compared = "batch_size" in scientific_names(study)
    sizes = {arm.batch_size for arm in study.arms}
    before = {"the baseline": study.baseline.batch_size if study.baseline else 0}
    before |= {f"the study {item.study}": item.batch_size for item in study.taken}
    before = {whose: size for whose, size in before.items() if size and sizes - {size}}
    if not compared and not before:
        return None
    optimizers = optimizers_of(study.workload.optax)

    def to_tune(arm: Arm, name: str, value: Value) -> bool:
        brought = {item.name for item in optimizers.get(str(arm.fixed.get("optimizer")), ())}
        return name in brought or _is_on(study, name, value)

    found = _fixed_in(study, to_tune)
    if not found:
        return None
    what = (
        "The batch size is compared"
        if compared
        else f"The batch size is {', '.join(map(str, sorted(sizes)))}, and "
        + " and ".join(f"{size} in {whose}" for whose, size in before.items())
        + ","
    )
    return Advice(
        rule="batch_size_changed",
        text=f"{what} while these are fixed: {', '.join(found)}. Make them nuisance "
        "hyperparameters.",
        reason=(
            "What the batch size seems to do to the validation metric mostly goes away once the "
            "optimizer and the regularization are tuned for each."
        ),
        section="Changing the batch size requires re-tuning most hyperparameters",
    )


def size_as_nuisance(study: Study, trials: Trials) -> Advice | None:
    """Advise against the size of a model as a nuisance hyperparameter."""
    del trials
    names = dict.fromkeys(
        item.hyperparameter.name
        for arm in study.arms
        for item in arm.dimensions
        if item.role == "nuisance" and _is_size(study, item.hyperparameter.name)
    )
    if not names:
        return None
    return Advice(
        rule="size_as_nuisance",
        text=f"{', '.join(names)} is a nuisance hyperparameter. Make it scientific, or fix it.",
        reason=(
            "The size of a model decides what training and serving cost, so it is rarely to be "
            "optimized away: the larger one would win."
        ),
        section=ROLES,
    )


def starts_with_extras(study: Study, trials: Trials) -> Advice | None:
    """Advise to start from a simple configuration, and to add features by launches."""
    del trials
    if study.baseline or study.taken or study.imported:
        return None

    def is_extra(arm: Arm, name: str, value: Value) -> bool:
        if name == SCHEDULE.name:
            return value != SCHEDULE.default and name not in arm.defaulted
        if name in arm.defaulted:
            return False
        return _is_on(study, name, value) or (name in EXTRAS and not is_off(study, name, value))

    found = _fixed_in(study, is_extra)
    if not found:
        return None
    return Advice(
        rule="starts_with_extras",
        text=f"A first study, of no baseline and no earlier one, fixes {', '.join(found)}. Start "
        "without, and add each by a study of its own.",
        reason=(
            "A simple start is understood; what is added without evidence stays, and hides what "
            "the rest can do."
        ),
        section="Choosing the initial configuration",
    )


def long_warmup(study: Study, trials: Trials) -> Advice | None:
    """Advise against a warmup of more than a tenth of the run."""
    del trials
    steps = study.spec.training.max_train_steps
    longest = 0.0
    for arm in study.arms:
        value = arm.fixed.get("warmup_steps", 0)
        longest = max(longest, float(value) if isinstance(value, int | float) else 0.0)
        for item in arm.dimensions:
            if item.hyperparameter.name == "warmup_steps" and item.distribution:
                numbers = (item.distribution.high, *item.distribution.choices)
                longest = max([longest, *(float(n) for n in numbers if isinstance(n, int | float))])
    if not longest > LONG_WARMUP * steps:
        return None
    return Advice(
        rule="long_warmup",
        text=f"A warmup of up to {longest:g} of {steps:,} steps. Try at most "
        f"{LONG_WARMUP * steps:g}.",
        reason=(
            "A warmup gets training past its unstable start; the steps it takes are steps at a "
            "rate that is too small."
        ),
        section="How can optimization failures be debugged and mitigated?",
    )


def training_set_sampled(study: Study, trials: Trials) -> Advice | None:
    """Advise to measure a training objective on the whole training split."""
    del trials
    training, examples = study.spec.training, study.workload.examples
    split = study.spec.objective.metric.partition("/")[0]
    if split != "train" or training.train_sample == "all" or not examples:
        return None
    seen = training.validation_sample or examples["validation"]
    if seen >= examples["train"]:
        return None
    return Advice(
        rule="training_set_sampled",
        text=f"The objective is measured on {seen:,} of {examples['train']:,} training examples. "
        "Set training.train_sample: all.",
        reason="A trial that fits a sample of the training set need not fit the whole of it.",
        section="Choosing a sample for periodic evaluation",
    )


def unequal_dimensions(study: Study, trials: Trials) -> Advice | None:
    """Advise to tune arms alike: as many hyperparameters with as many trials."""
    counts = {arm.name: arm.searched_at_once for arm in study.arms if arm.dimensions}
    if not counts or max(counts.values()) < UNEQUAL * min(counts.values()):
        return None
    if study.imported:
        return None  # there the checklist says so, of what was searched
    listed = "; ".join(
        f"{arm}: {count} hyperparameters, {trials[arm]} trials" for arm, count in counts.items()
    )
    return Advice(
        rule="unequal_dimensions",
        text=f"The arms are not tuned alike ({listed}). Give the larger space more trials, or fix "
        "what matters least in it.",
        reason="As many trials cover a larger space more thinly, which speaks for the other arm.",
        section=BUDGET,
    )


def one_range_for_all(study: Study, trials: Trials) -> Advice | None:
    """Advise to give each optimizer that is drawn a range of its own."""
    del trials
    shared: dict[str, None] = {}
    for arm in study.arms:
        names = {str(draw.choices.get(OPTIMIZER.name, "")) for draw in arm.draws} - {""}
        known = optimizers_of(study.workload.optax)
        brought = [{item.name for item in known[name]} for name in names]
        for item in arm.dimensions:
            of = sum(item.hyperparameter.name in members for members in brought)
            if of > 1 and not item.when and item.distribution:
                shared[item.name] = None
    if not shared:
        return None
    return Advice(
        rule="one_range_for_all",
        text=f"The optimizer is drawn, and all share one range of {', '.join(shared)}. Give each "
        "its own under 'conditional'.",
        reason=(
            "Hyperparameters of different optimizers are different hyperparameters, though they "
            "bear one name: what is good for one may be far outside what is good for another."
        ),
        section=ROLES,
    )


def many_dimensions(study: Study, trials: Trials) -> Advice | None:
    """Advise for more trials where many hyperparameters are searched."""
    thin = {
        arm.name: arm.searched_at_once
        for arm in study.arms
        if arm.searched_at_once > FEW_DIMENSIONS
        and trials[arm.name] < TRIALS_PER_DIMENSION * arm.searched_at_once
    }
    if not thin:
        return None
    listed = "; ".join(f"{arm}: {count} with {trials[arm]} trials" for arm, count in thin.items())
    return Advice(
        rule="many_dimensions",
        text=f"Many hyperparameters are searched with few trials ({listed}). Fix those that matter "
        "least, or run more.",
        reason=(
            "Every nuisance hyperparameter that is fixed is a caveat, and every one that is "
            "searched too thinly is noise: the budget decides how many can be tuned."
        ),
        section=BUDGET,
    )


def _fixed_in(study: Study, wanted: Callable[[Arm, str, Value], bool]) -> dict[str, list[str]]:
    """Return what arms hold fixed, of some kind: the arms by each name."""
    found: dict[str, list[str]] = {}
    for arm in study.arms:
        compared = {name.removeprefix(ONE_MINUS) for name in arm.scientific}
        for name, value in arm.fixed.items():
            if name not in compared and wanted(arm, name, value):
                found.setdefault(name, []).append(arm.name)
    return found


def _is_on(study: Study, name: str, value: Value) -> bool:
    """Whether a value of a hyperparameter regularizes."""
    return regularizes(study, name) and not is_off(study, name, value)


def _is_size(study: Study, name: str) -> bool:
    declared = study.workload.hyperparameters.get(name)
    whole = declared is not None and declared.static and declared.whole
    return whole and _has_word(name, SIZES)


def _has_word(name: str, words: Collection[str]) -> bool:
    return any(word in name for word in words)
