"""The identity of a trial: its configuration, its seed and its fingerprint."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from tuning_playbook.declarations import Value

ID_DIGITS = 10


@dataclass(frozen=True)
class Trial:
    """One configuration to be trained once with one seed: everything that decides its numbers.

    Attributes:
        workload: The workload's name in the spec.
        hyperparameters: The value of every hyperparameter, in its own type.
        traced: The sorted names of those that its compiled program takes as arguments; the others
            are part of the program. It follows from their declarations, and is stored here so that
            another declaration gives another trial.
        seed: The seed of initialisation, data order and every other draw; below 2**32.
        max_train_steps: The number of steps it trains.
        batch_size: Examples per step.
        eval_every: Steps between evaluations.
        dense_until: Every step is evaluated up to this one.
        validation_sample: Validation examples that periodic evaluations see; 0 for all.
        lanes: How many trials its compiled program trains at once: a program of another width gives
            other bits.
        versions: Hashes of the workload's code, of the engine's and of the data.
        devices: How many devices share each of its batches: their sums are rounded differently. If
            devices train separate lanes, no bit depends on the number of devices.
        nodes: How many nodes have these devices; it affects the order in which sums are added.
        data_split: Which division of the data into training and validation sets it sees; 0 for the
            workload's own, which is not part of the fingerprint.
        train_sample: "all" if evaluations see the whole training split; empty if they see a fixed
            sample of it, as large as what they see of the validation split.
        microbatch: Examples in each part of a batch, if the parts are computed one after the other;
            0 if the batch is computed at once.
        branch_step: From this step on it is a branch of a run at a smaller batch size; 0 for none.
        branch_batch: The batch size of that run: examples per step, before and after the branch.
        branch_power: The exponent of the ratio of the batch sizes; the result is the factor of the
            learning rate after the branch.
    """

    workload: str
    hyperparameters: Mapping[str, Value]
    traced: tuple[str, ...]
    seed: int
    max_train_steps: int
    batch_size: int
    eval_every: int
    dense_until: int
    validation_sample: int
    lanes: int
    versions: Mapping[str, str]
    devices: int = 1
    nodes: int = 1
    data_split: int = 0
    train_sample: Literal["", "all"] = ""
    microbatch: int = 0
    branch_step: int = 0
    branch_batch: int = 0
    branch_power: float = 0.0

    @property
    def step_examples(self) -> int:
        """Return how many examples a step sees; an update of a branch spans several steps."""
        return self.branch_batch or self.batch_size

    @property
    def computed_at_once(self) -> int:
        """Return how many examples of a step are computed at once."""
        return self.microbatch or self.step_examples

    @functools.cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of everything that decides the trial's numbers."""
        return digest(self.to_json())

    @functools.cached_property
    def id(self) -> str:
        """Return the first digits of the fingerprint: the trial's name and folder."""
        return self.fingerprint[:ID_DIGITS]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as a JSON object, without default values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {
            field.name: values[field.name]
            for field in fields(self)
            if values[field.name] != field.default
        }
        return kept | {"traced": list(self.traced)}


def trial_from_json(content: Mapping[str, Any]) -> Trial:
    """Return the trial that `Trial.to_json` wrote."""
    return Trial(**{**content, "traced": tuple(content["traced"])})


def digest(content: object) -> str:
    """Return the SHA-256 of a JSON value, independent of the order of its keys."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: object) -> str:
    """Return the canonical text of a JSON value, for its fingerprint."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def pack_id(ids: Sequence[str]) -> str:
    """Return the name of a pack: the id of its only trial, or a hash of several ids.

    Args:
        ids: The ids of the trials, sorted.
    """
    return ids[0] if len(ids) == 1 else digest(list(ids))[:ID_DIGITS]


def derive_seed(
    study_seed: int, hyperparameters: Mapping[str, Value], again: int | str | None = None
) -> int:
    """Return a trial's seed, from the study's seed and the configuration, never from its position.

    Args:
        study_seed: `training.seed` of the spec.
        hyperparameters: The whole configuration.
        again: The number of a rerun, or whatever distinguishes one training of the configuration
            from
            others: each has a fresh seed. None for a searched trial.
    """
    return int(digest([study_seed, dict(hyperparameters), again])[:8], 16)
