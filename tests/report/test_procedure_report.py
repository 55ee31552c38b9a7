"""The report of a procedure: its table shows what differs between the trials."""

from tuning_playbook.procedures.conclude import conclusion_dataset, conclusion_json
from tuning_playbook.procedures.procedure_history import Conclusion, FinishedRound, History, Outcome
from tuning_playbook.report.procedure_report import _taken, render_procedure
from tuning_playbook.study.steps_to_fit_settings import StepsToFitSettings

DOCUMENT = {
    "goal": "How many steps?",
    "workload": "digits_mlp",
    "objective": {"metric": "train/error_rate", "mode": "min", "target": 0.0},
    "training": {"max_train_steps": 100, "eval_every": 10},
}


def report(*trials, values):
    outcomes = tuple(
        Outcome(f"{number:010}", given, loss, censored=censored)
        for number, (given, loss, censored) in enumerate(trials)
    )
    history = History(
        DOCUMENT,
        StepsToFitSettings(name="steps_to_fit"),
        (FinishedRound("sweep", DOCUMENT, outcomes),),
    )
    conclusion = Conclusion("found", values, "It is found.", "Use it.", {})
    return render_procedure(
        "fit",
        conclusion_json("fit", history, conclusion),
        conclusion_dataset(history, conclusion),
        plots={},
        next_study="goal: Next\n",
    )


ADAM = {"optimizer": "adam", "learning_rate": 0.1, "b1": 0.9, "one_minus_b1": 0.1, "width": 16}
SGD = {"optimizer": "sgd", "learning_rate": 0.2, "width": 16}


def test_a_column_is_there_for_every_hyperparameter_that_differs():
    text = report((ADAM, 50.0, False), (SGD, 60.0, False), values={"learning_rate": 0.1})
    head = text.partition('<h2 id="trials-heading">')[2].partition("</thead>")[0]
    assert ">learning_<wbr>rate</th>" in head
    assert ">optimizer</th>" in head
    # What one trial alone has, or all have alike, tells nothing.
    assert not any(name in head for name in ("b1", "width"))
    assert '<td class="number">sgd</td>' in text


def test_a_trial_that_did_not_reach_the_target_has_no_steps():
    text = report((ADAM, 110.0, True), values={"learning_rate": None})
    assert "not reached" in text
    assert ">110<" not in text


def test_a_later_study_gives_a_value_to_what_it_is_of():
    steps = report((ADAM, 50.0, False), values={"max_train_steps": 50})
    assert "<code>max_train_steps: {from: fit, of: max_train_steps}</code>" in steps
    rate = report((ADAM, 50.0, False), values={"unstable_rate": 0.5})
    assert "<code>learning_rate: {from: fit, of: unstable_rate}</code>" in rate


def test_what_a_procedure_did_not_find_is_not_recommended():
    values = {"critical_batch_size": 64.0, "fastest": 64}
    assert _taken("batch_scaling", values) == ("batch_size", "fastest")
    none = values | {"fastest": None}
    assert _taken("batch_scaling", none) == ("critical_batch_size", "critical_batch_size")
