import pytest

from tests.specs import changed, plan_of, write_spec
from tests.study.wrong_specs import WRONG, WRONG_DESIGNS
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study


@pytest.mark.parametrize("wrong", [*WRONG, *WRONG_DESIGNS])
def test_a_wrong_spec_gets_one_message_that_says_what_and_where(tmp_path, wrong):
    given, message = (WRONG | WRONG_DESIGNS)[wrong]
    path = tmp_path / "wrong.yaml"
    if isinstance(given, str):
        path.write_text(given)
    else:
        write_spec(path, changed(given))
    with pytest.raises(TuningPlaybookError) as caught:
        plan_study(path)
    assert message in str(caught.value)
    assert all(line.startswith(str(path)) for line in str(caught.value).splitlines())


def test_an_error_names_the_line(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("goal: g\nworkload: digits_mlp\nobjective:\n  metric: a\n  mode: least\n")
    with pytest.raises(TuningPlaybookError, match=r"wrong\.yaml:5: objective\.mode: must be 'min'"):
        plan_study(path)


def test_every_error_of_shape_is_told_at_once(tmp_path):
    path = write_spec(tmp_path / "s.yaml", changed({"serach": 1, "search.trials": 0, "goal": 3}))
    with pytest.raises(TuningPlaybookError) as caught:
        plan_study(path)
    assert len(str(caught.value).splitlines()) == 3


def test_numbers_are_read_as_people_write_them(tmp_path):
    """YAML 1.1 takes 1e-3 for a text and `on` for a truth value; YAML 1.2 takes neither."""
    text = "\n".join(
        [
            "goal: on",
            "workload: digits_mlp",
            "objective: {metric: validation/loss, mode: min}",
            "training: {max_train_steps: 50, batch_size: 32, eval_every: 25}",
            "nuisance: {learning_rate: {log_uniform: [1e-3, 1e-1]}}",
            "search: {algorithm: halton, trials: 2}",
        ]
    )
    (tmp_path / "s.yaml").write_text(text)
    study = plan_study(tmp_path / "s.yaml").study
    assert study.spec.goal == "on"
    assert study.arms[0].dimensions[0].distribution.low == 0.001


def test_what_the_spec_leaves_out_takes_its_documented_default(tmp_path):
    (arm,) = plan_of(tmp_path).study.arms
    assert arm.fixed["momentum"] == 0.9
    assert arm.fixed["activation"] == "relu"
    assert {"momentum", "weight_decay", "schedule", "depth", "activation"} <= set(arm.defaulted)
    assert not {"optimizer", "width", "learning_rate"} & set(arm.defaulted)


def test_a_test_set_that_is_to_be_read_is_there(tmp_path):
    """Of the user's own workloads some have none."""
    (tmp_path / "own.py").write_text(NO_TEST_SPLIT)
    path = write_spec(
        tmp_path / "s.yaml",
        changed(
            {
                "workload": "own:Model",
                "objective.metric": "validation/loss",
                "fixed": {},
                "test.evaluate": "best",
            }
        ),
    )
    with pytest.raises(TuningPlaybookError, match=r"test\.evaluate: .* has no test split"):
        plan_study(path)


def test_a_metric_can_have_values(tmp_path):
    path = tmp_path / "s.yaml"
    declared = 'Metric("loss", "nothing", low=1.0, high=0.0)'
    (tmp_path / "reversed.py").write_text(
        NO_TEST_SPLIT.replace('Metric("loss", "nothing")', declared)
    )
    changes = {"workload": "reversed:Model", "objective.metric": "validation/loss", "fixed": {}}
    with pytest.raises(TuningPlaybookError, match="'loss' has no values from 1 to 0"):
        plan_study(write_spec(path, changed(changes)))


NO_TEST_SPLIT = """
import numpy as np
from tuning_playbook import Metric

class Model:
    hyperparameters = ()
    metrics = (Metric("loss", "nothing"),)
    init = apply = None

    def load_data(self):
        return {split: {"x": np.zeros(2)} for split in ("train", "validation")}
"""
