import numpy as np

from tests.analysis.synthetic import ADAM, NESTEROV, make_resources, make_study
from tuning_playbook.analysis.machines import differences, mixed_machines


def test_one_kind_of_machine():
    study = make_study()
    finding = mixed_machines(study, make_resources(study))
    assert (finding.answer, finding.numbers["differences"]) == ("ok", [])
    assert "all 32 trials" in finding.summary


def test_the_fewer_trials_of_another_version_are_named():
    study = make_study()
    resources = make_resources(study)
    resources["version_jax"][[3, 20]] = "0.10.1"
    finding = mixed_machines(study, resources)
    assert finding.answer == "warning"
    assert finding.trials == tuple(study["trial"].values[[3, 20]])
    (row,) = finding.numbers["differences"]
    assert (row["what"], row["values"]) == ("jax", {"0.10.1": 2, "0.10.2": 30})
    assert not row["sets_arms_apart"]


def test_arms_trained_on_different_processors_are_not_comparable_by_that():
    study = make_study()
    resources = make_resources(study)
    resources["machine"][16:] = "aarch64"
    finding = mixed_machines(study, resources)
    assert finding.numbers["differences"][0]["sets_arms_apart"]
    assert "Whole arms differ in machine" in finding.summary


def test_resources_in_another_order_and_of_reruns_too():
    study = make_study()
    resources = make_resources(study).isel(trial=slice(None, None, -1))
    resources["python"][:16] = "3.12.1"  # of the second arm, which comes first here
    finding = mixed_machines(study, resources)
    assert finding.numbers["differences"][0]["sets_arms_apart"]
    half = study.isel(trial=slice(0, 16))
    assert mixed_machines(half, resources).answer == "ok"


def test_trials_of_fewer_lanes_are_marked():
    """Memory ran out for them; one that failed has no lanes."""
    study = make_study()
    resources = make_resources(study)
    lanes = np.full(32, 8.0)
    lanes[4:6], lanes[9] = 4.0, np.nan
    finding = mixed_machines(study, resources.assign(lanes=("trial", lanes)))
    assert (finding.answer, finding.trials) == ("warning", tuple(study["trial"].values[4:6]))
    assert "differ in lanes" in finding.summary


def test_what_is_not_recorded_is_no_difference():
    study = make_study()
    resources = make_resources(study)
    resources["device"][:5] = ""
    assert mixed_machines(study, resources).answer == "ok"
    assert mixed_machines(study).answer == "cannot tell"
    nobody = resources.assign_coords(trial=[f"other {n}" for n in range(32)])
    assert mixed_machines(study, nobody).answer == "cannot tell"
    assert {NESTEROV, ADAM} == set(study.attrs["arms"])


def test_of_equally_many_the_first_value_is_the_usual_one():
    arm_of = {"1": "a", "2": "a", "3": "b", "4": "b"}
    assert differences({"1": "x", "2": "y", "3": "x", "4": "y"}, arm_of) == {
        "values": {"x": 2, "y": 2},
        "sets_arms_apart": False,
        "minority": ["2", "4"],
    }
    assert differences({"1": "x", "2": "x", "3": "y"}, arm_of)["sets_arms_apart"]


def test_the_software_of_a_command_is_not_said_to_be_the_same():
    study = make_study().assign_attrs(engine="command")
    finding = mixed_machines(study, make_resources(study))
    assert finding.answer == "ok"
    assert finding.summary.endswith("the software of a command is not recorded.")
