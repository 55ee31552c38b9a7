"""The best trial of a study, as a later study takes it."""

import json

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tests.engine.quadratic import make_trial
from tests.procedures.probes import probe
from tests.trials.records import trial_json_of
from tuning_playbook.analysis.best_result import best_result, best_results, conclusion_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.trial_json import write_trial_json


def only(arm):
    """Feasible trials in one arm alone."""
    return lambda where, _: "" if where == arm else "diverged"


def study_of(**options):
    study = make_study(**options)
    if "fingerprint" not in study:
        study["fingerprint"] = ("trial", study["trial"].values)
    return study.assign_attrs(study="first", workload="digits_mlp")


def test_it_is_the_best_of_all_arms_or_of_the_one_that_is_named():
    study = study_of(effect=lambda arm, _: 0.1 if arm == ADAM else 0.0)
    objective, arms = study["objective"].to_numpy(), study["arm"].to_numpy()
    overall = best_result(study)
    assert (overall.study, overall.arm) == ("first", NESTEROV)
    assert overall.objective == objective.min()
    assert overall.trial == study["trial"].to_numpy()[objective.argmin()]
    assert best_result(study, ADAM).objective == objective[arms == ADAM].min()


def test_it_has_what_exists_in_its_arm_and_nothing_else():
    study = study_of()
    result = best_result(study, ADAM)
    place = int(np.flatnonzero(study["trial"].to_numpy() == result.trial)[0])
    assert result.values["learning_rate"] == study["hp_learning_rate"].to_numpy()[place]
    assert "one_minus_momentum" not in result.values
    assert result.scales == {"weight_decay": "log", "learning_rate": "log"}


def test_truth_values_are_truth_values_again():
    study = study_of()
    study["hp_bias"] = ("trial", np.array(["true"] * study.sizes["trial"], dtype=object))
    assert best_result(study).values["bias"] is True


@pytest.mark.parametrize(("arm", "where"), [("", ""), (ADAM, f" in the arm '{ADAM}'")])
def test_without_a_feasible_trial_there_is_nothing_to_take(arm, where):
    study = study_of(reason=only(NESTEROV if arm else "none"))
    with pytest.raises(ArtefactError, match=f"no trial of the study 'first'{where} is feasible"):
        best_result(study, arm)


def test_results_are_read_from_the_folders_of_the_earlier_studies(tmp_path):
    for name in ("first", "other"):
        (tmp_path / name).mkdir()
        study_of().assign_attrs(study=name).to_netcdf(tmp_path / name / "study.nc")
    best = best_result(study_of())
    record = trial_json_of(make_trial(0), provenance={"git_commit": "c0ffee"})
    write_trial_json(tmp_path / "first/trials" / best.trial, record)
    earlier = {("first", ""): "first", ("studies/other.yaml", ADAM): "other"}
    folders = {name: tmp_path / name for name in ("first", "other")}
    results = best_results(earlier, folders)
    assert results.keys() == earlier.keys()
    assert (results["first", ""].trial, results["first", ""].commit) == (best.trial, "c0ffee")
    other = results["studies/other.yaml", ADAM]
    assert (other.study, other.arm, other.commit) == ("other", ADAM, "")


@pytest.mark.parametrize(("seconds", "taken"), [(1.1, 2), (0.5, 0)])
def test_step_times_of_a_machine_that_was_busy_are_not_taken(tmp_path, seconds, taken):
    probes = [probe(8, 1.0).to_json(), probe(16, seconds).to_json()]
    content = {"workload": "w", "values": {}, "sentence": "Done.", "probes": probes}
    (tmp_path / "conclusion.json").write_text(json.dumps(content))
    assert len(conclusion_of(tmp_path).step_times) == taken
