"""The playbook's rules of what may be tuned, and of how the parts of a spec fit together.

Each check takes the whole spec and raises a `SpecError` at the first thing that is wrong. What
depends on one arm (which hyperparameters its optimizer has) is checked in `resolve`.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tuning_playbook.declarations import ONE_MINUS, Value, repeated, same
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.study import shape
from tuning_playbook.study.command_rules import check_command
from tuning_playbook.study.conditions import (
    BRING_THEIR_OWN,
    SEARCHED,
    Part,
    draws_of,
    listed_choices,
    parts_of,
    settings_of,
    values_of,
)
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.searches import (
    BayesianSearch,
    GridSearch,
    ListSearch,
    QuasiRandomSearch,
    RandomSearch,
)
from tuning_playbook.study.study import write_value
from tuning_playbook.study.yaml import Location

MOST_ARMS = 10_000
"""More arms than this are a mistake: each has a search and reruns of its own."""

BATCH_SIZE_AS_NUISANCE = (
    "the batch size is never a nuisance hyperparameter: it governs training speed, and what it "
    "seems to do to the validation metric goes away once the optimizer and regularization "
    "hyperparameters are tuned for each batch size. Give it under 'training', or make it "
    "scientific with those as nuisances"
)
SEEDS_SEARCHED = (
    "seeds are not searched: a lucky seed is no better configuration. 'reruns' trains the best "
    "trials on fresh seeds to know the trial variance"
)
OR_A_CHOICE = ", nor a choice under 'nuisance'"
ONE_VALUE = "is one value for every trial of a study and is never tuned: give it under 'training'"

NEVER_A_HYPERPARAMETER = {
    "max_train_steps": f"max_train_steps {ONE_VALUE}; the best steps of the trials say whether to "
    "change it",
    "eval_every": f"eval_every {ONE_VALUE}",
    "keep_best": f"keep_best {ONE_VALUE}",
    "seed": SEEDS_SEARCHED,
    "seeds": SEEDS_SEARCHED,
}
LONGEST_NAME = 200
"""Characters of a variable's name; netCDF has 256 bytes."""

NEVER_A_NUISANCE = {"batch_size": BATCH_SIZE_AS_NUISANCE}


def check_rules(draft: Draft) -> None:
    """Check every rule that holds for the spec as a whole.

    Raises:
        SpecError: One is broken; the message quotes the reason.
    """
    check_command(draft)
    _check_training(draft)
    _check_objective(draft)
    _check_train_split(draft)
    _check_test(draft)
    _check_names(draft)
    _check_single_roles(draft)
    _check_batch_size(draft)
    _check_scientific(draft)
    _check_number_of_arms(draft)
    _check_design(draft)
    _check_conditions(draft)
    _check_search(draft)
    _check_variance(draft)
    _check_simpler(draft)


