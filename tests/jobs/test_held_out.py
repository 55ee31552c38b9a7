"""The best checkpoint of a trial, measured on a split that had no part in training."""

import numpy as np
import pytest

from tests.specs import plan_of
from tuning_playbook.jobs.best_variables import best_variables
from tuning_playbook.jobs.held_out import measure
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.trial_files import trial_folder
from tuning_playbook.workloads.digits_mlp import DigitsMLP


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    plan = plan_of(folder, {"search.trials": 1})
    (pack,) = plan.packs.values()
    request = request_of(plan, pack.trials)
    train_pack(request, folder, threads=1)
    (trial,) = request.trials
    best = read_best(trial_folder(folder, trial), request.selection)
    return trial, best, best_variables(folder, request, best.step)


def test_on_the_validation_split_it_is_what_the_trial_reached(trained):
    trial, best, variables = trained
    examples = DigitsMLP().load_data()["validation"]
    measured = measure(variables, trial, DigitsMLP(), examples)
    assert measured == pytest.approx(dict(best.means), abs=1e-6)


def test_on_the_test_split_every_example_counts_once(trained):
    trial, _, variables = trained
    workload, examples = DigitsMLP(), DigitsMLP().load_data()["test"]
    logits = np.asarray(
        workload.predict(variables, examples, hyperparameters=trial.hyperparameters),
        np.float64,
    )
    wrong = np.mean(logits.argmax(axis=1) != examples["label"])
    shifted = logits - logits.max(axis=1, keepdims=True)
    likelihood = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -np.mean(likelihood[np.arange(len(logits)), examples["label"]])
    measured = measure(variables, trial, workload, examples)
    assert measured["error_rate"] == pytest.approx(wrong, abs=1e-6)
    assert measured["loss"] == pytest.approx(loss, rel=1e-4)
