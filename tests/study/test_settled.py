"""A settled spec has the values that a study takes from earlier ones, with their origins."""

import pytest

from tests.specs import changed, write_spec
from tuning_playbook.errors import ChangedDuringRunError, SpecError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.planning.settle import settle_study, settled_plan
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.settled import read_settled
from tuning_playbook.study.yaml import read_yaml

BEST = {"from": "first", "of": "best"}
TAKEN = {
    "fixed.learning_rate": BEST,
    "fixed.activation": BEST | {"arm": "all trials"},
    "nuisance": {"dropout": {"from": "first", "around": "best", "factor": 2}},
    "training.batch_size": BEST,
    "baseline": {"from": "first"},
}
VALUES = {
    "optimizer": "momentum",
    "learning_rate": 1 / 3,
    "activation": "tanh",
    "dropout": 0.1,
    "batch_size": 128,
    "weight_decay": 1e-5,
}


def result(**values):
    return EarlierResult(
        study="first",
        arm="all trials",
        trial="0123456789",
        fingerprint="0" * 64,
        commit="c0ffee",
        objective=0.1,
        workload="digits_mlp",
        values=VALUES | values,
        scales={"dropout": "linear"},
    )


def results(**values):
    return {("first", arm): result(**values) for arm in ("", "all trials")}


@pytest.fixture
def spec(tmp_path):
    return write_spec(tmp_path / "second.yaml", changed(TAKEN))


@pytest.fixture
def settled(spec, tmp_path):
    path = tmp_path / "results" / "second" / "settled.yaml"
    settle_study(spec, results(), path)
    return path


def test_a_study_planned_from_it_is_the_study_to_the_bit(spec, settled):
    assert plan_study(settled) == plan_study(spec, results())
    assert [item.trial for item in settled_plan(settled).trials] == [
        item.trial for item in plan_study(spec, results()).trials
    ]


def test_it_is_a_whole_spec_in_which_values_stand_for_references(settled):
    document, _ = read_yaml(settled, what="study spec")
    assert document["fixed"]["learning_rate"] == 1 / 3
    assert document["fixed"]["activation"] == "tanh"
    assert document["nuisance"] == {"dropout": {"uniform": [0.05, 0.2]}}
    assert document["training"]["batch_size"] == 128
    assert document["goal"] == changed({})["goal"]


def test_it_says_of_which_spec_it_is_and_where_each_value_is_from(spec, settled):
    document, _ = read_yaml(settled, what="study spec")
    about = document["settled"]
    assert about["spec"] == str(spec)
    places = {item.pop("place"): item.pop("value") for item in about["taken"]}
    assert places == {
        "fixed.learning_rate": "0.3333333333333333",
        "fixed.activation": "tanh",
        "nuisance.dropout": "uniform [0.05, 0.2]",
        "training.batch_size": "128",
        "baseline": "0123456789",
    }
    origin = {"study": "first", "arm": "all trials", "trial": "0123456789"}
    origin |= {"fingerprint": "0" * 64, "commit": "c0ffee", "batch_size": VALUES["batch_size"]}
    assert all(item == origin for item in about["taken"])


def test_the_study_has_the_name_the_place_and_the_text_of_its_own_spec(spec, settled):
    study = plan_study(settled).study
    assert (study.name, study.path, study.text) == ("second", spec, spec.read_text())


def test_the_same_results_give_the_same_bytes(spec, settled):
    before = settled.read_bytes()
    settle_study(spec, results(), settled)
    assert settled.read_bytes() == before
    settle_study(spec, results(learning_rate=0.1), settled)
    assert settled.read_bytes() != before


def test_what_a_spec_without_references_says_is_read_as_it_stands(tmp_path):
    path = write_spec(tmp_path / "small.yaml", changed({}))
    written = read_settled(path)
    assert (written.path, written.taken, written.baseline) == (path, (), None)


def test_a_spec_that_was_edited_since_then_is_told_of(spec, settled):
    spec.write_text(f"{spec.read_text()}\n# In other words.\n")
    with pytest.raises(ChangedDuringRunError, match=r"second\.yaml changed after"):
        plan_study(settled)


def test_a_mistake_is_told_with_the_line_of_the_spec_that_the_user_wrote(spec, settled):
    text = settled.read_text()
    settled.write_text(text.replace("activation: tanh", "activation: tahn"))
    line = next(n for n, row in enumerate(spec.read_text().splitlines(), 1) if "activation:" in row)
    with pytest.raises(SpecError, match=f"second.yaml:{line}: fixed.activation: "):
        plan_study(settled)


def test_nothing_is_written_of_results_that_do_not_fit(spec, tmp_path):
    file = tmp_path / "settled.yaml"
    with pytest.raises(SpecError, match=r"fixed\.activation"):
        settle_study(spec, results(activation="relv"), file)
    assert list(tmp_path.iterdir()) == [spec]
