"""Rules of a search, and of what a study asks for to know its variance."""

from tuning_playbook.declarations import ONE_MINUS, same
from tuning_playbook.errors import nearest
from tuning_playbook.study.conditions import (
    parts_of,
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


def check_design(draft: Draft) -> None:
    """Check that the search goes with the design."""
    search = draft.spec.search
    if draft.spec.design == "joint" and not isinstance(search, QuasiRandomSearch | RandomSearch):
        raise draft.error(
            ("design",),
            f"a joint design samples its trials with halton or random, not with {search.algorithm}",
        )


def check_search(draft: Draft) -> None:
    """Check what a list, a grid or a Bayesian search says of its trials."""
    search = draft.spec.search
    if isinstance(search, ListSearch):
        _check_list(draft, search)
    if isinstance(search, GridSearch):
        _check_grid(draft, search)
    if isinstance(search, BayesianSearch):
        _check_bayesian(draft, search)


def check_variance(draft: Draft) -> None:
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
