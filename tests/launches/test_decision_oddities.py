"""Decisions on inputs that nobody meant: each must be told for what it is."""

import json

import numpy as np
import pytest

from tests.analysis.synthetic import make_reruns, make_study
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.compare_lists import compare_lists
from tuning_playbook.launches.decision import decide
from tuning_playbook.study.simplicity import Simplicity

S = 0.001 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
OFF, OTHER = Simplicity((0, 0.0), ("x=0 leaves it out",)), Simplicity((1, 3.0), ())
SIMPLE = {"x=0": OFF, "x=1": OTHER, "x=2": OTHER}
SECOND_BEST = {"x=0": 0.0, "x=1": -0.05, "x=2": 0.05}


def decided(settings, values, baseline=None, findings=(), **options):
    """The decision on arms of some settings, with some reruns."""
    arms = [", ".join(f"{name}={value}" for name, value in item.items()) for item in settings]
    study = make_study(arms=arms, trials=3, effect=lambda arm, _at: SECOND_BEST.get(arm, 0.0))
    study.attrs["arm_settings"] = json.dumps(settings)
    objectives = {arm: list(of) for arm, of in zip(arms, values, strict=True) if of is not None}
    if baseline is not None:
        objectives["baseline"] = list(baseline)
    launch = decide(study, make_reruns(study, objectives), findings, **options)
    json.dumps(launch.to_json(), allow_nan=False)
    return launch


def x(*values):
    return [{"x": value} for value in values]


def write(path, values, first=1):
    rows = [f"{seed},{value!r}" for seed, value in enumerate(values, first)]
    path.write_text("\n".join(["seed,objective", *rows]) + "\n")
    return path


@pytest.mark.filterwarnings("error")
def test_a_value_too_large_to_be_squared_decides_nothing(tmp_path):
    big = write(tmp_path / "big.csv", [1e160, 0.21, 0.19, 0.205, 0.195], 11)
    good = write(tmp_path / "good.csv", (0.25 + S).tolist())
    assert compare_lists(good, big, mode="min").decision == "provisional"
    json.dumps(compare_lists(good, big, mode="min").to_json(), allow_nan=False)


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1.0, 1e9])
def test_the_unit_of_the_objective_changes_nothing(tmp_path, size):
    new = write(tmp_path / "new.csv", (size * (0.05 + S)).tolist())
    old = write(tmp_path / "old.csv", (size * (0.10 + 1.5 * S)).tolist(), 11)
    assert compare_lists(new, old, mode="min").decision == "adopt"


def test_rounding_is_no_variance(tmp_path):
    rounded = write(tmp_path / "new.csv", [0.3, 0.3, 0.3, 0.3, 0.30000000000000004])
    equal = write(tmp_path / "old.csv", [0.31] * 5, 11)
    assert compare_lists(rounded, equal, mode="min").decision == "provisional"
    launch = decided(x(0, 1), [[0.1] * 5, [0.1] * 6], 0.2 + S, simple=SIMPLE)
    assert (launch.candidate.arm, launch.rivals) == ("x=0", ())


def test_a_baseline_far_worse_than_chance_is_no_incumbent():
    numbers = {"chance": 0.9, "least_gain": 0.2}
    chance = Finding("beats_chance", "?", "ok", "", numbers=numbers)
    launch = decided(x(0), [0.85 + S], 2.5 + S, [chance])
    assert launch.decision == "provisional"
    assert "worse than chance (0.9)" in launch.reasons[0]


def test_a_simpler_arm_within_the_margin_is_not_passed_over():
    launch = decided(x(0, 1), [0.104 + S, 0.1 + S], 0.2 + S, min_improvement=0.01, simple=SIMPLE)
    assert launch.answer.questions[0].verdict == "practically the same"
    assert (launch.candidate.arm, launch.passed_over) == ("x=0", ())


