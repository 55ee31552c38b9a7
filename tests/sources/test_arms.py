"""The arms of finished trials: conditions, ranges that are given and ranges that are not."""

import pytest

from tests.sources.finished import write_finished
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.errors import SourceError, SpecError
from tuning_playbook.planning.plan import axis_plots, plan_study
from tuning_playbook.report.study_card import role_rows
from tuning_playbook.study.caveats import caveats
from tuning_playbook.study.distributions import Distribution

NESTEROV = [{"optimizer": "nesterov", "learning_rate": 10 ** (-3 + n / 8)} for n in range(16)]
ADAM = [{"optimizer": "adam", "learning_rate": 10 ** (-5 + n / 4)} for n in range(16)]

OPTIMIZERS = {"scientific": {"optimizer": ["nesterov", "adam"]}}
CONDITIONAL = OPTIMIZERS | {
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-3, 1]}},
        },
        {
            "when": {"optimizer": "adam"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 0.1]}},
        },
    ]
}


def study_of(folder, trials, changes, errors=None):
    return plan_study(write_finished(folder, trials, changes, errors)).study


def dimensions(study):
    """What is searched in each arm: its condition and distribution, by its name."""
    return {
        arm.name: {item.name: (item.condition, item.distribution) for item in arm.dimensions}
        for arm in study.arms
    }


def test_a_range_under_a_condition_is_the_hyperparameters_of_that_arm(tmp_path):
    study = study_of(tmp_path, NESTEROV + ADAM, CONDITIONAL)
    nesterov, adam = "optimizer=nesterov", "optimizer=adam"
    assert dimensions(study) == {
        nesterov: {"learning_rate": (nesterov, Distribution("log_uniform", 1e-3, 1.0))},
        adam: {"learning_rate": (adam, Distribution("log_uniform", 1e-5, 0.1))},
    }
    assert set(axis_plots(study).values()) == {("learning_rate", nesterov), ("learning_rate", adam)}
    assert not any("was not given" in caveat for caveat in caveats(study))


def test_ranges_that_are_not_given_are_taken_from_the_trials_of_each_arm(tmp_path):
    study = study_of(tmp_path, NESTEROV + ADAM, OPTIMIZERS)
    low, high = 10**-3, NESTEROV[-1]["learning_rate"]
    found = dimensions(study)["optimizer=nesterov"]["learning_rate"]
    assert found == ("optimizer=nesterov", Distribution("log_uniform", low, high))
    said = (
        "The range of learning_rate in optimizer=nesterov was not given and is taken from its "
        "trials: 0.001 to 0.0749894 on a log scale."
    )
    assert said in caveats(study)
    row = next(row for row in role_rows(study) if row.arms == ("optimizer=nesterov",))
    assert (row.origin, row.value) == (
        "source",
        "log_uniform [0.001, 0.0749894], taken from its trials",
    )


@pytest.mark.parametrize("changes", [OPTIMIZERS, CONDITIONAL], ids=["taken", "given"])
def test_the_best_trial_at_the_edge_of_its_arms_own_range_is_at_a_boundary(tmp_path, changes):
    """Adam's trials go on below, where Nesterov's end and are best."""
    errors = [0.01 * (n + 1) for n in range(16)] + [0.5 + 0.01 * abs(n - 8) for n in range(16)]
    plan = plan_study(write_finished(tmp_path, NESTEROV + ADAM, changes, errors))
    finding = boundary(import_datasets(plan)["study"])
    assert finding.answer == "problem"
    rows = finding.numbers["hyperparameters"]
    assert [(row["arm"], row["edge"]) for row in rows if row["at_boundary"]] == [
        ("optimizer=nesterov", "low")
    ]


def test_arms_that_were_searched_alike_share_a_range(tmp_path):
    rates = [trial["learning_rate"] for trial in NESTEROV]
    trials = [{"depth": depth, "learning_rate": rate} for depth in (1, 2) for rate in rates]
    study = study_of(tmp_path, trials, {"scientific": {"depth": [1, 2]}})
    assert [found["learning_rate"][0] for found in dimensions(study).values()] == ["", ""]
    assert set(axis_plots(study)) == {"axis_learning_rate"}
    assert "The range of learning_rate was not given and is taken" in " ".join(caveats(study))