def _check_training(draft: Draft) -> None:
    training, resources = draft.spec.training, draft.spec.resources
    if training.max_train_steps % training.eval_every:
        raise draft.error(
            ("training", "eval_every"),
            f"{training.eval_every} does not divide max_train_steps "
            f"({training.max_train_steps}); the last evaluation must be at the last step",
        )
    if training.eval_schedule.dense_until > training.max_train_steps:
        raise draft.error(
            ("training", "eval_schedule", "dense_until"),
            f"{training.eval_schedule.dense_until} is beyond max_train_steps "
            f"({training.max_train_steps})",
        )
    if resources.lanes > 1 and resources.nodes > 1:
        raise draft.error(
            ("resources", "nodes"),
            f"lanes on {resources.nodes} nodes have nothing to say to each other: take 'nodes' "
            "away and have more jobs, or set lanes to 1 to train one trial on all nodes",
        )
    if resources.gpus and resources.devices > resources.gpus:
        raise draft.error(
            ("resources", "devices"),
            f"{resources.devices} devices are {resources.devices} GPUs, and gpus is "
            f"{resources.gpus}: raise it, or lower devices",
        )
    if resources.trials_per_job == shape.AUTO:  # as many as fill the lanes
        return
    groups = -(-resources.trials_per_job // resources.lanes)
    if groups < resources.devices and resources.lanes > 1:
        raise draft.error(
            ("resources", "devices"),
            f"{resources.trials_per_job} trials in lanes of {resources.lanes} are work for "
            f"{groups} devices: raise trials_per_job, or lower lanes or devices",
        )
    if resources.lanes > resources.trials_per_job:
        raise draft.error(
            ("resources", "lanes"),
            f"{resources.lanes} lanes need as many trials in a job, and trials_per_job is "
            f"{resources.trials_per_job}: raise it, or lower lanes",
        )


def _check_objective(draft: Draft) -> None:
    objective, workload = draft.spec.objective, draft.workload
    split, _, metric = objective.metric.partition("/")
    names = [f"{part}/{name}" for part in ("validation", "train") for name in workload.metrics]
    if split == "test":
        raise draft.error(
            ("objective", "metric"),
            "the test split is read once, at the end, and ranks no trials; "
            f"did you mean 'validation/{metric}'?",
        )
    if split == "train" and "train" not in workload.splits:
        raise draft.error(
            ("objective", "metric"),
            f"workload '{workload.name}' makes its training batches itself, so there are no "
            f"metrics of a training split; did you mean 'validation/{metric}'?",
        )
    if objective.metric not in names:
        raise draft.error(
            ("objective", "metric"),
            f"workload '{workload.name}' has no metric '{objective.metric}'"
            f"{nearest(objective.metric, names)} (known: {', '.join(names)})",
        )
    declared = workload.metrics[metric]
    low, high = objective.range or (None, None)
    why_not = objective.why_not_the_target(
        declared.low if objective.range is None else -math.inf if low is None else low,
        declared.high if objective.range is None else math.inf if high is None else high,
    )
    if why_not:
        raise draft.error(("objective", "target"), why_not)


def _check_train_split(draft: Draft) -> None:
    """Check that nothing asks for the training split of a workload that has none."""
    if "train" in draft.workload.splits:
        return
    for asked, place in (
        (draft.spec.training.train_sample, ("training", "train_sample")),
        (draft.spec.final.fold_validation, ("final", "fold_validation")),
    ):
        if asked:
            raise draft.error(
                place,
                f"workload '{draft.workload.name}' makes its training batches itself, and has no "
                "training split for this; leave it out",
            )


def _check_test(draft: Draft) -> None:
    if draft.spec.test.evaluate and "test" not in draft.workload.splits:
        raise draft.error(
            ("test", "evaluate"),
            f"workload '{draft.workload.name}' has no test split "
            f"(it has: {', '.join(draft.workload.splits)})",
        )


def _check_names(draft: Draft) -> None:
    """Check that nothing stands in a role that it can never have."""
    for location, names in _roles(draft.spec):
        for name in names:
            target = name.removeprefix(ONE_MINUS)
            if target in NEVER_A_HYPERPARAMETER:
                raise draft.error((*location, name), NEVER_A_HYPERPARAMETER[target])
            if target in NEVER_A_NUISANCE and location[-1] != "scientific":
                if location[-1] != "fixed":
                    raise draft.error((*location, name), NEVER_A_NUISANCE[target])
                if target == "batch_size":
                    raise draft.error((*location, name), "the batch size is under 'training'")


def _check_single_roles(draft: Draft) -> None:
    """Check that no hyperparameter has two of the roles that hold in every arm."""
    roles: dict[str, str] = {}
    spec = draft.spec
    always: dict[str, Iterable[str]] = {
        "scientific": spec.scientific,
        "nuisance": spec.nuisance,
        "fixed": spec.fixed,
    }
    for role, names in always.items():
        for name in names:
            target = name.removeprefix(ONE_MINUS)
            given = spec.scientific.get(target, ())
            if role == "nuisance" and isinstance(given, list) and SEARCHED in given:
                continue
            if target in roles:
                raise draft.error(
                    (role, name),
                    f"'{target}' is under '{roles[target]}' already; a hyperparameter has one role",
                )
            roles[target] = role


def _check_batch_size(draft: Draft) -> None:
    scientific = "batch_size" in draft.spec.scientific
    given = draft.spec.training.batch_size is not None
    if scientific and given:
        raise draft.error(
            ("training", "batch_size"), "the batch size is scientific here; take it away"
        )
    if not scientific and not given:
        raise draft.error(("training", "batch_size"), "this key is required and missing")


def check_scientific(
    parts: Sequence[Part], error: Callable[[Location, str], SpecError], *, joint: bool
) -> None:
    """Check that what is scientific has different values, or a range in a joint design alone.

    Args:
        parts: The spec's.
        error: Makes the error at a place of the spec.
        joint: Whether its design is joint.

    Raises:
        SpecError: It has not.
    """
    for part in parts:
        for name, values in part.values.items():
            if repeated(values):
                raise error(
                    (*part.location, "scientific", name), "a value is named twice; each is one arm"
                )
        for name, given in part.content.scientific.items():
            if not joint and not isinstance(given, list):
                raise error(
                    (*part.location, "scientific", name),
                    "a distribution of a scientific hyperparameter is sampled together with the "
                    "nuisances: write 'design: joint', or list its values, one for each arm",
                )


def _check_scientific(draft: Draft) -> None:
    parts = parts_of(draft.spec)
    check_scientific(parts, draft.error, joint=draft.spec.design == "joint")
    for part in parts:
        for name, values in part.values.items():
            here = (*part.location, "scientific", name)
            if name.startswith(ONE_MINUS):
                raise draft.error(here, f"give the values of '{name[len(ONE_MINUS) :]}' themselves")
            if SEARCHED in values and isinstance(draft.spec.search, ListSearch):
                raise draft.error(
                    here,
                    f"'{SEARCHED}' draws values from a range, and this search lists its trials",
                )
            if SEARCHED in values and name in NEVER_A_NUISANCE:
                raise draft.error(here, NEVER_A_NUISANCE[name])
            if SEARCHED in values and name in BRING_THEIR_OWN:
                raise draft.error(
                    here,
                    f"the {name} is compared or searched, not both: list its values here, or give "
                    "them as a choice under 'nuisance'",
                )
            if part.drawn:
                raise draft.error(here, _drawn_for_some(part))
            if name == "batch_size" and part.location:
                raise draft.error(here, "the batch size is scientific in every arm or in none")
        for name in part.sampled:
            if part.drawn:
                raise draft.error((*part.location, "scientific", name), _drawn_for_some(part))
            if name == "batch_size":
                raise draft.error(
                    (*part.location, "scientific", name), "list the batch sizes to be compared"
                )


def _drawn_for_some(part: Part) -> str:
    name = next(iter(part.drawn_when))
    return (
        f"'{name}' is a nuisance hyperparameter here, so part of the trials alone would have this "
        f"one: make it a nuisance too, or make '{name}' scientific"
    )


def _check_number_of_arms(draft: Draft) -> None:
    settings = settings_of(parts_of(draft.spec))
    if next(itertools.islice(settings, MOST_ARMS, None), None) is not None:
        raise draft.error(
            ("scientific",),
            f"every combination of these values is an arm, and there are more than {MOST_ARMS:,}: "
            "compare fewer at once, and make the rest nuisance hyperparameters",
        )


def _check_design(draft: Draft) -> None:
    search = draft.spec.search
    if draft.spec.design == "joint" and not isinstance(search, QuasiRandomSearch | RandomSearch):
        raise draft.error(
            ("design",),
            f"a joint design samples its trials with halton or random, not with {search.algorithm}",
        )


def check_conditions(
    parts: Sequence[Part],
    error: Callable[[Location, str], SpecError],
    listed: Mapping[str, tuple[Value, ...]] | None = None,
) -> None:
    """Check that conditions name scientific hyperparameters or choices, and values of these.

    Args:
        parts: The spec's.
        error: Makes the error at a place of the spec.
        listed: The choices that a list draws; None for the trials of other tools, where what was
            drawn is no condition.

    Raises:
        SpecError: One does not.
    """
    choices = {**(listed or {}), **_choices(parts)}
    scientific = values_of(parts)
    sampled = {name for part in parts for name in part.sampled}
    for part in parts:
        if not isinstance(part.content, shape.Conditional):
            continue
        known = {**scientific, **{name: choices[name] for name in part.drawn}}
        for name, wanted in part.content.when.items():
            here = (*part.location, "when", name)
            if name not in known and name in sampled:
                raise error(
                    here, f"'{name}' is sampled over a range; a condition names listed values"
                )
            if name not in known:
                raise error(
                    here,
                    f"'{name}' is not scientific here{'' if listed is None else OR_A_CHOICE}, so "
                    f"nothing can depend on it{nearest(name, known)}",
                )
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if not any(same(value, item) for item in known[name]):
                    values = [write_value(item) for item in known[name]]
                    raise error(
                        here,
                        f"'{name}' never takes the value '{write_value(value)}'"
                        f"{nearest(write_value(value), values)} (it takes: {', '.join(values)})",
                    )


def _check_drawn_names(draft: Draft, parts: Sequence[Part]) -> None:
    """Check that what is drawn with a choice can be named by it in a dataset."""
    for part in parts:
        for name in part.nuisance if part.drawn_when else ():
            searched = part.searched_name(name)
            if len(searched) > LONGEST_NAME or not searched.replace("/", "\n").isprintable():
                raise draft.error(
                    (*part.location, "when"),
                    f"'{searched[:LONGEST_NAME]}' cannot be the name of a variable: give values "
                    f"without '/', and at most {LONGEST_NAME} characters in all",
                )


def _choices(parts: Sequence[Part]) -> dict[str, tuple[Value, ...]]:
    """Return every value that each nuisance choice can be drawn as."""
    found: dict[str, tuple[Value, ...]] = {}
    for part in parts:
        for name, given in part.nuisance.items():
            found[name] = (*found.get(name, ()), *given.choices)
    return found


def _check_conditions(draft: Draft) -> None:
    parts = parts_of(draft.spec)
    listed = listed_choices(draft.spec)
    check_conditions(parts, draft.error, listed)
    _check_drawn_names(draft, parts)
    settings = [
        {**setting, **drawn}
        for setting in settings_of(parts)
        for drawn in draws_of(parts, setting, listed)
    ]
    for part in parts:
        conditional = isinstance(part.content, shape.Conditional)
        if conditional and not any(part.holds(setting) for setting in settings):
            raise draft.error(
                (*part.location, "when"),
                "nothing meets this condition together with those around it",
            )


def _check_search(draft: Draft) -> None:
    search = draft.spec.search
    if isinstance(search, ListSearch):
        _check_list(draft, search)
    if isinstance(search, GridSearch):
        _check_grid(draft, search)
    if isinstance(search, BayesianSearch):
        _check_bayesian(draft, search)


def _check_variance(draft: Draft) -> None:
    """Check that what is asked for to know study and data variance can be had."""
    spec, workload = draft.spec, draft.workload
    if spec.replicates and not isinstance(spec.search, QuasiRandomSearch | RandomSearch):
        raise draft.error(
            ("replicates",),
            f"a search by {spec.search.algorithm} is not made again with another seed; use halton "
            "or random, or take 'replicates' away: the trials then give the study variance",
        )
    if spec.reruns.splits and not workload.resplits:
        raise draft.error(
            ("reruns", "splits"),
            f"workload '{workload.name}' cannot divide its data otherwise: it has no method "
            "'resplit'; see tuning_playbook.workloads.Workload",
        )
    if spec.reruns.back and draft.baseline is None and spec.baseline is None:
        raise draft.error(
            ("reruns", "back"),
            "there is no baseline to set the candidate's changes back to: name one under "
            "'baseline', or take 'back' away",
        )
    if spec.reruns.back == 1 and spec.reruns.variance is None:
        raise draft.error(
            ("reruns", "back"),
            "one training of each change does not measure its variance: give 2 or more, or the "
            "variance that was measured before under 'reruns.variance'",
        )


def _check_simpler(draft: Draft) -> None:
    scientific = values_of(parts_of(draft.spec))
    for name, given in draft.spec.launch.simpler.items():
        for value in given if isinstance(given, list) else [given]:
            if not any(same(value, item) for item in scientific.get(name, ())):
                raise draft.error(
                    ("launch", "simpler", name),
                    f"'{name}' never takes the value '{write_value(value)}' under 'scientific'"
                    f"{nearest(name, scientific) if name not in scientific else ''}",
                )


def _check_list(draft: Draft, search: ListSearch) -> None:
    scientific = values_of(parts_of(draft.spec))
    for index, entry in enumerate(search.trials):
        for name, value in entry.items():
            here = ("search", "trials", index, name)
            known = scientific.get(name, (value,))
            if not any(same(value, item) for item in known):
                raise draft.error(
                    here,
                    f"'{name}' never takes the value '{write_value(value)}' under 'scientific'",
                )
            if name.removeprefix(ONE_MINUS) in draft.spec.fixed:
                raise draft.error(
                    here,
                    f"'{name}' is fixed in this study; a listed trial gives values of scientific "
                    "and nuisance hyperparameters",
                )


def _check_grid(draft: Draft, search: GridSearch) -> None:
    if not isinstance(search.points, dict):
        return
    searched = [item for part in parts_of(draft.spec) for item in part.nuisance.items()]
    names = [name for name, _ in searched]
    for name in search.points:
        if name not in names:
            raise draft.error(
                ("search", "points", name),
                f"'{name}' is not searched in this study{nearest(name, names)}",
            )
    for name, distribution in searched:
        if name not in search.points and distribution.kind != "choice":
            raise draft.error(("search", "points"), f"'{name}' needs its number of values here")


def _check_bayesian(draft: Draft, search: BayesianSearch) -> None:
    proposed = search.trials - search.initial
    if proposed < search.rounds or proposed % search.rounds:
        batch = max(1, round(proposed / search.rounds))
        fitting = search.initial + batch * search.rounds
        raise draft.error(
            ("search", "trials"),
            f"{search.trials} trials less {search.initial} initial ones are not shared out evenly "
            f"among {search.rounds} rounds; {fitting} trials would be {batch} a round",
        )


def _roles(spec: shape.StudySpec) -> Iterator[tuple[Location, Iterable[str]]]:
    """Yield every place where hyperparameters are named, and the names there."""
    parts = parts_of(spec)
    for part in parts:
        yield (*part.location, "scientific"), (*part.values, *part.sampled)
        yield (*part.location, "nuisance"), part.nuisance
        yield (*part.location, "fixed"), part.fixed
    if isinstance(spec.search, ListSearch):
        scientific = values_of(parts)
        for index, entry in enumerate(spec.search.trials):
            yield ("search", "trials", index), [name for name in entry if name not in scientific]
