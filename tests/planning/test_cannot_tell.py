"""What a design cannot tell: foreseen from it alone, and then so found by the checks themselves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.synthetic import (
    choice,
    log_uniform,
    make_resources,
    make_study,
    uniform,
)
from tests.specs import plan_of
from tests.workloads.test_cifar10 import write_batch
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.engine.windows import evaluation_steps, window_ends
from tuning_playbook.planning.cannot_tell import ANSWER, NEEDS, cannot_tell, together
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.planning.study_design import ArmDesign, Design, design_of
from tuning_playbook.study.thresholds import DEFAULTS

VALIDATION_ONLY = {"validation": 300}
"""The examples of a workload that makes its training batches itself."""

STUDIES = Path("config/studies").resolve()

ONE_WINDOW_EACH = 101
"""Steps between evaluations that no number up to ten divides, as a made-up study has windows."""

ARMS = ("a=1", "a=2")

SEARCHES = {
    "a rate": [log_uniform("learning_rate", 1e-3, 1.0, ARMS)],
    "three": [
        log_uniform("learning_rate", 1e-3, 1.0, ARMS),
        uniform("dropout", 0.0, 0.5, ARMS),
        uniform("momentum", 0.0, 0.9, ARMS),
    ],
    "no rate": [uniform("dropout", 0.0, 0.5, ARMS)],
    "a choice": [choice("activation", ["relu", "tanh", "gelu"], ARMS)],
}


def trained(searched, trials, evaluations):
    """A study of which every hyperparameter plainly matters."""
    return make_study(
        arms=ARMS,
        trials=trials,
        searched=searched,
        evaluations=evaluations,
        effect=lambda arm, at: 0.2 * sum((place - 0.4) ** 2 for place in at.values()),
        trial_noise=0.0005,
        time_constant=0.2,
    )


def designed(searched, trials, evaluations):
    """The design of the same study."""
    choices = [len(item.choices) for item in searched if item.choices]
    ordered = len(searched) - len(choices)
    arm = ArmDesign(
        trials=trials,
        initial=trials,
        most=np.inf,
        searched=len(searched),
        ordered=ordered,
        terms=ordered + sum(count - 1 for count in choices),
        learning_rate=any(item.name == "learning_rate" for item in searched),
        confirmed=False,
    )
    return Design(
        max_train_steps=evaluations * ONE_WINDOW_EACH,
        eval_every=ONE_WINDOW_EACH,
        dense_until=0,
        arms=dict.fromkeys(ARMS, arm),
        sampled=(),
        reruns=5,
        variance_is_known=False,
        baseline=False,
        in_rounds=False,
        checklist=DEFAULTS,
    )


def answers(study):
    """What each check answers of a study that was trained."""
    findings = [*diagnose(study, make_resources(study)), nothing_matters(study), importance(study)]
    return {finding.check: finding.answer for finding in findings}


@pytest.mark.parametrize("evaluations", [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 18, 19, 20])
def test_what_is_foreseen_of_evaluations_is_what_the_checks_find(evaluations):
    searched = SEARCHES["a rate"]
    found = answers(trained(searched, 16, evaluations))
    foreseen = {need.check for need in NEEDS if need.lacking(designed(searched, 16, evaluations))}
    assert {check for check, answer in found.items() if answer == "cannot tell"} == foreseen


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("trials", [1, 2, 3, 4, 5, 6, 9, 10, 15, 16, 19, 20])
def test_what_is_foreseen_of_trials_is_what_the_checks_find(name, trials):
    searched = SEARCHES[name]
    found = answers(trained(searched, trials, 20))
    foreseen = {need.check for need in NEEDS if need.lacking(designed(searched, trials, 20))}
    told = {check for check, answer in found.items() if answer == "cannot tell"}
    # Whether a fitted function predicts anything is known when it is fitted, and not before.
    assert told - {"importance"} == foreseen - {"importance"}
    assert "importance" in told or "importance" not in foreseen


@pytest.mark.parametrize(
    ("steps", "every", "dense"), [(400, 50, 0), (300, 14 + 1, 0), (202, 101, 0), (60, 6, 25)]
)
def test_evaluations_and_windows_are_those_of_the_engine(tmp_path, steps, every, dense):
    training = {"max_train_steps": steps, "batch_size": 32, "eval_every": every}
    changes = {"training": training | {"eval_schedule": {"dense_until": dense}}}
    plan = plan_of(tmp_path, changes)
    design = design_of(plan)
    expected = evaluation_steps(plan.trials[0].trial) / steps
    assert design.evaluations == pytest.approx(expected.tolist(), abs=0)
    assert design.windows == len(window_ends(steps, every))


class TestWhatItTakes:
    def test_the_largest_interval_that_divides_the_steps(self, tmp_path):
        training = {"max_train_steps": 250, "batch_size": 32, "eval_every": 50}
        found = {
            item.check: item for item in cannot_tell(plan_of(tmp_path, {"training": training}))
        }
        cure = found["still_improving"].cure
        # Five evaluations in the last quarter: every 15 steps would do, and 10 divides 250.
        assert (cure.key, cure.value, cure.evaluations) == ("training.eval_every", 10, 20)
        assert found["still_improving"].needs == (
            "5 evaluations in the last 25% of training, not 2"
        )

    def test_what_more_evaluations_compute(self, tmp_path):
        training = {"max_train_steps": 250, "batch_size": 32, "eval_every": 50}
        plan = plan_of(tmp_path, {"training": training})
        found = {item.check: item for item in cannot_tell(plan)}
        seen = 2 * plan.study.workload.examples["validation"]
        assert found["still_improving"].cure.computation == pytest.approx(
            20 * seen / (3 * 250 * 32)
        )

    def test_trials_and_their_steps(self, tmp_path):
        changes = {"search.trials": 8, "scientific": {"activation": ["relu", "tanh"]}}
        found = {item.check: item for item in cannot_tell(plan_of(tmp_path, changes))}
        cure = found["importance"].cure
        assert (cure.key, cure.value) == ("search.trials", 10)
        assert (cure.trainings, cure.steps) == (4, 200)
        assert found["nothing_matters"].cure.value == 16

    def test_repeats_of_the_search_cost_as_much_each(self, tmp_path):
        found = cannot_tell(plan_of(tmp_path, {"search.trials": 8, "replicates": 2}))
        (cure,) = [item.cure for item in found if item.check == "importance"]
        assert cure.trainings == 3 * 2

    def test_reruns_for_the_answer(self, tmp_path):
        arms = {"scientific": {"activation": ["relu", "tanh"]}}
        (item,) = [x for x in cannot_tell(plan_of(tmp_path, arms)) if x.check == ANSWER]
        assert item.needs == "5 reruns of each arm, not 2"
        assert (item.cure.key, item.cure.value, item.cure.trainings) == ("reruns.seeds", 5, 6)

    def test_one_rerun_where_the_variance_is_known(self, tmp_path):
        known = {"variance": {"standard_deviation": 0.01, "degrees_of_freedom": 9}}
        arms = {"scientific": {"activation": ["relu", "tanh"]}, "reruns": known | {"seeds": 1}}
        assert not [x for x in cannot_tell(plan_of(tmp_path, arms)) if x.check == ANSWER]

    def test_the_trials_of_a_joint_design_are_shared_out(self, tmp_path):
        changes = {
            "design": "joint",
            "scientific": {"activation": ["relu", "tanh"]},
            "search.trials": 16,
        }
        found = {item.check: item for item in cannot_tell(plan_of(tmp_path, changes))}
        assert found["importance"].cure.value == 20
        assert found["importance"].cure.trainings == 4

    def test_the_curve_of_what_is_sampled(self, tmp_path):
        changes = {
            "design": "joint",
            "scientific": {"dropout": {"uniform": [0.0, 0.5]}},
            "search.trials": 12,
        }
        (item,) = [x for x in cannot_tell(plan_of(tmp_path, changes)) if x.check == ANSWER]
        assert item.needs == "15 trials for the curve of dropout, not 12"
        assert item.cure.value == 15

    @pytest.mark.parametrize("trials", [12, 16, 36])
    def test_the_initial_trials_of_a_search_in_rounds_and_as_many_proposals(self, tmp_path, trials):
        search = {"algorithm": "bayesian", "trials": trials, "rounds": 2, "initial": 10}
        found = {item.check: item for item in cannot_tell(plan_of(tmp_path, {"search": search}))}
        item = found["nothing_matters"]
        assert item.needs == "32 trials in all before the first round, not 10"
        initial, total = item.cure.changes
        assert (initial.key, initial.value, initial.trainings) == ("search.initial", 32, 0)
        assert (total.key, total.value) == ("search.trials", trials + 22)
        assert (total.trainings, total.steps) == (22, 22 * 50)

    def test_what_is_proposed_for_a_search_in_rounds_is_a_search(self, tmp_path):
        search = {"algorithm": "bayesian", "trials": 13, "rounds": 3, "initial": 7}
        changes = {
            "search": search,
            "nuisance.weight_decay": {"log_uniform": [1e-6, 1e-2]},
            "training": {"max_train_steps": 60, "batch_size": 32, "eval_every": 3},
        }
        before = plan_of(tmp_path, changes)
        needed = together(cannot_tell(before))
        assert {cure.key for cure in needed} == {"search.initial", "search.trials"}
        after = plan_of(tmp_path, changes | {cure.key: cure.value for cure in needed}, "changed")
        assert cannot_tell(after) == ()
        more = sum(after.trials_per_arm.values()) - sum(before.trials_per_arm.values())
        assert sum(cure.trainings for cure in needed) == more

    @pytest.mark.parametrize(("trials", "keys"), [(32, 1), (12, 2)])
    def test_the_arms_that_are_confirmed_have_a_number_of_their_own(self, tmp_path, trials, keys):
        changes = {
            "scientific": {"activation": ["relu", "tanh"]},
            "nuisance.weight_decay": {"log_uniform": [1e-6, 1e-2]},
            "fixed.depth": 2,
            "search.trials": trials,
            "confirm": {"arm": "depth=1", "trials": 10},
            "training": {"max_train_steps": 60, "batch_size": 32, "eval_every": 3},
            "reruns": {"seeds": 5},
        }
        before = plan_of(tmp_path, changes)
        needed = together(cannot_tell(before))
        assert {cure.key for cure in needed} == {*["confirm.trials", "search.trials"][:keys]}
        after = plan_of(tmp_path, changes | {cure.key: cure.value for cure in needed}, "changed")
        assert cannot_tell(after) == ()
        more = sum(after.trials_per_arm.values()) - sum(before.trials_per_arm.values())
        assert sum(cure.trainings for cure in needed) == more

    def test_no_number_of_trials_where_the_space_has_too_few_configurations(self, tmp_path):
        changes = {"nuisance": {"learning_rate": {"choice": [0.01, 0.1]}}}
        found = {item.check: item for item in cannot_tell(plan_of(tmp_path, changes))}
        assert found["importance"].cure is None
        assert found["boundary"].needs == "a hyperparameter that is searched over a range"

    def test_arms_that_search_more_are_named(self, tmp_path):
        changes = {
            "scientific": {"optimizer": ["sgd", "momentum"]},
            "fixed": {"width": 16},
            "conditional": [
                {
                    "when": {"optimizer": "momentum"},
                    "nuisance": {"momentum": {"uniform": [0.0, 0.9]}},
                }
            ],
            "search.trials": 12,
        }
        (item,) = [x for x in cannot_tell(plan_of(tmp_path, changes)) if x.check == "importance"]
        assert item.arms == ("optimizer=momentum",)
        assert item.cure.value == 15


def examples(tmp_path, monkeypatch):
    data = tmp_path / "data" / "cifar-10-batches-bin"
    data.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        write_batch(data / name, 300, seed=0)
    (tmp_path / "config").symlink_to(STUDIES.parent)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_example_studies_can_answer_their_own_checklist(path, tmp_path, monkeypatch):
    examples(tmp_path, monkeypatch)
    assert cannot_tell(plan_study(Path("config/studies") / path.name)) == ()


def test_with_all_changes_together_everything_can_be_told(tmp_path):
    changes = {
        "scientific": {"activation": ["relu", "tanh"]},
        "nuisance.weight_decay": {"log_uniform": [1e-6, 1e-2]},
        "training": {"max_train_steps": 250, "batch_size": 32, "eval_every": 50},
    }
    needed = {cure.key: cure.value for cure in together(cannot_tell(plan_of(tmp_path, changes)))}
    assert needed.keys() == {"search.trials", "training.eval_every", "reruns.seeds"}
    assert cannot_tell(plan_of(tmp_path, changes | needed, "changed")) == ()


def test_a_workload_that_makes_its_batches_has_half_of_it_to_evaluate(tmp_path):
    plan = plan_of(tmp_path)
    whole = cannot_tell(plan)
    workload = replace(plan.study.workload, examples=VALIDATION_ONLY)
    half = cannot_tell(replace(plan, study=replace(plan.study, workload=workload)))
    costs = [[line.cure.computation for line in lines if line.cure] for lines in (whole, half)]
    pairs = [(a, b) for a, b in zip(*costs, strict=True) if a is not None]
    assert pairs
    assert all(b == pytest.approx(a / 2) for a, b in pairs)