def test_what_has_one_value_in_an_arm_is_fixed_there(tmp_path):
    trials = [trial | {"momentum": 0.9} for trial in NESTEROV] + ADAM
    study = study_of(tmp_path, trials, OPTIMIZERS)
    assert all("momentum" not in found for found in dimensions(study).values())
    assert study.arms[0].fixed["momentum"] == 0.9
    assert "momentum" not in study.arms[1].fixed


def test_what_is_scientific_under_a_condition_makes_arms_there_alone(tmp_path):
    trials = [{"optimizer": "sgd", "learning_rate": 0.1}] + [
        {"optimizer": "adam", "schedule": schedule, "end_factor": end, "learning_rate": 0.1}
        for schedule, end in (("constant", ""), ("cosine", 0.0), ("cosine", 0.1))
    ]
    study = study_of(
        tmp_path,
        trials,
        {
            "scientific": {"optimizer": ["sgd", "adam"]},
            "conditional": [
                {
                    "when": {"optimizer": "adam"},
                    "scientific": {"schedule": ["constant", "cosine"]},
                    "fixed": {"epsilon": 1e-8},
                    "conditional": [
                        {
                            "when": {"schedule": "cosine"},
                            "nuisance": {"end_factor": {"uniform": [0.0, 0.2]}},
                        }
                    ],
                }
            ],
        },
    )
    cosine = "optimizer=adam, schedule=cosine"
    assert dimensions(study) == {
        "optimizer=sgd": {},
        "optimizer=adam, schedule=constant": {},
        cosine: {"end_factor": (cosine, Distribution("uniform", 0.0, 0.2))},
    }
    assert [arm.fixed.get("epsilon") for arm in study.arms] == [None, 1e-8, 1e-8]


def test_a_joint_design_has_a_scientific_hyperparameter_with_a_range(tmp_path):
    trials = [{"dropout": n / 20, "learning_rate": 10 ** -(1 + n / 4)} for n in range(10)]
    changes = {"design": "joint", "scientific": {"dropout": {"uniform": [0.0, 0.5]}}}
    plan = plan_study(write_finished(tmp_path, trials, changes))
    (arm,) = plan.study.arms
    assert {item.name: item.role for item in arm.dimensions} == {
        "dropout": "scientific",
        "learning_rate": "nuisance",
    }
    searched = {item.name: item for item in read_searched(import_datasets(plan)["study"])}
    assert searched["dropout"].role == "scientific"
    assert (searched["dropout"].low, searched["dropout"].high) == (0.0, 0.5)
    assert "Sampled over a range together with the nuisances: dropout." in " ".join(
        caveats(plan.study)
    )


DROPOUT = [{"dropout": rate, "depth": n} for rate in (0.0, 0.1, 0.2, 0.4) for n in (1, 2)]


@pytest.mark.parametrize(
    ("given", "distribution"),
    [
        ({"nuisance": {"dropout": {"uniform": [0.05, 0.5]}}}, Distribution("uniform", 0.05, 0.5)),
        ({}, Distribution("uniform", 0.1, 0.4)),
    ],
    ids=["given", "taken"],
)
def test_the_arm_that_searches_holds_the_trials_with_none_of_the_other_values(
    tmp_path, given, distribution
):
    study = study_of(tmp_path, DROPOUT, {"scientific": {"dropout": [0.0, "searched"]}} | given)
    off, searched = study.arms
    assert (off.name, searched.name) == ("dropout=0.0", "dropout=searched")
    assert off.scientific == {"dropout": 0.0}
    (dimension,) = [item for item in searched.dimensions if item.name == "dropout"]
    assert (dimension.condition, dimension.distribution) == ("dropout=searched", distribution)
    assert "dropout" not in {item.name for item in off.dimensions}
    assert [trial.arm for trial in study.imported] == [off.name] * 2 + [searched.name] * 6


def test_one_minus_a_hyperparameter_may_be_what_was_searched(tmp_path):
    trials = [{"momentum": value} for value in (0.9, 0.99, 0.999)]
    plan = plan_study(
        write_finished(
            tmp_path, trials, {"nuisance": {"one_minus_momentum": {"log_uniform": [1e-3, 0.1]}}}
        )
    )
    assert [item.searched for item in plan.trials] == [
        {"one_minus_momentum": value} for value in (0.1, 0.01, 0.001)
    ]


def under(optimizer, **content):
    return {"when": {"optimizer": optimizer}} | content


