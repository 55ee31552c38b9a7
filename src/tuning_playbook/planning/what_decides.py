"""What decides the stages of a plan: the content of their keys, beside code and earlier stages."""

from collections.abc import Callable
from typing import Any

from tuning_playbook.planning.expand import StudyTrial
from tuning_playbook.planning.plan import DATASET_KEYS, Plan

ENDS = ("trials", "rounds")
"""The keys of a Bayesian search that decide when it ends."""


def spec(*keys: str) -> Callable[[Plan], Any]:
    """Return a function for the values of some keys of a spec."""
    return lambda plan: plan.study.spec.model_dump(mode="json", include=set(keys))


def text(plan: Plan) -> str:
    """Return the whole text of a spec."""
    return plan.study.text


def nothing(plan: Plan) -> None:
    """Return None: only earlier stages decide the stage."""
    del plan


def rounds(plan: Plan) -> list[Any]:
    """Return what decides the proposals; the number of rounds does not."""
    given = plan.study.spec.model_dump(mode="json")["search"]
    search = {name: value for name, value in given.items() if name not in ENDS}
    trials = [item.trials for item in plan.rounds.values()][:1]
    objective = plan.study.spec.objective.model_dump(
        mode="json", include={"metric", "mode", "target"}, exclude_none=True
    )
    return [search, trials, _rows(plan), objective]


def study(plan: Plan) -> list[Any]:
    """Return what decides the dataset: its trials, their values' origin, and its descriptions."""
    taken = [item.to_json() for item in plan.study.taken]
    decisive = [spec(*DATASET_KEYS)(plan), _rows(plan), taken]
    return [*decisive, dict(plan.study.renamed)] if plan.study.renamed else decisive


def replicates(plan: Plan) -> list[Any]:
    """Return what decides the dataset of the repeats."""
    repeats = [[_row(item) for item in repeat.trials] for repeat in plan.replicates]
    return [spec(*DATASET_KEYS)(plan), repeats]


def reruns(plan: Plan) -> list[Any]:
    """Return what decides which trials are trained again, and how often."""
    baseline, finished = plan.study.baseline, plan.study.imported
    return [
        spec("reruns")(plan),
        baseline and [baseline.batch_size, dict(baseline.hyperparameters)],
        [
            (item.name, item.seed, item.record.sha256, repr(item.best), repr(item.provenance))
            for item in finished
        ],
    ]


def _rows(plan: Plan) -> list[Any]:
    return [_row(item) for item in plan.initial.trials]


def _row(item: StudyTrial) -> tuple[str, str, dict[str, Any]]:
    """Return what decides a trial's row of a dataset."""
    return item.trial.fingerprint, item.arm, dict(item.searched)
