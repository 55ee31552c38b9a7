"""The next round of finished trials: a spec that trains, as far as they and their spec tell."""

from pathlib import Path

import pytest

from tests.sources.finished import write_finished
from tests.specs import write_spec
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.procedures.next_study import write_next_study
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.yaml import read_yaml

ARCHIVE = Path(__file__).parents[1] / "data" / "format_1.zip"

NESTEROV = [
    {"optimizer": "nesterov", "learning_rate": 10 ** (-3 + n / 8), "momentum": 0.5 + n / 40}
    for n in range(16)
]
ADAM = [{"optimizer": "adam", "learning_rate": 10 ** (-5 + n / 4)} for n in range(16)]

KNOWN = {
    "workload": "digits_mlp",
    "objective": {"metric": "validation/error_rate", "mode": "min"},
    "source.rename": {"validation/error": "validation/error_rate"},
    "training": {"max_train_steps": 100, "eval_every": 50, "batch_size": 32},
    "scientific": {"optimizer": ["nesterov", "adam"]},
}


def next_of(path):
    """The plan of a study of finished trials, and the text of its next round, written beside it."""
    plan = plan_study(path)
    study = import_datasets(plan)["study"]
    file = path.with_name("next_study.yaml")
    undecided = {"decision": "undecided", "candidate": None}  # so it goes on as it was
    file.write_text(write_next_study(plan.study, study, diagnose(study), undecided, file=file))
    return plan, file


def comments_of(file):
    lines = [line.strip() for line in file.read_text().splitlines()]
    return " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))


def test_it_searches_in_each_arm_what_the_finished_trials_were_searched_over(tmp_path):
    errors = [0.01 * (n + 1) for n in range(16)] + [0.5 + 0.01 * abs(n - 8) for n in range(16)]
    _, file = next_of(write_finished(tmp_path, NESTEROV + ADAM, KNOWN, errors))
    plan = plan_study(file)  # every rule and every hyperparameter checked, as before training
    nesterov, adam = plan.study.arms
    assert {item.name: item.distribution for item in nesterov.dimensions} == {
        # the best trials cluster at the low edges of what was searched, so the ranges go on there
        "learning_rate": Distribution("log_uniform", 0.0001, 0.0749894),
        "momentum": Distribution("uniform", 0.312, 0.875),
    }
    assert {item.name: item.distribution for item in adam.dimensions} == {
        "learning_rate": Distribution("log_uniform", 1e-05, 0.0562341)
    }
    assert plan.trials_per_arm == {nesterov.name: 16, adam.name: 16}
    assert plan.study.spec.training.batch_size == 32
    assert "cannot run" not in comments_of(file)


def test_what_arms_hold_fixed_is_fixed_there(tmp_path):
    trials = [trial | {"momentum": 0.9, "dropout": 0.25} for trial in NESTEROV]
    trials += [trial | {"dropout": 0.25} for trial in ADAM]
    _, file = next_of(write_finished(tmp_path, trials, KNOWN))
    document = read_yaml(file, what="study spec")[0]
    assert document["fixed"] == {"dropout": 0.25}
    assert document["conditional"][0]["when"] == {"optimizer": "nesterov"}
    assert document["conditional"][0]["fixed"] == {"momentum": 0.9}
    assert plan_study(file).study.arms[0].fixed["momentum"] == 0.9


def test_an_arm_that_searches_what_is_scientific_does_so_again(tmp_path):
    trials = [
        {"dropout": rate, "learning_rate": 10 ** -(1 + n / 4)}
        for rate, n in [(0.0, n) for n in range(8)] + [(0.1 + n / 20, n) for n in range(8)]
    ]
    changes = KNOWN | {"scientific": {"dropout": [0.0, "searched"]}}
    errors = [0.1 * (1 + 7 * n % 16) for n in range(16)]  # the best at no edge
    _, file = next_of(write_finished(tmp_path, trials, changes, errors))
    document = read_yaml(file, what="study spec")[0]
    assert document["scientific"] == {"dropout": [0.0, "searched"]}
    assert document["nuisance"]["dropout"] == {"uniform": [0.1, 0.45]}
    assert [arm.name for arm in plan_study(file).study.arms] == ["dropout=0.0", "dropout=searched"]


