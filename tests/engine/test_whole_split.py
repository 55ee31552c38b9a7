"""Metrics of a whole split are those of scikit-learn, whatever the evaluation batch."""

import dataclasses

import numpy as np
import pytest

from tests.engine.quadratic import BEST_LOSS, make_trial
from tests.engine.scores import Scores, in_float64
from tuning_playbook import Metric
from tuning_playbook.engine import data as engine_data
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.held_out import measure
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection

BEST_AUC = CheckpointSelection("validation/auc", "max", keep=2)


def trial_of(**changes):
    trial = make_trial(**{"learning_rate": 0.5, "batch_size": 50, **changes})
    own = {n: v for n, v in trial.hyperparameters.items() if n not in ("noise", "bias")}
    return dataclasses.replace(trial, hyperparameters=own)


def train(*trials, selection=BEST_AUC, workload=None):
    workload = workload or Scores()
    splits = workload.load_data()
    data = place_data(splits, trials[0].batch_size, trials[0].validation_sample)
    return train_group(Program(trials[0], workload, data, 700), trials, selection).finished


@pytest.mark.parametrize("batch", [1, 100, 250, 611])
def test_they_are_scikit_learns_for_any_evaluation_batch(monkeypatch, batch):
    monkeypatch.setattr(engine_data, "EVALUATION_BATCH", batch)
    workload, trial = Scores(), trial_of(batch_size=1, validation_sample=0)
    (finished,) = train(trial)
    step, variables = finished.best[0]
    expected = in_float64(variables, workload.load_data()["validation"])
    curves = finished.record.evaluations
    row = list(curves.steps).index(step)
    for name, value in expected.items():
        assert curves.values[f"validation/{name}"][row] == pytest.approx(value, rel=1e-6)
        assert finished.examination.means[name] == pytest.approx(value, rel=1e-6)


def test_they_rank_checkpoints_and_are_of_the_sample_that_evaluations_see():
    (finished,) = train(trial_of(validation_sample=200))
    curves = finished.record.evaluations
    (step, variables), _ = finished.best
    assert step == curves.steps[np.nanargmax(curves.values["validation/auc"])]
    whole = in_float64(variables, Scores().load_data()["validation"])
    assert finished.examination.means["auc"] == pytest.approx(whole["auc"], rel=1e-6)
    assert curves.values["validation/auc"].max() != pytest.approx(whole["auc"], rel=1e-6)
    assert np.isnan(finished.examination.sample_error["auc"])
    assert finished.examination.sample_error["loss"] > 0
    assert np.isfinite(curves.values["train/auc"]).all()


def test_each_lane_has_its_own():
    lanes = train(*(trial_of(seed=seed, lanes=2) for seed in (1, 2)))
    alone = [train(trial_of(seed=seed))[0] for seed in (1, 2)]
    values = [item.record.evaluations.values["validation/auc"] for item in (*lanes, *alone)]
    np.testing.assert_allclose(values[:2], values[2:], rtol=1e-4)
    assert (values[0] != values[1]).any()


def test_what_a_prediction_is_made_of_is_kept_for_the_first_examples():
    (finished,) = train(trial_of())
    kept = finished.examination.examples
    assert set(kept) == {"loss", "prediction/score", "prediction/loss"}
    assert kept["prediction/score"].shape == (64,)


def test_a_diverged_trial_is_not_summarized():
    class Counted(Scores):
        calls = 0

        def summarize(self, outputs, examples):
            Counted.calls += 1
            assert np.isfinite(outputs["score"]).all()
            return super().summarize(outputs, examples)

    (finished,) = train(trial_of(learning_rate=1e30), workload=Counted())
    assert finished.record.status == "diverged"
    assert Counted.calls == 2 + 1  # both splits at step 0, and the whole at the best step
    assert np.isnan(finished.record.evaluations.values["validation/auc"][1:]).all()


def test_without_them_nothing_is_predicted_in_an_evaluation():
    class Plain(Scores):
        metrics = Scores.metrics[:1]

        def summarize(self, outputs, examples):
            raise AssertionError

    (finished,) = train(trial_of(), selection=BEST_LOSS, workload=Plain())
    assert set(finished.record.evaluations.values) == {"train/loss", "validation/loss"}


def test_another_answer_than_declared_is_named():
    class Other(Scores):
        metrics = (*Scores.metrics, Metric("bleu", "of the answers", whole=True))

    with pytest.raises(WorkloadError, match=r"Other.summarize returns auc, f1, .*one number"):
        train(trial_of(), workload=Other())


def test_a_held_out_split_has_them_too():
    workload, trial = Scores(), trial_of()
    (finished,) = train(trial)
    variables, examples = finished.best[0][1], workload.load_data()["test"]
    found = measure(variables, trial, workload, examples)
    assert found == pytest.approx(in_float64(variables, examples), rel=1e-6)
