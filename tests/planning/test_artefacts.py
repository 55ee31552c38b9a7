"""The table of artefacts: which files a study has, of what each is made, and what decides it."""

import re
from pathlib import Path

import pytest

from tests.specs import changed, plan_of, write_spec
from tuning_playbook.planning.artefacts import (
    ARTEFACTS,
    PACKAGE,
    SETTLED,
    building_on,
    jobs_of,
    keys_of,
    stages_of,
)
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study.origin import EarlierResult

WORKFLOW = Path(__file__).parents[2] / "workflow"
RULES = "".join(path.read_text() for path in sorted((WORKFLOW / "rules").glob("*.smk")))

ALL_OF_IT = {
    "replicates": 2,
    "reruns": {"seeds": 2, "back": 2},
    "baseline": {"from": "first"},
    "test": {"evaluate": "best"},
    "final": {"fold_validation": True},
}
"""A study that has every optional stage but rounds, which no repeats of the search go with."""


@pytest.fixture
def whole(tmp_path):
    values = {"optimizer": "momentum", "batch_size": 64}
    result = EarlierResult(
        "first", "all trials", "0123456789", "0" * 64, "", 0.1, "digits_mlp", values, {}
    )
    path = write_spec(tmp_path / "small.yaml", changed(ALL_OF_IT))
    return plan_study(path, {("first", ""): result})


@pytest.fixture
def in_rounds(tmp_path):
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    return plan_of(tmp_path, {"search": search})


def names(plan):
    return {stage.name for stage in stages_of(plan)}


def made(plan):
    return [name for _, job in jobs_of(plan, stages_of(plan)) for name in job.made]


def test_a_study_has_the_stages_that_its_spec_asks_for(tmp_path, whole, in_rounds):
    usual = names(plan_of(tmp_path))
    optional = {"settled", "rounds", "replicates", "set_back", "test", "final"}
    assert usual == {stage.name for stage in ARTEFACTS} - optional
    assert names(whole) == usual | optional - {"rounds"}
    assert names(in_rounds) == usual | {"rounds"}


def test_every_rule_of_the_table_is_one_of_the_workflow():
    known = set(re.findall(r"^(?:rule|checkpoint) (\w+):", RULES, re.MULTILINE))
    assert {step.rule for stage in ARTEFACTS for step in stage.steps} <= known


@pytest.mark.parametrize("plan", ["whole", "in_rounds"])
def test_no_two_jobs_make_one_file_and_every_input_is_made_before(plan, request):
    plan = request.getfixturevalue(plan)
    before = set()
    for step, job in jobs_of(plan, stages_of(plan)):
        assert not before & set(job.made), step.rule
        before |= set(job.made)
    for _, job in jobs_of(plan, stages_of(plan)):
        assert set(job.of) <= before


def test_a_job_is_not_told_to_be_made_of_what_a_study_does_not_have(tmp_path, whole):
    def inputs(plan, rule):
        (found,) = [job.of for step, job in jobs_of(plan, stages_of(plan)) if step.rule == rule]
        return set(found)

    usual = plan_of(tmp_path, {}, "usual")
    only_here = {"replicates.nc", "set_back.nc", "set_back.json", "test.json", "final/final.json"}
    assert inputs(whole, "report_study") - inputs(usual, "report_study") == only_here
    assert inputs(whole, "decide_launch") - inputs(usual, "decide_launch") == {"replicates.nc"}


def test_what_a_study_takes_from_earlier_ones_is_an_artefact_of_it(tmp_path, whole):
    assert SETTLED in made(whole)
    assert SETTLED not in made(plan_of(tmp_path, {}, "usual"))


def test_a_stage_builds_on_stages_before_it_that_have_keys():
    before = set()
    for stage in ARTEFACTS:
        assert set(stage.builds_on) <= before
        if stage.decided_by is not None:
            before.add(stage.name)


def test_what_follows_from_a_stage_is_told_by_what_each_builds_on():
    assert building_on("launch") == {"launch", "next", "set_back", "test", "final", "report"}
    assert building_on("report") == {"report"}


def test_the_code_that_decides_a_stage_is_there():
    assert all((PACKAGE / place).exists() for stage in ARTEFACTS for place in stage.code)


WORDS = {"next", "report"}
"""What every word of a spec decides."""

DECISION = {"launch", "set_back", "test", "final"}


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"notes": "In other words."}, WORDS),
        ({"checklist": {"beats_chance": {"share": 0.9}}}, {"diagnostics", *DECISION, *WORDS}),
        ({"isolation.slices": 3}, {"plots", *DECISION, *WORDS}),
        ({"reruns.seeds": 7}, {"reruns", "plots", *DECISION, *WORDS}),
        ({"launch.min_improvement": 0.1}, DECISION | WORDS),
    ],
)
def test_a_change_of_the_spec_makes_stale_what_it_decides_and_what_builds_on_that(
    tmp_path, changes, stale
):
    before, after = keys_of(plan_of(tmp_path)), keys_of(plan_of(tmp_path, changes))
    assert {stage for stage in before if before[stage] != after[stage]} == stale


def test_other_trials_make_every_stage_another(tmp_path):
    before, after = keys_of(plan_of(tmp_path)), keys_of(plan_of(tmp_path, {"training.seed": 1}))
    assert not set(before.values()) & set(after.values())