def test_an_arm_that_searches_with_one_trial_has_its_value_as_a_choice(tmp_path):
    trials = [{"dropout": 0.0, "learning_rate": 10.0**-n} for n in range(1, 5)]
    trials += [{"dropout": 0.3, "learning_rate": 0.1}]
    changes = KNOWN | {"scientific": {"dropout": [0.0, "searched"]}}
    _, file = next_of(write_finished(tmp_path, trials, changes))
    assert read_yaml(file, what="study spec")[0]["nuisance"]["dropout"] == {"choice": [0.3]}
    assert plan_study(file).study.arms[1].name == "dropout=searched"


def test_a_joint_design_is_one_again(tmp_path):
    trials = [{"dropout": n / 20, "learning_rate": 10 ** -(1 + n / 4)} for n in range(10)]
    joint = {"design": "joint", "scientific": {"dropout": {"uniform": [0.0, 0.5]}}}
    _, file = next_of(write_finished(tmp_path, trials, KNOWN | joint))
    plan = plan_study(file)
    assert plan.study.spec.design == "joint"
    assert len(plan.trials) == 10


def test_what_is_missing_is_said_and_changes_are_made_all_the_same(tmp_path):
    """Neither the workload nor the batch size is known."""
    _, file = next_of(
        write_finished(
            tmp_path, NESTEROV, {"training": {"max_train_steps": 150, "eval_every": 100}}
        )
    )
    said = comments_of(file)
    assert "There is no workload 'elsewhere' here: name the one to train" in said
    assert "It cannot run as it stands: training.batch_size: this key is required" in said
    assert "Not carried out" not in said
    document = read_yaml(file, what="study spec")[0]
    assert document["training"]["max_train_steps"] % document["training"]["eval_every"] == 0


def test_a_hyperparameter_that_the_workload_does_not_have_is_named(tmp_path):
    trials = [trial | {"lerning_rate": trial["learning_rate"]} for trial in ADAM]
    _, file = next_of(write_finished(tmp_path, trials, KNOWN | {"scientific": {}}))
    assert "It cannot run as it stands: nuisance.lerning_rate: 'lerning_rate' is no" in comments_of(
        file
    )


def test_arms_without_finished_trials_are_named(tmp_path):
    trials = [trial | {"depth": 1} for trial in NESTEROV] + [
        trial | {"depth": depth} for depth in (1, 2) for trial in ADAM
    ]
    scientific = {"optimizer": ["nesterov", "adam"], "depth": [1, 2]}
    _, file = next_of(write_finished(tmp_path, trials, KNOWN | {"scientific": scientific}))
    said = comments_of(file)
    assert "The source has no trials of some of its arms, such as " in said


def test_the_configuration_of_the_baseline_is_at_hand(tmp_path):
    _, file = next_of(
        write_finished(tmp_path, NESTEROV, KNOWN | {"baseline": "t3", "scientific": {}})
    )
    assert "The baseline was the trial t3 of the source." in comments_of(file)
    assert "momentum: 0.575" in comments_of(file)


@pytest.mark.parametrize("renamed", [{}, {"depth": "layers"}])
def test_the_trials_of_an_archive_go_on_as_their_study_did(tmp_path, renamed):
    spec = {
        "goal": "What did the archived study find?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/error_rate", "mode": "min"},
        "source": {"format": "archive", "path": str(ARCHIVE), "rename": renamed},
    }
    before, file = next_of(write_spec(tmp_path / "again.yaml", spec))
    if renamed:
        assert "It cannot run as it stands: fixed.layers: 'layers' is no" in comments_of(file)
        return
    plan = plan_study(file)
    for arm, other in zip(plan.study.arms, before.study.arms, strict=True):
        assert arm.name == other.name
        assert [d.distribution for d in arm.dimensions] == [
            d.distribution for d in other.dimensions
        ]
        assert {n: v for n, v in other.fixed.items() if n != "batch_size"} == arm.fixed
