"""Measure a checkpoint on a split that played no part in training or choosing.

Source: the playbook asks for the test set once tuning is over ("After exploration concludes").
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.apply import call_apply
from tuning_playbook.engine.data import EVALUATION_BATCH
from tuning_playbook.engine.evaluation import Split, batched, weighted_means
from tuning_playbook.engine.whole_split import summarize, whole_metrics, without_padding
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Variables, Workload


def measure(
    variables: Variables, trial: Trial, workload: Workload, examples: Arrays, step: int = 0
) -> dict[str, float]:
    """Return every metric of a whole split.

    Args:
        variables: The model's variables, as a checkpoint has them.
        trial: The trial that trained them.
        workload: Its workload.
        examples: The split's arrays, each [examples, ...].
        step: Training steps before the checkpoint.
    """
    own = {item.name: trial.hyperparameters[item.name] for item in workload.hyperparameters}

    def per_example(batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
        key = jax.random.key(0)  # the protocol needs a key; an evaluation draws nothing
        after = np.int32(step)
        measured, _ = call_apply(
            workload, variables, batch, hyperparameters=own, key=key, train=False, step=after
        )
        return {item.name: measured[item.name] for item in workload.metrics if not item.whole}

    def predictions(split: Split) -> Any:
        predict: Any = getattr(workload, "predict", None)
        return jax.lax.map(lambda batch: predict(variables, batch, hyperparameters=own), split[0])

    split = jax.device_put(batched(examples, max(trial.computed_at_once, EVALUATION_BATCH)))
    means = jax.device_get(jax.jit(lambda split: weighted_means(per_example, split))(split))
    found = {name: float(value) for name, value in means.items()}
    if whole_metrics(workload):
        outputs = without_padding(jax.jit(predictions)(split), split[1])
        found |= summarize(workload, outputs, examples)
    return found
