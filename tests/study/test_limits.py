"""The limits of a spec, and the ways to write whole numbers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.specs import plan_of
from tuning_playbook.errors import SpecError
from tuning_playbook.study.limits import MOST_TRIALS, Again, Steps
from tuning_playbook.study.schema import json_schema


@pytest.mark.parametrize("written", [100, 1e2])
def test_a_whole_number_may_be_written_as_a_real_one(written):
    found = TypeAdapter(Steps).validate_python(written)
    assert (found, type(found)) == (100, int)


@pytest.mark.parametrize("wrong", [1.5, True, "100", 0, -1])
def test_nothing_else_is_a_number_of_steps(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(Steps).validate_python(wrong)


def test_a_limit_may_be_reached():
    assert TypeAdapter(Again).validate_python(1000) == 1000


def test_the_schema_tells_each_limit_with_its_reason():
    again = json_schema()["$defs"]["Reruns"]["properties"]["seeds"]
    assert again["maximum"] == 1000
    assert again["$comment"].startswith("at most 1,000: each trains every arm once more")


@pytest.mark.parametrize(
    "changes",
    [
        {"search.trials": MOST_TRIALS, "replicates": 1},
        {"search.trials": 60_000, "scientific": {"activation": ["relu", "gelu"]}},
        {
            "search": {"algorithm": "grid", "points": 400},
            "nuisance.weight_decay": {"log_uniform": [1.0e-6, 1.0e-2]},
        },
    ],
)
def test_a_study_of_too_many_trials_is_refused_before_any_is_made(changes, tmp_path):
    with pytest.raises(SpecError, match=r"are more than the 100,000 of a study"):
        plan_of(tmp_path, changes)
