"""The imported trials of a study, in the form of any study's trials."""

from collections.abc import Mapping

from tuning_playbook.declarations import Value, spec_name
from tuning_playbook.errors import SourceError
from tuning_playbook.planning.expand import Expansion, StudyTrial
from tuning_playbook.sources.arms import batch_size_of
from tuning_playbook.sources.configurations import configurations
from tuning_playbook.study.study import Dimension, Study
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.trial import Trial, trial_from_json


def list_imported(study: Study) -> Expansion:
    """Return the searched trials of an imported study: the first seed of each configuration.

    The baseline's configuration is not among them: it only has reruns.
    """
    incumbent = study.baseline.hyperparameters if study.baseline else None
    trials: list[StudyTrial] = []
    seen: dict[str, str] = {}
    for imported in study.imported:
        trial = as_trial(study, imported)
        if trial.id in seen:
            raise SourceError(
                f"{imported.where}: its trial and '{seen[trial.id]}' share the id {trial.id}"
            )
        seen[trial.id] = imported.name
    for imported, *_ in configurations(study.imported):
        values = imported.hyperparameters
        if incumbent is not None and values == incumbent:
            continue
        arm = imported.arm
        searched = _searched(study, arm, values)
        trials.append(StudyTrial(len(trials), arm, searched, as_trial(study, imported)))
    return Expansion(tuple(trials), ())


def as_trial(study: Study, imported: ImportedTrial) -> Trial:
    """Return the trial that an imported trial is.

    A trial of another tool has a fingerprint of the measured numbers, not of the code.
    """
    if imported.trained is not None:
        return trial_from_json(imported.trained)
    steps = imported.record.evaluations.steps
    training = study.spec.training
    return Trial(
        workload=study.workload.name,
        hyperparameters=dict(sorted(imported.hyperparameters.items())),
        traced=(),
        seed=imported.seed,
        # At least one, because the steps of a trial are written as shares of its length.
        max_train_steps=max(1, int(steps[-1])) if len(steps) else 1,
        batch_size=batch_size_of(imported.hyperparameters, training),
        eval_every=training.eval_every,
        dense_until=0,
        validation_sample=0,
        lanes=1,
        versions={"source": imported.record.sha256[:16]},
    )


def _searched(study: Study, arm: str, values: Mapping[str, Value]) -> dict[str, Value]:
    (dimensions,) = [item.dimensions for item in study.arms if item.name == arm]
    return {
        item.name: values[name]
        if (name := spec_name(item.name)) in values
        else _one_minus(item, values)
        for item in dimensions
        if item.hyperparameter.name in values and item.exists(values)
    }


def _one_minus(dimension: Dimension, values: Mapping[str, Value]) -> Value:
    """Return the value that a spec gave for `one_minus_<name>`."""
    return float(f"{1.0 - float(values[dimension.hyperparameter.name]):.12g}")
