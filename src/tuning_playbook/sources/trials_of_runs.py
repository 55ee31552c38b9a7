"""The trials that the runs of a tool are, under the names of a spec."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tuning_playbook.sources.hyperparameter_columns import hyperparameter_columns
from tuning_playbook.sources.measurements import record_of
from tuning_playbook.sources.metrics_by_step import metrics_by_step
from tuning_playbook.sources.naming import Naming, named_parameters
from tuning_playbook.sources.runs import SEED, Run
from tuning_playbook.sources.seeds import seed_in, told_apart
from tuning_playbook.trials.imported_trial import ImportedTrial


@dataclass(frozen=True)
class Trials:
    """Trials under the names of a spec.

    Attributes:
        trials: In the order of the source.
        notes: What was guessed, renamed or left unread, in sentences.
        inverted: Hyperparameters that the source has as one minus their value.
    """

    trials: tuple[ImportedTrial, ...]
    notes: tuple[str, ...] = ()
    inverted: frozenset[str] = frozenset()


def trials_of_runs(runs: Sequence[Run], naming: Naming) -> Trials:
    """Return the trials that some runs are.

    Raises:
        SourceError: No run has the objective's metric, or a name or a value cannot be one here.
    """
    named, notes = named_parameters(runs, naming)
    columns, inverted, more = hyperparameter_columns(runs, named, naming)
    measured, unread = metrics_by_step(runs, naming)
    seeds = [
        seed_in(parameters.get(SEED), partial(run.error, naming.what, SEED))
        for run, parameters in zip(runs, named, strict=True)
    ]
    trials = tuple(
        ImportedTrial(
            name=run.name,
            study=run.study,
            ended=run.ended,
            where=run.where,
            seed=seed,
            seed_told=told is not None,
            hyperparameters={
                name: value
                for name, values in columns.items()
                if (value := values[place]) is not None
            },
            record=record_of(measured[place], measured[place], naming.objective, run.outcome),
            provenance=run.provenance,
        )
        for place, (run, seed, told) in enumerate(zip(runs, told_apart(seeds), seeds, strict=True))
    )
    return Trials(trials, (*notes, *more, *unread), inverted)
