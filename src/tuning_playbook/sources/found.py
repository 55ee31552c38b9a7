"""What a source of imported trials holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.study import Arm
from tuning_playbook.trials.imported_trial import ImportedTrial


@dataclass(frozen=True)
class Found:
    """Finished trials, and what their source tells of the study that they come from.

    The logs of other tools tell of the trials alone; an archive says the rest too.

    Attributes:
        trials: In the order of the source.
        description: Where they come from, in a sentence.
        workload: What was trained; empty where the source does not say.
        incumbent: The name of a trial whose configuration is the baseline; empty without one.
        known: What is known of the hyperparameters, by name.
        metrics: What is known of the metrics, by name.
        training: How the trials were trained.
        arms: The arms, with what was searched in each.
        notes: What reading dropped, merged, guessed or left unread, in sentences.
        unread: The names of the trials that the spec does not ask for.
        left_out: Trials of which not even the configuration is known, each with the reason.
        ranges: What hyperparameters were searched over, where the source says.
        inverted: Hyperparameters that the source has as one minus their value.
        begun_again: Whether a configuration and seed that stand twice are a run that was begun
            again, as tools log it, and not a mistake.
        steps: How many steps the trials were to train; 0 where the source does not say.
        targets: As of `Logs`.
    """

    trials: tuple[ImportedTrial, ...]
    description: str
    workload: str = ""
    incumbent: str = ""
    known: Mapping[str, Hyperparameter] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    training: shape.Training | None = None
    arms: tuple[Arm, ...] = ()
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Distribution] = field(default_factory=dict)
    inverted: frozenset[str] = frozenset()
    begun_again: bool = False
    steps: int = 0
    targets: Mapping[str, Sequence[float]] = field(default_factory=dict)
