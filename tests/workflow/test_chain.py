"""A study that builds on the result of an earlier one: the rounds of the playbook."""

import json
from types import SimpleNamespace

import pytest

from tests.specs import changed
from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.reading import load_dataset
from tuning_playbook.study.yaml import read_yaml

pytestmark = pytest.mark.workflow

BEST = {"from": "first", "of": "best"}
SECOND = IN_ONE_JOB | {
    "nuisance": {"one_minus_momentum": {"from": "first", "around": "best", "factor": 4}},
    "fixed.learning_rate": BEST,
    "baseline": {"from": "first"},
    "search.trials": 2,
    "reruns.seeds": 1,
}


def listed(*rates):
    trials = [{"learning_rate": rate} for rate in rates]
    search = {"algorithm": "list", "trials": trials}
    return IN_ONE_JOB | {"search": search, "nuisance": {}, "reruns.seeds": 1}


@in_background
def chained(workshop):
    """Two studies from nothing; then the first has another worse trial; then a better one.

    The second asks for it in other words each time.
    """
    project = workshop.new_project("chained")
    states = {}
    for name, rates in {
        "from nothing": (1e-4, 0.02),
        "the same best": (1e-4, 0.02, 2e-4),
        "another best": (1e-4, 0.02, 2e-4, 0.06),
    }.items():
        project.write_study("first", listed(*rates))
        project.write_study("second", SECOND | {"goal": f"What comes of {name}?"})
        run = project.snakemake(study="second")
        states[name] = SimpleNamespace(
            rules=run.rules,
            trained={study: run.trained(study) for study in ("first", "second")},
            retrained=run.retrained("second"),
            text=run.text,
            trials={study: project.trials(study) for study in ("first", "second")},
            settled=read_yaml(project.results / "second/settled.yaml", what="study spec")[0],
            second=load_dataset(project.results / "second/study.nc"),
            report=project.report("second"),
            again=project.plan(study="second").nothing_to_do,
        )
    return states


def rates(state):
    return set(state.second["hp_learning_rate"].to_numpy().tolist())


def taken(state):
    return {
        item["place"]: item for item in json.loads(state.second.attrs["taken_from_earlier_studies"])
    }


def test_one_call_runs_both_studies_from_nothing(chained):
    state = chained["from nothing"]
    for study, count in (("first", 2), ("second", 2)):
        assert len(state.trials[study]) == count
        assert state.trained[study] == set(state.trials[study])
    assert rates(state) == {0.02}


@pytest.mark.parametrize("name", ["from nothing", "the same best", "another best"])
def test_afterwards_nothing_is_to_be_done(chained, name):
    assert chained[name].again


def test_a_change_of_the_first_study_that_leaves_its_best_trains_nothing_of_the_second(chained):
    state = chained["the same best"]
    assert len(state.trained["first"]) == 1
    assert not state.trained["second"]
    assert not state.retrained
    assert state.trials["second"] == chained["from nothing"].trials["second"]


def test_other_words_of_a_study_that_takes_from_an_earlier_one_are_reported(chained):
    for name in ("from nothing", "the same best"):
        assert f"What comes of {name}?" in chained[name].report


def test_a_change_of_its_best_trains_what_builds_on_it(chained):
    before, after = chained["the same best"], chained["another best"]
    assert rates(after) == {0.06}
    assert after.trained["second"] == set(after.trials["second"])
    assert not set(after.trials["second"]) & set(before.trials["second"])


def test_where_values_are_from_stands_in_the_dataset_and_in_the_report(chained):
    state = chained["another best"]
    best = state.trials["first"][3]
    places = taken(state)
    assert set(places) == {"fixed.learning_rate", "nuisance.one_minus_momentum", "baseline"}
    for item in places.values():
        assert (item["study"], item["trial"]) == ("first", best)
        assert item["fingerprint"].startswith(best)
        assert "commit" in item
    assert places["fixed.learning_rate"]["value"] == "0.06"
    assert places["nuisance.one_minus_momentum"]["value"] == "log_uniform [0.025, 0.4]"
    assert "Taken from earlier studies" in state.report
    assert best in state.report


