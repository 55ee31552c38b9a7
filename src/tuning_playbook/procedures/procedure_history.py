"""What a procedure knows when it plans its next round: its spec, and the rounds that are finished.

Everything here is plain Python: the workflow plans first rounds while it reads the Snakefile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.study.procedure_settings import ProcedureSettings
from tuning_playbook.trials.probe import Probe

DIGITS = 6
"""Of a rate that a procedure works out."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        trial: Its id.
        values: Every hyperparameter that it has, `batch_size` included.
        loss: A number that ranks it, smaller being better: its objective, or, of a trial that did
            not reach the target, more than all steps. None where it is infeasible.
        best_value: The best value of the metric over training, smaller being better, whatever the
            target; None where it is infeasible.
        diverged: Whether its loss or its weights left the finite numbers.
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
    """What a step of a trial took where it was trained.

    Attributes:
        seconds: Of one step, evaluations included and compilation left out.
        devices: That trained it.
        machine: Its kind of processor and of device.
    """

    seconds: float
    devices: float
    machine: str


@dataclass(frozen=True)
class FinishedRound:
    """A round whose trials are trained.

    Attributes:
        purpose: What its procedure calls it.
        document: Its spec.
        outcomes: Of its trials, in their order.
        launch: The content of its launch.json, where it was compared with a baseline.
        reruns: What came of its trials on other seeds, where it has such.
        costs: What a step of a trial or a rerun took, by its id, as far as it was asked for.
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
    """A procedure so far.

    Attributes:
        document: Its spec, without references and without `procedure`.
        settings: Of the procedure.
        rounds: Those that are finished, the first one first.
        probes: What was measured of the machine, the smallest batch size first.
    """

    document: Mapping[str, Any]
    settings: ProcedureSettings
    rounds: tuple[FinishedRound, ...] = ()
    probes: tuple[Probe, ...] = ()

    def of(self, *purposes: str) -> Iterator[Outcome]:
        """Yield the outcomes of every round of some purposes."""
        for item in self.rounds:
            if item.purpose in purposes:
                yield from item.outcomes

    def has(self, purpose: str) -> bool:
        """Return whether there was a round of a purpose."""
        return any(item.purpose == purpose for item in self.rounds)

    @property
    def max_train_steps(self) -> int:
        """How long the trials of the procedure's spec train."""
        return int(self.document["training"]["max_train_steps"])


@dataclass(frozen=True)
class StudyDocument:
    """The next round, as the spec of a study.

    Attributes:
        purpose: What the procedure calls it.
        document: The spec, as YAML gives it.
        baseline: The trial of an earlier round that it is compared with, if with one.
    """

    purpose: str
    document: Mapping[str, Any]
    baseline: Outcome | None = None


@dataclass(frozen=True)
class Conclusion:
    """What a procedure ends with.

    Attributes:
        verdict: In a few words.
        values: What a later study may take, by name; None what could not be found.
        sentence: What a colleague would repeat.
        advice: What to do now.
        next_study: The spec that goes on from here.
        columns: What the procedure says of each trial of all rounds, by name: [trial].
        numbers: Further numbers that its plots mark.
        listed: Lists that its report shows, by their title: what to what is said of it.
        tables: Columns of the same length, by their dimension and their name, where a number is of
            no one trial.
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
"""What a procedure answers to a history."""


def rounded(value: float) -> float:
    """Return a value as a spec is to have it.

    Example:
        >>> rounded(0.1 * 1.2345678)
        0.123457
    """
    return float(f"{value:.{DIGITS}g}")


def best_of(outcomes: Iterator[Outcome]) -> Outcome | None:
    """Return the best of the feasible outcomes, the first of equal ones; None where none is."""
    feasible = [item for item in outcomes if item.loss is not None]
    return min(feasible, key=lambda item: item.loss or 0.0) if feasible else None
