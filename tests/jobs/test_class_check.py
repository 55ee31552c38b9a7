"""A wrong class is refused before anything trains, with all that is wrong in one message."""

import dataclasses

import grain
import jax
import pytest

from tests.jobs.wrong_classes import (
    RIGHT,
    WRONG,
    NoScales,
    Predicts,
    Right,
    TracedBranch,
    TracedShape,
)
from tests.specs import plan_of
from tuning_playbook import Metric
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.class_check import ClassSignature, all_mistakes, default_signature
from tuning_playbook.jobs.load_workload import data_mistakes, declaration_mistakes, read_data
from tuning_playbook.planning.class_signatures import check_class, class_signatures


def mistakes_of(kind, batch_size=30):
    """Return all that is said of a class, of its data and of its methods."""
    workload = kind()
    splits = read_data(kind.__name__, workload)
    found = [*declaration_mistakes(workload), *data_mistakes(workload, splits)]
    makes = [name for name in ("optimizer", "schedule", "decay_mask") if hasattr(workload, name)]
    signature = dataclasses.replace(default_signature(workload, batch_size), makes=makes)
    return found or all_mistakes(workload, splits, [signature])


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
def test_a_wrong_class_is_told_what_came_what_is_expected_and_what_to_do(kind):
    (mistake,) = mistakes_of(kind)
    for part in WRONG[kind]:
        assert part in mistake


@pytest.mark.parametrize("kind", RIGHT, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("batch_size", [1, 30, 35, 90])
def test_a_right_class_is_told_nothing(kind, batch_size):
    assert mistakes_of(kind, batch_size) == []


def test_a_dataset_of_another_library_as_a_split_is_named_with_what_to_do():
    class OfGrain(Right):
        def load_data(self):
            return super().load_data() | {"train": grain.MapDataset.range(90)}

    said = r"type \w+ as split 'train'; .*define train_batches\(seed, step, batch_size\)"
    with pytest.raises(WorkloadError, match=said):
        read_data("OfGrain", OfGrain())


def test_all_mistakes_of_a_class_are_told_at_once():
    class Many(TracedShape, TracedBranch):
        def apply(self, *args, **kwargs):
            metrics, _ = super().apply(*args, **kwargs)
            return {"eror": metrics["error"].mean()}, {"stats": {}}

        def predict(self, variables, batch, *, hyperparameters):
            return batch["x"].sum()

    Many.init = TracedShape.init
    found = "\n".join(mistakes_of(Many))
    for part in ("'units'", "'scale'", "'loss'", "'error'", "'eror'", "'stats'", "predict"):
        assert part in found


def test_a_mistake_of_some_configurations_names_them():
    class OfOneKind(Right):
        def apply(self, *args, hyperparameters, **kwargs):
            found = super().apply(*args, hyperparameters=hyperparameters, **kwargs)
            return found if hyperparameters["width"] < 16 else found[0]

    workload = OfOneKind()
    signatures = [
        ClassSignature({"width": width, "scale": 1.0}, ("scale",), 30) for width in (8, 16)
    ]
    (mistake,) = all_mistakes(workload, workload.load_data(), signatures)
    assert mistake.endswith("(where width=16)")


def test_a_configuration_that_cannot_run_is_no_mistake():
    workload = NoScales()
    with pytest.raises(Exception, match="multiple of 3"):
        workload.init(jax.random.key(0), {"width": 8})
    assert mistakes_of(NoScales) == []


def test_what_is_wrong_with_declarations_is_told_with_what_is_wrong_with_methods():
    class Declared(Predicts):
        hyperparameters = (*Right.hyperparameters, *Right.hyperparameters)
        metrics = Right.metrics[1:]

    found = declaration_mistakes(Declared())
    assert "the hyperparameter 'width' is declared twice" in found
    assert "it has no metric 'loss', which training minimises" in found


def test_a_metric_of_a_whole_split_needs_two_methods():
    class Without(Right):
        metrics = (*Right.metrics, Metric("auc", "area", whole=True))

    predict, summarize = mistakes_of(Without)
    assert "no 'predict'" in predict
    assert "no 'summarize'" in summarize


OWN = '''
from tests.jobs.wrong_classes import Right as Imported, ScalarMetric

class Right(Imported):
    """One that is right."""

class Wrong(ScalarMetric):
    """One that is wrong."""
    def init(self, key, hyperparameters):
        print("a line of output that is no answer")
        return {"w": 0}
'''


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own_class.py").write_text(OWN)

    def plan(kind, **changes):
        own = {"workload": f"own_class:{kind}", "objective.metric": "validation/error"}
        return plan_of(tmp_path, {**own, "fixed": {"optimizer": "sgd"}, **changes})

    return plan


def test_a_study_is_checked_under_each_of_its_static_signatures(plan):
    study = plan("Right", scientific={"width": [8, 16]})
    found = class_signatures(study)
    assert [item["values"]["width"] for item in found] == [8, 16]
    assert {tuple(item["traced"]) for item in found} == {("scale",)}
    assert {item["batch_size"] for item in found} == {32}


def test_a_study_with_a_wrong_class_is_refused_with_its_place_and_a_right_one_is_not(plan):
    check_class(plan("Right"))
    with pytest.raises(WorkloadError) as refused:
        check_class(plan("Wrong"))
    assert "small.yaml:" in str(refused.value)
    assert "workload 'own_class:Wrong': init returns 'w' and no 'params'" in str(refused.value)
    assert "Traceback" not in str(refused.value)
