"""The report of a procedure: what its conclusion lists, and a column of all that varies."""

from tests.procedures.simulated import quadratic, run
from tuning_playbook.procedures.conclude import conclusion_dataset, conclusion_json
from tuning_playbook.report.procedure_report import render_procedure
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings

DOCUMENT = {
    "goal": "Does short training tell?",
    "workload": "quadratic",
    "objective": {"metric": "validation/loss", "mode": "min"},
    "training": {"max_train_steps": 60, "batch_size": 64, "eval_every": 10},
    "fixed": {
        **{"optimizer": "sgd", "schedule": "linear", "end_factor": 0.0},
        **{"hold_steps": 0, "decay_steps": 0},
    },
    "nuisance": {"learning_rate": {"log_uniform": [0.002, 0.05]}},
    "search": {"algorithm": "grid", "points": 6},
}


def report():
    settings = LongerTrainingSettings(name="longer_training", trials=5)
    conclusion, history = run(DOCUMENT, settings, quadratic([10.0, 0.3]))
    return render_procedure(
        "longer",
        conclusion_json("longer", history, conclusion),
        conclusion_dataset(history, conclusion),
        plots={},
        next_study="goal: Which is the best?",
    )


def test_it_lists_what_transfers_and_shows_what_varies():
    text = report()
    assert "<h3>Expected to transfer to longer training</h3>" in text
    assert "(here: learning_rate)" in text
    heads = text.split('aria-label="Trials"')[1].split("</thead>")[0].replace("<wbr>", "")
    assert [name for name in ("learning_rate", "hold_steps", "decay_steps") if name in heads] == [
        *("learning_rate", "hold_steps", "decay_steps"),
    ]
    assert "place" in heads
    assert "end_factor" not in heads  # it is the same in every trial


def test_the_example_takes_a_value_where_it_fits():
    assert "max_train_steps: {from: longer, of: max_train_steps}" in report()
