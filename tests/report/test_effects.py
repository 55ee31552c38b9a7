"""The table of effects of a crossed study."""

import pytest

from tests.analysis.synthetic import make_reruns, make_study
from tuning_playbook.launches.decision import decide
from tuning_playbook.report.effects import make_effects

LEVELS = {
    "a=0, b=0": 0.10,
    "a=1, b=0": 0.12,
    "a=0, b=1": 0.13,
    "a=1, b=1": 0.05,
}
"""b helps beside a=1 and harms beside a=0."""

SPREAD = (-0.002, -0.001, 0.0, 0.001, 0.002)


def effects_of(levels):
    study = make_study(arms=list(levels))
    reruns = make_reruns(
        study, {arm: [level + deviation for deviation in SPREAD] for arm, level in levels.items()}
    )
    return make_effects(study, decide(study, reruns, []).to_json())


def test_a_crossed_study_has_effects_on_average_beside_each_value_and_interactions():
    rows = {(row.effect, row.beside): row for row in effects_of(LEVELS)}
    assert list(rows) == [
        ("a=1 over 0", "on average"),
        ("a=0 over 1", "with b=0"),
        ("a=1 over 0", "with b=1"),
        ("b=1 over 0", "on average"),
        ("b=0 over 1", "with a=0"),
        ("b=1 over 0", "with a=1"),
        ("interaction of a and b", "a=0 over 1, with b=0 against 1"),
    ]
    assert rows["a=1 over 0", "on average"].difference == "0.0300"
    assert rows["b=1 over 0", "with a=1"].difference == "0.070"
    assert rows["interaction of a and b", "a=0 over 1, with b=0 against 1"].difference == "0.100"
    assert all(row.shown for row in rows.values())


def test_where_a_combination_is_missing_nothing_is_an_average():
    rows = effects_of({arm: level for arm, level in LEVELS.items() if arm != "a=1, b=0"})
    assert [(row.effect, row.beside) for row in rows] == [
        ("a=1 over 0", "with b=1"),
        ("b=0 over 1", "with a=0"),
    ]


@pytest.mark.parametrize("levels", [{"a=0": 0.1, "a=1": 0.2}, {"all trials": 0.1}], ids=str)
def test_a_study_of_one_question_has_no_such_table(levels):
    assert effects_of(levels) == ()
