"""What an archive tells a study that imports it: trials, arms, and what was searched where."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.dataset.test_collect import (  # noqa: F401 - fixtures
    packed,
    plan,
    results,
    rows,
)
from tuning_playbook.archive.finished import finished_trials
from tuning_playbook.dataset.collect import collect, write_dataset
from tuning_playbook.search.finished import as_trial
from tuning_playbook.sources.archive import found_in
from tuning_playbook.training.records import write_result


@pytest.fixture
def archived(plan, rows, results, tmp_path):  # noqa: F811
    """A study without reruns: two arms that search the learning rate over ranges of their own."""
    folder = tmp_path / "results"
    dataset = collect(plan.study, rows, packed(tmp_path, results))
    for result in results:
        write_result(folder / "trials" / result.trial.id, result, {})
    write_dataset(folder / "study.nc", dataset)
    write_dataset(folder / "reruns.nc", dataset.isel(trial=slice(0)))
    content = json.loads(json.dumps(finished_trials(folder) | {"workload": "digits_mlp"}))
    found = found_in(tmp_path / "study.zip", content)
    return SimpleNamespace(plan=plan, results=results, found=found)


def test_every_trial_keeps_its_identity_its_arm_and_its_numbers(archived):
    trials = archived.found.trials
    assert [trial.name for trial in trials] == [result.trial.id for result in archived.results]
    for finished, result in zip(trials, archived.results, strict=True):
        assert as_trial(archived.plan.study, finished) == result.trial
        assert finished.seed == result.trial.seed
        assert finished.hyperparameters["batch_size"] == result.trial.batch_size
        assert finished.evaluations.steps == tuple(result.eval_steps.tolist())
        for name, values in result.metrics.items():
            for column, split in enumerate(result.splits):
                told = np.array(finished.evaluations.values[f"{split}/{name}"], np.float32)
                np.testing.assert_array_equal(told, values[:, column])
        np.testing.assert_array_equal(
            np.array(finished.logged.values["train_loss"], np.float32), result.series["train_loss"]
        )
    places = [item.arm for item in archived.plan.trials]
    assert [trial.arm for trial in trials] == places


def test_an_infeasible_trial_comes_with_its_reason(archived):
    (diverged,) = (trial for trial in archived.found.trials if trial.status != "completed")
    assert (diverged.status, diverged.reason) == ("diverged", "not finite at step 3")
    assert np.isnan(diverged.evaluations.values["validation/error_rate"][1:]).all()


def test_the_arms_are_those_of_the_archived_study(archived):
    for told, arm in zip(archived.found.arms, archived.plan.study.arms, strict=True):
        assert (told.name, told.scientific) == (arm.name, arm.scientific)
        assert told.batch_size == arm.batch_size
        assert [
            (item.name, item.hyperparameter.name, item.distribution, item.condition, item.role)
            for item in told.dimensions
        ] == [
            (item.name, item.hyperparameter.name, item.distribution, item.condition, item.role)
            for item in arm.dimensions
        ]
        fixed = {name: value for name, value in told.fixed.items() if name != "batch_size"}
        assert fixed == arm.fixed
    assert archived.found.training == archived.plan.study.spec.training
