"""What an archive tells a study that imports it: trials, arms, and what was searched where."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.dataset.test_collect import (  # noqa: F401 - fixtures
    packed,
    plan,
    records,
    rows,
)
from tests.sources.algoperf import datasets
from tests.specs import write_spec
from tuning_playbook.archive.read_trials import finished_trials
from tuning_playbook.dataset.collect import ROUND, collect, write_dataset
from tuning_playbook.dataset.imported import resources_dataset
from tuning_playbook.planning.list_imported import as_trial
from tuning_playbook.planning.plan import request_of
from tuning_playbook.sources.archived import found_in
from tuning_playbook.trials.best_checkpoint import BestCheckpoint, write_best
from tuning_playbook.trials.trial_files import pack_trials, trial_folder, write_trial

ROUNDS = [0, 1, 1, 0, 1, 2]

BEST = BestCheckpoint(50, {"loss": 1.0, "error_rate": 0.4}, {}, [3, 1], [4, 2])


@pytest.fixture
def archived(plan, rows, records, tmp_path):  # noqa: F811
    """A study without reruns: two arms that search the learning rate over ranges of their own."""
    folder = tmp_path / "results"
    dataset = collect(plan.study, rows, packed(tmp_path, records))
    dataset["round"] = ("trial", ROUNDS)
    trials = [row.trial for row in rows]
    for number, trial in enumerate(trials):
        facts = {"wall_seconds": float(number), "backend": "cpu", "versions": {"jax": "0.0.1"}}
        write_trial(folder, trial, records[trial.id], kept_steps=(), provenance=facts)
    pack_trials(folder, folder / "packs/all.nc", trials, records)
    selection = request_of(plan, trials).selection
    write_best(trial_folder(folder, trials[0]), selection, BEST)
    write_dataset(folder / "study.nc", dataset)
    write_dataset(folder / "reruns.nc", dataset.isel(trial=slice(0)))
    content = json.loads(json.dumps(finished_trials(folder) | {"workload": "digits_mlp"}))
    found = found_in(tmp_path / "study.zip", content)
    return SimpleNamespace(plan=plan, trials=trials, records=records, found=found)


def test_every_trial_keeps_its_identity_its_arm_and_its_numbers(archived):
    trials = archived.found.trials
    assert [trial.name for trial in trials] == [trial.id for trial in archived.trials]
    for imported, trial in zip(trials, archived.trials, strict=True):
        assert as_trial(archived.plan.study, imported) == trial
        assert imported.seed == trial.seed
        assert imported.hyperparameters["batch_size"] == trial.batch_size
        assert imported.record.fingerprint == trial.fingerprint
        assert imported.record.sha256 == archived.records[trial.id].sha256
    places = [item.arm for item in archived.plan.trials]
    assert [trial.arm for trial in trials] == places


def test_an_infeasible_trial_comes_with_its_reason(archived):
    (diverged,) = (trial for trial in archived.found.trials if trial.record.status != "completed")
    record = diverged.record
    assert (record.status, record.reason) == ("diverged", "not finite at step 3")
    assert np.isnan(record.evaluations.values["validation/error_rate"][1:]).all()


def test_what_was_measured_of_a_best_checkpoint_comes_with_it(archived):
    first, *others = archived.found.trials
    assert first.best == BEST
    assert all(trial.best is None for trial in others)


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


@pytest.fixture
def imported(archived, tmp_path, monkeypatch):
    """A study of the archived trials, which are not read again."""
    monkeypatch.setattr(
        "tuning_playbook.sources.imported_study.read_archive", lambda path: archived.found
    )
    spec = {
        "goal": "What did it find?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/error_rate", "mode": "min"},
        "source": {"format": "archive", "path": "study.zip"},
    }
    (tmp_path / "study.zip").touch()
    return datasets(write_spec(tmp_path / "imported.yaml", spec))


def test_a_metric_can_be_what_the_archived_study_says(archived):
    error_rate, loss = (archived.found.metrics[name] for name in ("error_rate", "loss"))
    assert (error_rate.low, error_rate.high) == (0.0, 1.0)
    assert (loss.low, loss.high) == (0.0, np.inf)


def test_a_trial_stays_in_the_round_that_proposed_it(imported):
    assert imported.study["round"].to_numpy().tolist() == ROUNDS
    assert imported.study["round"].attrs == {"long_name": ROUND}
    assert "round" not in imported.reruns


def test_what_a_trial_took_and_on_what_comes_with_it(archived, imported):
    trials = [trial.id for trial in archived.trials][::-1]
    resources = resources_dataset(imported.plan.study, trials)
    assert resources["trial"].to_numpy().tolist() == trials
    assert resources["wall_seconds"].to_numpy().tolist() == [5, 4, 3, 2, 1, 0]
    assert set(resources["backend"].to_numpy()) == {"cpu"}
    assert set(resources["version_jax"].to_numpy()) == {"0.0.1"}
