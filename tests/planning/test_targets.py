"""The files of a study as the workflow asks for them, whole or with trials left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.specs import plan_of
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.targets import StudyFiles

IN_PAIRS = {"resources.trials_per_job": 2}


@pytest.fixture
def folder(tmp_path):
    return f"{tmp_path}/results/small"


def touch(*names):
    for path in map(Path, names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def within(files, names):
    return {name.removeprefix(f"{files.folder}/") for name in names}


def test_every_artefact_of_a_study_is_a_target(tmp_path, folder):
    files = StudyFiles(plan_of(tmp_path, IN_PAIRS), folder)
    made = within(files, files.artefacts)
    assert made >= {"study.nc", "reruns.nc", "resources.nc", "reruns/choice.json", "models.json"}
    assert made >= {"diagnostics.json", "launch.json", "report.html", "summary.json"}
    assert made >= within(files, [*files.packs, *files.rerun_packs, *files.plots])
    assert len(made) == len(files.artefacts)


def test_what_only_some_studies_have_is_an_input_where_they_have_it(tmp_path, folder):
    with_test = StudyFiles(plan_of(tmp_path, {"test": {"evaluate": "best"}}), folder)
    assert with_test.if_made("test.json") == [f"{folder}/test.json"]
    assert StudyFiles(plan_of(tmp_path), folder).if_made("test.json") == []


def test_each_stage_with_a_key_has_a_stamp(tmp_path, folder):
    files = StudyFiles(plan_of(tmp_path), folder)
    assert f"{folder}/current/launch-{files.keys['launch']}" in files.stamps
    assert not [name for name in files.stamps if "/packs-" in name]


def test_of_a_study_with_missing_trials_the_packs_that_are_there_are_used(tmp_path, folder):
    plan = plan_of(tmp_path, IN_PAIRS)
    whole = StudyFiles(plan, folder)
    there, missing = whole.packs
    touch(there)
    part = StudyFiles(plan, folder, "report")
    assert part.packs == [there]
    assert missing not in part.artefacts
    assert part.left_out_of == folder
    assert whole.left_out_of == ""
    assert not set(part.stamps) & set(whole.stamps)


def test_a_study_that_lacks_nothing_is_whole_whatever_is_made_of_parts(tmp_path, folder):
    plan = plan_of(tmp_path, IN_PAIRS)
    whole = StudyFiles(plan, folder)
    touch(*whole.packs)
    part = StudyFiles(plan, folder, "decide")
    assert (part.artefacts, part.stamps) == (whole.artefacts, whole.stamps)


def test_repeats_of_a_search_are_left_out_if_some_of_them_are_missing(tmp_path, folder):
    plan = plan_of(tmp_path, IN_PAIRS | {"replicates": 2})
    whole = StudyFiles(plan, folder)
    assert whole.if_made("replicates.nc")
    first, *others = whole.replicate_packs
    touch(*others)
    part = StudyFiles(plan, folder, "report")
    assert not part.if_made("replicates.nc")
    assert not set(whole.replicate_packs) & set(part.artefacts)
    touch(first)
    assert StudyFiles(plan, folder, "report").if_made("replicates.nc")


def test_rounds_of_a_study_with_missing_trials_are_not_proposed_anew(tmp_path, folder):
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    plan = plan_of(tmp_path, {"search": search})
    stamps = [
        [Path(name).name.split("-")[0] for name in StudyFiles(plan, folder, use).stamps]
        for use in ("refuse", "report")
    ]
    assert "rounds" in stamps[0]
    assert "rounds" not in stamps[1]


def test_a_round_follows_from_what_is_known_of_its_arm_by_then(tmp_path, folder):
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    arms = {"scientific": {"activation": ["relu", "tanh"]}, "resources.trials_per_job": 4}
    files = StudyFiles(plan_of(tmp_path, {"search": search} | arms), folder)
    own = [pack.file for pack in files.plan.packs.values() if pack.arm == "activation=tanh"]
    first = files.plan.rounds["activation-tanh-1"]
    assert within(files, files.packs_before(first.id)) == set(own)
    assert files.proposals_before(first.id) == []
    assert within(files, files.packs_before("activation-tanh-2")) == {*own, *first.files}
    assert within(files, files.proposals_before("activation-tanh-2")) == {first.proposal}


@pytest.mark.parametrize(
    ("use", "name", "trains"),
    [
        ("decide", "stable/rounds/2", True),
        ("report", "stable/rounds/2", False),
        ("decide", "small", False),
    ],
)
def test_a_new_round_is_trained_where_its_procedure_goes_on(tmp_path, use, name, trains):
    plan = plan_of(tmp_path, IN_PAIRS)
    plan = Plan(replace(plan.study, name=name))
    files = StudyFiles(plan, f"{tmp_path}/results/{name}", use)
    assert (len(files.packs), files.left_out_of) == ((2, "") if trains else (0, files.folder))


def test_a_round_of_which_there_is_something_goes_on_from_that(tmp_path):
    plan = plan_of(tmp_path, IN_PAIRS)
    plan = Plan(replace(plan.study, name="stable/rounds/2"))
    folder = f"{tmp_path}/results/stable/rounds/2"
    touch(StudyFiles(plan, folder).packs[0])
    part = StudyFiles(plan, folder, "decide")
    assert (len(part.packs), part.left_out_of) == (1, folder)