def test_the_settled_spec_is_the_whole_spec_with_the_same_origins(chained):
    state = chained["another best"]
    about = state.settled.pop("settled")
    assert {item["place"]: item for item in about["taken"]} == taken(state)
    assert state.settled.keys() == changed(SECOND).keys() - {"baseline"}
    assert state.settled["fixed"]["learning_rate"] == 0.06


@in_background
def foreseen(workshop):
    """A dry run of a second study of which only the first is trained; then the whole of it."""
    project = workshop.new_project("foreseen")
    project.write_study("first", listed(1e-4, 0.02))
    project.write_study("second", SECOND)
    before = project.plan(study="second")
    project.snakemake(study="first")
    dry = project.plan(study="second")
    settled = (project.results / "second/settled.yaml").exists()
    project.write_study("first", listed(1e-4, 0.02, 2e-4))
    changed_first = project.plan(study="second")
    project.write_study("first", listed(1e-4, 0.02))
    run = project.snakemake(study="second")
    return SimpleNamespace(
        before=before, dry=dry, settled=settled, changed_first=changed_first, run=run
    )


def test_a_dry_run_shows_the_values_of_results_that_are_there(foreseen):
    assert "fixed.learning_rate is 0.02, from first: " in foreseen.dry.text
    assert "fixed.learning_rate comes from first, whose result is not known" in foreseen.before.text
    assert "fixed.learning_rate is" not in foreseen.before.text
    assert "(first changed since then, and runs again)" in foreseen.changed_first.text


def test_a_dry_run_shows_the_jobs_that_follow_from_results_that_are_there(foreseen):
    planned = foreseen.dry.rules
    assert not foreseen.settled
    # Of the first study nothing is to be done; of the second all.
    expected = {"settle_study": 1, "train_pack": 1, "collect_study": 1, "train_reruns": 2}
    assert planned.items() >= expected.items()
    assert len(foreseen.run.trained("second")) == 2
    # With another first study they are not known: what is planned is the first one's own.
    assert "settle_study" in foreseen.changed_first.rules
    assert foreseen.changed_first.rules["train_reruns"] == 1


@in_background
def without_result(workshop):
    """A study that takes from one of which no trial is feasible."""
    project = workshop.new_project("without_result")
    project.write_study("first", listed(1e30))
    project.write_study("second", SECOND)
    return project.run("--cores", 2, "--config", "study=second")


def test_an_earlier_study_without_a_feasible_trial_is_said_in_one_message(without_result):
    assert without_result.status != 0
    assert "no trial of the study 'first' is feasible" in without_result.text
    assert "Traceback" not in without_result.text


@in_background
def variance_from_the_first(workshop):
    """A study with one rerun of each, and the trial variance that five of an earlier one showed."""
    project = workshop.new_project("variance_from_the_first")
    project.write_study("first", listed(0.02) | {"reruns.seeds": 5})
    given = {"reruns": {"seeds": 1, "variance": {"from": "first"}}, "baseline": {"from": "first"}}
    project.write_study("second", listed(0.01) | given)
    run = project.snakemake(study="second")
    return SimpleNamespace(
        text=run.text,
        measured=load_dataset(project.results / "first/reruns.nc"),
        given=load_dataset(project.results / "second/reruns.nc").attrs,
        launch=json.loads((project.results / "second/launch.json").read_text()),
        report=project.report("second"),
        again=project.plan(study="second").nothing_to_do,
    )


def test_one_rerun_decides_where_the_trial_variance_is_known_before(variance_from_the_first):
    state = variance_from_the_first
    deviation = state.measured["objective"].values.std(ddof=1)
    assert (state.given["known_deviation"], state.given["known_degrees"]) == (
        pytest.approx(deviation),
        4,
    )
    assert state.given["known_from"] == "first"
    found = state.launch["difference"]
    assert "an earlier study measured" in found["method"]
    assert found["low"] < found["improvement"] < found["high"]
    assert state.launch["decision"] in ("reject", "provisional")
    assert "rest on the trial variance of the study first" in state.report
    assert state.again
