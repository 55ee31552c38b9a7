"""Finished trials that ended before the others, or before they were to end."""

import pytest

from tests.sources.algoperf import datasets
from tests.sources.finished import SPEC
from tests.specs import changed, write_spec
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study.caveats import caveats
from tuning_playbook.study.early_ends import early_ends


def write(folder, steps, changes=None, column="", rates=None):
    """Write trials that were evaluated at these steps, by name; a NaN stands for a divergence."""
    trials = [f"trial,learning_rate{',' + column if column else ''}"]
    measured = ["trial,step,validation/error"]
    for number, (name, (evaluated, told)) in enumerate(steps.items()):
        rate = 0.1 / (number + 1)
        trials.append(f"{name},{rate}" + (f",{told}" if column else ""))
        for step in evaluated:
            value = 1 / (1 + abs(step)) if step >= 0 else "nan"
            measured.append(f"{name},{abs(step)},{value}")
    (folder / "trials.csv").write_text("\n".join(trials) + "\n")
    (folder / "measurements.csv").write_text("\n".join(measured) + "\n")
    return write_spec(folder / "s.yaml", changed(changes or {}, SPEC))


def ended(folder, changes=None, column="", **steps):
    listed = {name: given if column else (given, "") for name, given in steps.items()}
    return early_ends(plan_study(write(folder, listed, changes, column)).study)


WHOLE = range(0, 101, 10)


def test_a_log_that_ends_before_the_others_is_named(tmp_path):
    found = ended(tmp_path, a=WHOLE, b=range(0, 51, 10), c=range(0, 91, 10), d=WHOLE)
    assert found == {"b": "ended at step 50 of 100", "c": "ended at step 90 of 100"}


def test_trials_of_two_lengths_are_named(tmp_path):
    assert ended(tmp_path, a=WHOLE, b=[50], c=[100]) == {"b": "ended at step 50 of 100"}


def test_trials_that_end_together_are_not(tmp_path):
    assert ended(tmp_path, a=WHOLE, b=WHOLE, c=[100]) == {}


def test_a_divergence_has_a_reason_of_its_own(tmp_path):
    assert ended(tmp_path, a=WHOLE, b=[0, 10, -20]) == {}


def test_steps_of_ones_own_may_end_a_little_apart(tmp_path):
    """As where every trial is evaluated after equal times, and stopped after the same time."""
    found = ended(tmp_path, a=[0, 33, 66, 100], b=[0, 32, 64, 96], c=[0, 31, 60, 90])
    assert found == {"c": "ended at step 90 of 100"}


@pytest.mark.parametrize(
    ("last", "expected"), [(200, {}), (190, {"a": "ended at step 190 of 200"})]
)
def test_all_trials_that_end_before_the_steps_of_the_spec_are_named(tmp_path, last, expected):
    training = {"training": {"max_train_steps": 200, "eval_every": 10}}
    assert ended(tmp_path, training, a=range(0, last + 1, 10)) == expected


def test_a_trial_is_held_against_the_steps_of_its_own(tmp_path):
    found = ended(
        tmp_path,
        column="max_train_steps",
        a=(WHOLE, 100),
        b=(range(0, 51, 10), 50),
        c=(range(0, 31, 10), 50),
    )
    assert found == {"c": "ended at step 30 of 50"}


def test_the_dataset_and_the_caveats_say_so(tmp_path):
    path = write(tmp_path, {"a": (WHOLE, ""), "b": (range(0, 51, 10), "")})
    study = datasets(path).study
    assert study["ended_early"].values.tolist() == ["", "ended at step 50 of 100"]
    assert study["max_train_steps"].values.tolist() == [100, 50]
    (said,) = [text for text in caveats(plan_study(path).study) if "fewer steps" in text]
    assert said.startswith("1 of 2 trials trained for fewer steps than they might have: b (")


def test_of_many_the_caveat_names_five(tmp_path):
    steps = {f"t{number}": (range(0, 51, 10), "") for number in range(8)} | {"whole": (WHOLE, "")}
    (said,) = [
        text for text in caveats(plan_study(write(tmp_path, steps)).study) if "fewer steps" in text
    ]
    assert said.startswith("8 of 9 trials")
    assert said.count("(ended at step") == 5
    assert "and 3 more" in said


def test_without_any_nothing_is_said(tmp_path):
    path = write(tmp_path, {"a": (WHOLE, ""), "b": (WHOLE, "")})
    assert "ended_early" not in datasets(path).study
    assert not [text for text in caveats(plan_study(path).study) if "fewer steps" in text]