RATE = {"learning_rate": {"log_uniform": [1e-5, 1.0]}}
WRONG = {
    # what is wrong: (changes of the spec, a part of the message)
    "condition on what is not scientific": (
        {"conditional": [{"when": {"optimiser": "adam"}, "nuisance": RATE}]},
        "conditional[0].when.optimiser: 'optimiser' is not scientific here, so nothing can "
        "depend on it; did you mean 'optimizer'?",
    ),
    "condition on another value": (
        {"conditional": [under("nestrov", nuisance=RATE)]},
        "conditional[0].when.optimizer: 'optimizer' never takes the value 'nestrov'; did you mean",
    ),
    "range that a trial of the arm lies outside of": (
        {"conditional": [under("nesterov", nuisance={"learning_rate": {"uniform": [0.01, 1]}})]},
        "conditional[0].nuisance.learning_rate: trial 't0' has the value 0.001, which lies outside",
    ),
    "range twice in an arm": (
        {"nuisance": RATE, "conditional": [under("adam", nuisance=RATE)]},
        "conditional[0].nuisance.learning_rate: has another role already",
    ),
    "range of what no trial of the arm has": (
        {"conditional": [under("adam", nuisance={"momentum": {"uniform": [0, 1]}})]},
        "no trial of optimizer=adam has a hyperparameter 'momentum'",
    ),
    "range of what no trial has": (
        {"conditional": [under("adam", nuisance={"learning_rat": {"uniform": [0, 1]}})]},
        "no trial has a hyperparameter 'learning_rat'; did you mean 'learning_rate'?",
    ),
    "fixed at another value under a condition": (
        {"conditional": [under("nesterov", fixed={"momentum": 0.5})]},
        "conditional[0].fixed.momentum: trial 't0' has the value 0.9",
    ),
    "scientific under a condition that a trial does not have": (
        {"conditional": [under(["adam", "nesterov"], scientific={"momentum": [0.9]})]},
        "conditional[0].scientific.momentum: trial 't16' has no such hyperparameter",
    ),
    "a distribution in a separate design": (
        {"scientific": {"learning_rate": {"log_uniform": [1e-6, 1]}}},
        "scientific.learning_rate: a distribution of a scientific hyperparameter",
    ),
    "a sampled scientific hyperparameter that a trial does not have": (
        {"design": "joint", "scientific": {"momentum": {"uniform": [0, 1]}}},
        "scientific.momentum: trial 't16' has no such hyperparameter: leave the trial out",
    ),
    "a searched arm without trials": (
        {"scientific": {"optimizer": ["nesterov", "adam", "searched"]}},
        "each trial has one of the other values, so none is in the arm 'searched'",
    ),
    "a value twice": (
        {"scientific": {"optimizer": ["nesterov", "adam", "adam"]}},
        "scientific.optimizer: a value is named twice",
    ),
    "an unknown key under a condition": (
        {"conditional": [under("adam", nuisence=RATE)]},
        "conditional[0].nuisence: unknown key; did you mean 'nuisance'?",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_gets_one_message_that_names_file_and_key(tmp_path, wrong):
    changes, message = WRONG[wrong]
    trials = [trial | {"momentum": 0.9} for trial in NESTEROV] + ADAM
    spec = write_finished(tmp_path, trials, OPTIMIZERS | changes)
    with pytest.raises(SpecError) as caught:
        plan_study(spec)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{spec}:")
    assert "\n" not in str(caught.value)


def test_a_condition_that_no_trial_meets_is_an_error(tmp_path):
    trials = [
        {"optimizer": "adam", "depth": 1, "learning_rate": 0.1},
        {"optimizer": "sgd", "depth": 2, "learning_rate": 0.1},
    ]
    changes = {
        "scientific": {"optimizer": ["adam", "sgd"], "depth": [1, 2]},
        "conditional": [{"when": {"optimizer": "adam", "depth": 2}, "nuisance": RATE}],
    }
    with pytest.raises(
        SpecError, match=r"\[0\].when: no trial meets this condition: depth=2, optimizer=adam"
    ):
        plan_study(write_finished(tmp_path, trials, changes))


def test_a_trial_may_not_have_the_word_for_a_search_as_its_value(tmp_path):
    trials = [{"dropout": "searched"}, {"dropout": "0.1"}]
    with pytest.raises(SourceError, match="row 2, column 'dropout': 'searched' is no number"):
        plan_study(write_finished(tmp_path, trials, {"scientific": {"dropout": [0.1, "searched"]}}))
