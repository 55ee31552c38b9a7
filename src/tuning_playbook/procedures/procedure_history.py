"""What a procedure knows when it plans its next round: its spec, and the finished rounds.

Everything here is plain Python, because the workflow plans first rounds as it reads the Snakefile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.study.procedure_settings import ProcedureSettings
from tuning_playbook.trials.probe import Probe

DIGITS = 6
"""Digits of a rate that a procedure computes."""


@dataclass(frozen=True)
class Outcome:
    """The result of a trial.

    Attributes:
        trial: Its id.
        values: Every hyperparameter that it has, `batch_size` included.
        loss: A number that ranks it, smaller being better: its objective, or more than all steps if
            it did not reach the target. None where it is infeasible.
        best_value: The best value of the metric over training, smaller being better, whatever the
            target; None where it is infeasible.
        diverged: Whether its loss or its weights became infinite or NaN.
        nowhere: Whether it never got better than an untrained model.
        collapse_step: The step at which it collapsed; None if it did not.
        steps: The last step of each window of its training loss: [window].
        train_losses: The mean loss on the batches of each window; it ends where the trial diverged.
        norms: The mean norm of the unclipped gradient in each of these windows.
        norm_bins: The lower edge of each bin of the histogram of all its norms.
        norm_counts: The steps in each bin.
        clipped_share: The share of its steps whose gradient was clipped.
        censored: Whether it did not reach the target of its study.
    """

    trial: str
    values: Mapping[str, Value]
    loss: float | None
    best_value: float | None = None
    diverged: bool = False
    nowhere: bool = False
    collapse_step: int | None = None
    steps: tuple[int, ...] = ()
    train_losses: tuple[float, ...] = ()
    norms: tuple[float, ...] = ()
    norm_bins: tuple[float, ...] = ()
    norm_counts: tuple[float, ...] = ()
    clipped_share: float = 0.0
    censored: bool = False

    @property
    def rate(self) -> float:
        """Its learning rate."""
        return float(self.values["learning_rate"])


@dataclass(frozen=True)
class StepCost:
    """The time of a step of a trial on the machine that trained it.

    Attributes:
        seconds: The time of one step, with evaluations and without compilation.
        devices: The number of devices that trained it.
        machine: The kind of its processor and of its device.
    """

    seconds: float
    devices: float
    machine: str


@dataclass(frozen=True)
class FinishedRound:
    """A round whose trials are trained.

    Attributes:
        purpose: The procedure's name for it.
        document: Its spec.
        outcomes: The results of its trials, in their order.
        launch: The content of its launch.json, where it was compared with a baseline.
        reruns: The results of its trials on other seeds, if it has any.
        costs: The time of a step of a trial or a rerun, by its id, if it was requested.
        test: The content of its test.json, where it reads the test set.
        final: The content of its final/final.json, where it trains on validation data too.
    """

    purpose: str
    document: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    launch: Mapping[str, Any] | None = None
    reruns: tuple[Outcome, ...] = ()
    costs: Mapping[str, StepCost] = field(default_factory=dict)
    test: Mapping[str, Any] | None = None
    final: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class History:
    """A procedure so far: its spec and its results.

    Attributes:
        document: Its spec, without references and without `procedure`.
        settings: The settings of the procedure.
        rounds: The finished rounds, in their order.
        probes: The measurements of the machine, the smallest batch size first.
    """

    document: Mapping[str, Any]
    settings: ProcedureSettings
    rounds: tuple[FinishedRound, ...] = ()
    probes: tuple[Probe, ...] = ()

    def of(self, *purposes: str) -> Iterator[Outcome]:
        """Yield the outcomes of every round with one of some purposes."""
        for item in self.rounds:
            if item.purpose in purposes:
                yield from item.outcomes

    def has(self, purpose: str) -> bool:
        """Return whether there was a round with a purpose."""
        return any(item.purpose == purpose for item in self.rounds)

    @property
    def max_train_steps(self) -> int:
        """Return how many steps the trials of the procedure's spec train."""
        return int(self.document["training"]["max_train_steps"])


@dataclass(frozen=True)
class StudyDocument:
    """The next round, as the spec of a study.

    Attributes:
        purpose: The procedure's name for it.
        document: The spec, as YAML gives it.
        baseline: The trial of an earlier round that it is compared with, if any.
    """

    purpose: str
    document: Mapping[str, Any]
    baseline: Outcome | None = None


@dataclass(frozen=True)
class Conclusion:
    """The conclusion of a procedure.

    Attributes:
        verdict: The result in a few words.
        values: The values that a later study may take, by name; None for what was not found.
        sentence: The result in a sentence.
        advice: What to do now.
        next_study: The spec of the next study.
        columns: Columns for the trials of all rounds, by name: [trial].
        numbers: Further numbers for its plots.
        listed: Lists for its report by their title: an entry, and what is said about it.
        tables: Columns of the same length, by their dimension and their name, for numbers that do
            not belong to a single trial.
    """

    verdict: str
    values: Mapping[str, Value | None]
    sentence: str
    advice: str
    next_study: Mapping[str, Any]
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    listed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)


Next = StudyDocument | Conclusion
"""The answer of a procedure to a history: the next round or the conclusion."""


def rounded(value: float) -> float:
    """Return a value with the digits that a spec gets.

    Example:
        >>> rounded(0.1 * 1.2345678)
        0.123457
    """
    return float(f"{value:.{DIGITS}g}")


def best_of(outcomes: Iterator[Outcome]) -> Outcome | None:
    """Return the best of the feasible outcomes, the first of equal ones; None where none is."""
    feasible = [item for item in outcomes if item.loss is not None]
    return min(feasible, key=lambda item: item.loss or 0.0) if feasible else None
