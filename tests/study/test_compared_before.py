"""A study that changes what an earlier round held fixed gets a note of what that round compared."""

import pytest

from tests.specs import changed, write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.study.caveats import caveats
from tuning_playbook.study.compared_before import cures, doubts

FIRST = changed(
    {"scientific": {"activation": ["relu", "tanh"]}, "search.trials": 16, "reruns.seeds": 5}
)

ACTIVATION = {"from": "first", "of": "best", "arm": "activation=relu"}

SECOND = changed(
    {
        "goal": "Does normalization help?",
        "scientific": {"normalization": ["none", "layer"]},
        "fixed.activation": ACTIVATION,
    },
    FIRST,
)


@pytest.fixture
def second(tmp_path):
    """Plans a study after the first one, which it takes from."""

    def plan(changes=None, first=FIRST):
        write_spec(tmp_path / "first.yaml", first)
        path = write_spec(tmp_path / "second.yaml", changed(changes or {}, SECOND))
        return plan_chain([path])["second"].plan

    return plan


def test_what_an_earlier_round_compared_without_is_named(second):
    (found,) = doubts(second().study)
    assert found.sentence == (
        "first compared activation (relu, tanh) without normalization=layer (it had "
        "normalization=none). Its conclusion, activation=relu, may not hold with it."
    )


def test_both_cures_say_what_they_cost(second):
    study = second().study
    (found,) = doubts(study)
    confirm, cross = cures(study, found)
    assert "`confirm: {arm: activation=tanh, trials: 10}`: 10 trials and 5 reruns more" in confirm
    assert "normalization: [none, layer], activation: [relu, tanh]" in cross
    assert "40 trials and 20 reruns, for 32 and 10" in cross


def test_it_comes_first_among_the_caveats_and_is_not_in_the_usual_one(second):
    first, usual, *_ = caveats(second().study)
    assert first.startswith("first compared activation")
    assert usual == (
        "Fixed by the spec: optimizer, width. The conclusion holds at these values and might not "
        "at others."
    )


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"scientific": {"dropout": [0.0]}}, FIRST),  # as it was then
        ({"fixed.activation": "relu"}, FIRST),  # nobody says that it was compared
        ({}, changed({"scientific": {"activation": ["relu"]}}, FIRST)),  # it was not compared
        ({"confirm": {"arm": "activation=tanh"}}, FIRST),  # it is compared now
    ],
    ids=["nothing new", "not taken", "not compared", "confirmed"],
)
def test_there_is_no_doubt_where_nothing_new_rests_on_a_comparison(second, changes, first):
    assert not doubts(second(changes, first).study)


def test_a_value_that_was_compared_with_all_that_is_here_is_no_mere_caveat(second):
    said = caveats(second({"scientific": {"dropout": [0.0]}}).study)
    assert (
        "activation=relu is the conclusion of first, which compared relu, tanh with all that is "
        "fixed here."
    ) in said


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"fixed.width": 32}, "without width=32 (it had width=16)"),
        ({"training.max_train_steps": 100}, "without max_train_steps=100"),
        ({"training.batch_size": 64}, "without batch_size=64 (it had batch_size=32)"),
    ],
)
def test_a_fixed_value_that_is_another_one_now_is_a_change_too(second, changes, named):
    (found,) = doubts(second(changes | {"scientific": {"dropout": [0.0]}}).study)
    assert named in found.sentence
    assert not cures(second(changes | {"scientific": {"dropout": [0.0]}}).study, found)


def test_a_range_that_was_searched_then_is_no_change(second):
    searched = changed({"nuisance.dropout": {"uniform": [0.0, 0.5]}}, FIRST)
    assert len(doubts(second({"scientific": {"dropout": [0.0, 0.2]}}, searched).study)) == 0


def test_check_says_it(second, capsys):
    path = second().study.path
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "interaction: first compared activation (relu, tanh) without normalization=layer" in said
    assert "to cross them" in said
