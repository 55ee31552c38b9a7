"""The procedure `steps_to_fit` on a network that is trained: its answer is checked in NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.specs import write_spec
from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.dataset.collect import assemble, axes_of
from tuning_playbook.dataset.reruns import choose_reruns
from tuning_playbook.dataset.rows import Row
from tuning_playbook.jobs.best_variables import best_variables
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.procedures.planned import as_written, first_plan, next_round, plan_of_round
from tuning_playbook.procedures.procedure_history import Conclusion, FinishedRound
from tuning_playbook.procedures.read_rounds import outcomes
from tuning_playbook.study.read import read_spec
from tuning_playbook.trials.trial import trial_from_json
from tuning_playbook.workloads.digits_mlp import DigitsMLP

SPEC = {
    "goal": "How many steps does it take to fit the training set?",
    "workload": "digits_mlp",
    "objective": {"metric": "train/error_rate", "mode": "min", "target": 0.0},
    "training": {"max_train_steps": 150, "batch_size": 128, "eval_every": 15},
    "nuisance": {"learning_rate": {"log_uniform": [0.02, 0.5]}},
    "fixed": {"optimizer": "momentum", "width": 64, "depth": 1},
    "search": {"algorithm": "grid", "points": 3},
    "procedure": {"name": "steps_to_fit", "seeds": 1},
}


def trained(plan, folder):
    """The datasets of a round's trials and of its reruns, and the trials of both."""

    def collect(rows):
        records = train_pack(request_of(plan, [row.trial for row in rows]), folder, threads=1)
        axes = axes_of(plan.study, rows, records.values())
        return assemble(plan.study, rows, [records], axes)

    rows = [Row(item.index, item.arm, item.trial, item.searched) for item in plan.trials]
    study = collect(rows)
    chosen = choose_reruns(plan, best_ids(study)) if plan.study.spec.reruns.seeds else {}
    again = [
        Row(0, arm, trial_from_json(content), {}, {"rerun": n, "rerun_of": choice["rerun_of"]})
        for arm, choice in chosen.items()
        for n, content in enumerate(choice["trials"])
    ]
    reruns = outcomes(collect(again)) if again else ()
    return outcomes(study), reruns, [row.trial for row in [*rows, *again]]


@pytest.fixture(scope="module")
def concluded(tmp_path_factory):
    """The procedure from its first round to its conclusion."""
    folder = tmp_path_factory.mktemp("fit")
    path = write_spec(folder / "fit.yaml", SPEC)
    procedure, rounds = read_spec(path), []
    written, purpose, plan = first_plan(path)
    while True:
        results = folder / str(len(rounds) + 1)
        found, reruns, trials = trained(plan, results)
        rounds.append(FinishedRound(purpose, written.document, found, reruns=reruns))
        answer = next_round(procedure, rounds)
        if isinstance(answer, Conclusion):
            return SimpleNamespace(
                conclusion=answer, rounds=rounds, results=results, plan=plan, trials=trials
            )
        written, purpose = as_written(procedure, len(rounds) + 1, answer), answer.purpose
        plan = plan_of_round(written)


def test_it_answers_with_a_checked_rate(concluded):
    assert concluded.conclusion.verdict.startswith("begin with max_train_steps = ")
    assert concluded.rounds[-1].purpose == "check"


def test_no_training_example_is_wrong_by_then_on_any_seed(concluded):
    """The network is computed in float64 from the weights that each seed had when it fit."""
    images = DigitsMLP().load_data()["train"]
    checked = [*concluded.rounds[-1].outcomes, *concluded.rounds[-1].reruns]
    assert len(checked) == len(concluded.trials) == 2
    for outcome, trial in zip(checked, concluded.trials, strict=True):
        assert outcome.loss <= concluded.conclusion.values["max_train_steps"]
        request = request_of(concluded.plan, [trial])
        variables = best_variables(concluded.results, request, int(outcome.loss))
        (first, last) = layers(variables)
        hidden = np.maximum(
            0.0, images["image"].astype(np.float64) @ first["kernel"] + first["bias"]
        )
        logits = hidden @ last["kernel"] + last["bias"]
        assert (logits.argmax(axis=1) == images["label"]).all()


def layers(variables):
    """The kernels and biases of the hidden and of the last layer, by their shapes."""
    found = {item["kernel"].shape: item for item in variables["params"].values()}
    return found[64, 64], found[64, 10]
