"""Measure the best checkpoint of a trial on a split that had no part in training or choosing.

Source: the playbook asks for the test set once tuning is over ("After exploration concludes").
"""

from collections.abc import Mapping
from pathlib import Path

import jax

from tuning_playbook.engine.data import EVALUATION_BATCH
from tuning_playbook.engine.evaluation import batched, weighted_means
from tuning_playbook.jobs.export import best_variables
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload


def measure_best(
    folder: Path, trial: Trial, workload: Workload, examples: Arrays
) -> dict[str, float]:
    """Return the mean of every metric of a trial's best checkpoint over a whole split.

    Args:
        folder: The trial's.
        trial: The trial.
        workload: Its workload.
        examples: The split, [examples, ...] each.

    Raises:
        ArtefactError: The checkpoint is damaged.
    """
    variables = best_variables(folder)
    own = {item.name: trial.hyperparameters[item.name] for item in workload.hyperparameters}

    def per_example(batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
        key = jax.random.key(0)  # an evaluation draws nothing; the protocol asks for a key
        measured, _ = workload.apply(variables, batch, hyperparameters=own, key=key, train=False)
        return {item.name: measured[item.name] for item in workload.metrics}

    split = jax.device_put(batched(examples, max(trial.batch_size, EVALUATION_BATCH)))
    means = jax.device_get(jax.jit(lambda split: weighted_means(per_example, split))(split))
    return {name: float(value) for name, value in means.items()}
