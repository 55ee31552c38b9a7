"""Rules of training, its objective, and the splits that a study needs."""

import math

from tuning_playbook.errors import nearest
from tuning_playbook.study import shape
from tuning_playbook.study.draft import Draft


def check_training(draft: Draft) -> None:
    """Check that lengths, lanes and devices fit together."""
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


def check_objective(draft: Draft) -> None:
    """Check that the workload has the metric, and that its target can be reached."""
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


def check_train_split(draft: Draft) -> None:
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


def check_test(draft: Draft) -> None:
    """Check that the workload has a test split where the spec asks for one."""
    if draft.spec.test.evaluate and "test" not in draft.workload.splits:
        raise draft.error(
            ("test", "evaluate"),
            f"workload '{draft.workload.name}' has no test split "
            f"(it has: {', '.join(draft.workload.splits)})",
        )