def test_the_one_arm_with_reruns_enough_is_the_candidate():
    launch = decided(x(0, 1), [0.1 + S, [0.1] * 4], 0.2 + S, simple=SIMPLE)
    assert (launch.decision, launch.candidate.arm) == ("adopt", "x=0")
    launch = decided(x(0, 1), [[0.1] * 4, 0.1 + S], 0.2 + S, simple=SIMPLE)
    assert (launch.candidate.arm, launch.passed_over) == ("x=1", ("x=0",))


def test_arms_that_go_round_in_a_circle_have_no_best():
    cells = [(1, 1), (2, 1), (1, 2), (3, 2), (2, 3), (3, 3)]
    means = [0.1, 0.2, 0.2, 0.1, 0.1, 0.2]
    settings = [{"a": a, "b": b} for a, b in cells]
    launch = decided(settings, [mean + S for mean in means])
    assert "none is the best everywhere" in launch.answer.questions[0].sentence


def test_confounded_hyperparameters_are_answered_by_the_arms():
    settings = [{"a": 1, "b": 1}, {"a": 2, "b": 2}]
    launch = decided(settings, [0.1 + S, 0.3 + S])
    of_a, of_b, of_arms = launch.answer.questions
    assert (of_a.verdict, of_b.verdict, of_arms.verdict) == (
        "cannot tell",
        "cannot tell",
        "differs",
    )
    assert "beside the same values of the others" in of_a.sentence
    assert launch.answer.sentence == of_arms.sentence


def test_a_value_that_stands_beside_nothing_else_is_not_called_the_same():
    settings = [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2}]
    launch = decided(settings, [0.1 + S, 0.1 + S, 0.5 + S], min_improvement=0.02)
    of_a = launch.answer.questions[0]
    assert set(of_a.best) == {"a=1", "a=2"}
    assert "not compared: a=3" in of_a.sentence


def test_what_a_third_hyperparameter_does_is_no_interaction():
    cells = [(1, 1, 0), (2, 1, 0), (1, 2, 0), (2, 2, 1)]
    settings = [{"a": a, "b": b, "c": c} for a, b, c in cells]
    launch = decided(settings, [0.2 + S, 0.2 + S, 0.2 + S, 0.1 + S])
    assert [item["hyperparameters"] for item in launch.answer.interactions] == []


def test_more_reruns_of_the_shorter_list_settle_it(tmp_path):
    random = np.random.default_rng(0)
    new = write(tmp_path / "new.csv", (0.0992 + 0.001 * random.normal(size=5)).tolist())
    old = write(tmp_path / "old.csv", (0.1 + 0.001 * random.normal(size=300)).tolist(), 1000)
    found = compare_lists(new, old, mode="min")
    assert found.decision == "provisional" or found.evidence.difference.needed_reruns < 60
    if found.more_reruns is not None:
        assert found.more_reruns < 200


def test_more_reruns_do_not_mend_an_unreliable_candidate(tmp_path):
    new = write(tmp_path / "new.csv", [*(0.09 + S).tolist(), float("nan")])
    old = write(tmp_path / "old.csv", (0.1 + S).tolist(), 11)
    assert compare_lists(new, old, mode="min").more_reruns is None


WRONG = {
    "decimal commas": ("seed,objective\n1,0,50\n", "more cells than the first row"),
    "a column twice": ("seed,objective,objective\n1,0.1,9\n", "two columns are named 'objective'"),
    "an underscore": ("seed,objective\n1_0,0.1\n", "the seed '1_0' is no whole number"),
}


@pytest.mark.parametrize("what", WRONG)
def test_tables_that_would_be_misread_are_refused(tmp_path, what):
    content, message = WRONG[what]
    (tmp_path / "wrong.csv").write_text(content)
    with pytest.raises(ArtefactError) as raised:
        compare_lists(tmp_path / "wrong.csv", tmp_path / "wrong.csv", mode="min")
    assert message in str(raised.value)
