"""Every rule of thumb speaks where the playbook does, and is silent where a study follows it."""

import pytest

from tests.specs import REMOVED, plan_of, write_spec
from tuning_playbook.study.advice import RULES, advise

GOOD = {"search.trials": 12, "nuisance.one_minus_momentum": {"log_uniform": [1e-3, 1.0]}}
"""Changes that make the small study follow every rule."""

ADAM = {"fixed": {"optimizer": "adam", "width": 16}}
RATE = {"log_uniform": [1e-4, 1e-1]}
DECAY = {"log_uniform": [1e-3, 1.0]}
BY_B1 = {"learning_rate": RATE, "one_minus_b1": DECAY}
BY_EPSILON = BY_B1 | {"epsilon": {"log_uniform": [1e-10, 1e-3]}}
BY_B2 = BY_EPSILON | {"one_minus_b2": DECAY}


def adam(trials, nuisance):
    return ADAM | {"nuisance": nuisance, "search.trials": trials}


OPTIMIZERS = {
    "scientific": {"optimizer": ["nesterov", "adam"]},
    "fixed": {"width": 16},
    "nuisance": {},
    "search.trials": 12,
}


def by_optimizer(nesterov):
    return OPTIMIZERS | {
        "conditional": [
            {"when": {"optimizer": "nesterov"}} | nesterov,
            {"when": {"optimizer": "adam"}, "nuisance": BY_B1},
        ]
    }


BOTH = {"nuisance": {"learning_rate": RATE, "one_minus_momentum": DECAY}}

OWN_RANGES = {
    "nuisance": {"optimizer": {"choice": ["nesterov", "adam"]}},
    "conditional": [
        {"when": {"optimizer": name}, "nuisance": {"learning_rate": RATE}}
        for name in ("nesterov", "adam")
    ],
    "fixed": {"width": 16},
}
ONE_RANGE = {
    "nuisance": {"optimizer": {"choice": ["nesterov", "adam"]}, "learning_rate": RATE},
    "fixed": {"width": 16},
}

SPEAKS = {
    "optimizers are drawn with one range for all": (
        ONE_RANGE,
        "one_range_for_all",
        "The optimizer is drawn, and all share one range of learning_rate",
    ),
    # name: (changes to the small spec; the rule; what its text says)
    "ten trials are too many to want": (
        GOOD | {"search.trials": 9},
        "few_trials",
        "Fewer than 10 trials in all trials (9)",
    ),
    "a momentum is fixed for an optimizer": (
        by_optimizer({"nuisance": {"learning_rate": RATE}, "fixed": {"momentum": 0.9}}),
        "optimizer_hyperparameters_fixed",
        "optimizer is compared with optimizer hyperparameters fixed: momentum in "
        "optimizer=nesterov",
    ),
    "a momentum is left at its default": (
        by_optimizer({"nuisance": {"learning_rate": RATE}}),
        "optimizer_hyperparameters_fixed",
        "momentum in optimizer=nesterov",
    ),
    "a learning rate is fixed for an architecture": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "fixed": {"optimizer": "adam", "learning_rate": 0.001},
            "nuisance": {"one_minus_b1": DECAY},
            "search.trials": 12,
        },
        "optimizer_hyperparameters_fixed",
        "activation is compared with optimizer hyperparameters fixed: learning_rate in "
        "activation=relu; activation=tanh",
    ),
    "an architecture is compared jointly": (
        {"design": "joint", "scientific": {"depth": {"int_uniform": [1, 2]}}, "search.trials": 24},
        "optimizer_hyperparameters_fixed",
        "depth is compared with optimizer hyperparameters fixed: momentum",
    ),
    "a learning rate is scientific": (
        {
            "scientific": {"learning_rate": [0.01, 0.1]},
            "nuisance": {"one_minus_momentum": DECAY},
            "search.trials": 12,
        },
        "learning_rate_scientific",
        "Make it a nuisance",
    ),
    "a learning rate is scientific under a condition": (
        by_optimizer(
            {
                "scientific": {"learning_rate": [0.01]},
                "nuisance": {"momentum": {"uniform": [0, 0.9]}},
            }
        ),
        "learning_rate_scientific",
        "Make it a nuisance",
    ),
    "a dropout without none": (
        GOOD | {"scientific": {"dropout": [0.1, 0.5]}},
        "regularization_without_off",
        "dropout is scientific without its off value 0.0",
    ),
    "a weight decay over a range": (
        GOOD | {"design": "joint", "scientific": {"weight_decay": {"log_uniform": [1e-6, 1e-2]}}},
        "regularization_without_off",
        "weight_decay is scientific without its off value 0.0",
    ),
    "a dropout over a range of what it leaves": (
        GOOD | {"design": "joint", "scientific": {"one_minus_dropout": {"uniform": [0.5, 0.9]}}},
        "regularization_without_off",
        "dropout is scientific without its off value 0.0",
    ),
    "Adam, 9 trials": (adam(9, BY_B1), "adam_against_trials", "do not tune b1"),
    "Adam, 10 trials": (
        adam(10, {"learning_rate": RATE}),
        "adam_against_trials",
        "with 10 trials also tune b1 in all trials",
    ),
    "Adam, 24 trials": (adam(24, BY_EPSILON), "adam_against_trials", "do not tune epsilon"),
    "Adam, 25 trials": (adam(25, BY_B1), "adam_against_trials", "also tune epsilon"),
    "Adam, 49 trials": (adam(49, BY_B2), "adam_against_trials", "do not tune b2"),
    "Adam, 50 trials": (adam(50, BY_EPSILON), "adam_against_trials", "also tune b2"),
    "Adam of optax": (
        {
            "fixed": {"optimizer": "optax.adam", "width": 16},
            "nuisance": {"learning_rate": RATE},
            "search.trials": 25,
        },
        "adam_against_trials",
        "also tune b1 and eps",
    ),
    "four questions in one study": (
        GOOD
        | {
            "scientific": {
                "depth": [1, 2],
                "activation": ["relu", "tanh", "gelu"],
                "dropout": [0.0, 0.1],
                "schedule": ["constant", "cosine"],
            }
        },
        "many_questions",
        "4 scientific hyperparameters (activation, depth, dropout, schedule) make 24 arms",
    ),
    "a dropout at one learning rate": (
        {
            "scientific": {"dropout": [0.0, 0.5]},
            "fixed": {"optimizer": "momentum", "learning_rate": 0.1, "width": 16},
            "nuisance": {"one_minus_momentum": DECAY},
            "search.trials": 12,
        },
        "learning_rate_fixed",
        "dropout is compared with the learning rate fixed in dropout=0.0; dropout=0.5",
    ),
    "schedules at the default learning rate": (
        {
            "scientific": {"schedule": ["constant", "cosine"]},
            "nuisance": {"one_minus_momentum": DECAY},
            "search.trials": 12,
        },
        "learning_rate_fixed",
        "schedule is compared with the learning rate fixed",
    ),
    "widths at one weight decay": (
        GOOD
        | {
            "scientific": {"width": [16, 32]},
            "fixed": {"optimizer": "momentum", "weight_decay": 1e-4},
        },
        "regularization_fixed",
        "width is compared with regularization fixed: weight_decay",
    ),
    "batch sizes at one momentum and dropout": (
        {
            "scientific": {"batch_size": [32, 64]},
            "training.batch_size": REMOVED,
            "fixed.dropout": 0.1,
            "search.trials": 12,
        },
        "batch_size_changed",
        "The batch size is compared while these are fixed: momentum, dropout",
    ),
    "a baseline whose decay is half of the run": (
        GOOD
        | {
            "baseline": {
                "hyperparameters": {
                    "optimizer": "momentum",
                    "schedule": "cosine",
                    "decay_steps": 25,
                }
            }
        },
        "baseline_idle",
        "The baseline's learning rate is below 1% of its peak for 52% of 50 steps",
    ),
    "another batch size than the baseline's": (
        {"baseline": {"batch_size": 64}, "search.trials": 12},
        "batch_size_changed",
        "The batch size is 32, and 64 in the baseline, while these are fixed: momentum",
    ),
    "depth and width as nuisances": (
        GOOD
        | {"nuisance.depth": {"choice": [1, 2]}, "nuisance.width": {"choice": [16, 32]}}
        | {"fixed": {"optimizer": "momentum"}},
        "size_as_nuisance",
        "depth, width is a nuisance hyperparameter",
    ),
    "a first study with all that there is": (
        GOOD | {"fixed": {"optimizer": "momentum", "schedule": "cosine", "clip_norm": 1.0}},
        "starts_with_extras",
        "fixes schedule, clip_norm",
    ),
    "a warmup of most of the run": (
        GOOD | {"nuisance.warmup_steps": {"int_uniform": [0, 30]}},
        "long_warmup",
        "A warmup of up to 30 of 50 steps",
    ),
    "a training objective of a sample": (
        GOOD | {"objective.metric": "train/error_rate"},
        "training_set_sampled",
        "measured on 300 of 1,197 training examples. Set training.train_sample: all",
    ),
    "three hyperparameters against one": (
        by_optimizer(
            {"nuisance": BOTH["nuisance"] | {"weight_decay": {"log_uniform": [1e-6, 1e-2]}}}
        )
        | {
            "conditional": [
                {
                    "when": {"optimizer": "nesterov"},
                    "nuisance": BOTH["nuisance"] | {"weight_decay": {"log_uniform": [1e-6, 1e-2]}},
                },
                {"when": {"optimizer": "adam"}, "nuisance": {"learning_rate": RATE}},
            ]
        },
        "unequal_dimensions",
        "optimizer=nesterov: 3 hyperparameters, 12 trials; optimizer=adam: 1 hyperparameters",
    ),
    "four hyperparameters with ten trials": (
        GOOD
        | {
            "nuisance.weight_decay": {"log_uniform": [1e-6, 1e-2]},
            "nuisance.dropout": {"uniform": [0, 0.5]},
            "search.trials": 10,
        },
        "many_dimensions",
        "all trials: 4 with 10 trials",
    ),
    "a linear learning rate": (
        GOOD | {"nuisance.learning_rate": {"uniform": [0.001, 0.1]}},
        "linear_learning_rate",
        "learning_rate (uniform [0.001, 0.1]) is searched on a linear scale",
    ),
}

SILENT = {
    "optimizers are drawn with ranges of their own": (OWN_RANGES, "one_range_for_all"),
    # name: (changes to the small spec; the rule)
    "ten trials": (GOOD | {"search.trials": 10}, "few_trials"),
    "one trial that searches nothing": (
        {"nuisance": {}, "fixed.learning_rate": 0.1, "search.trials": 1},
        "few_trials",
    ),
    "optimizers tuned each": (by_optimizer(BOTH), "optimizer_hyperparameters_fixed"),
    "nothing is compared": ({"search.trials": 12}, "optimizer_hyperparameters_fixed"),
    "a regularization is compared": (
        {"scientific": {"dropout": [0.0, 0.5]}, "search.trials": 12},
        "optimizer_hyperparameters_fixed",
    ),
    "Adam's others are a matter of the number of trials": (
        adam(9, {"learning_rate": RATE}) | {"scientific": {"depth": [1, 2]}},
        "optimizer_hyperparameters_fixed",
    ),
    "a learning rate is searched": (GOOD, "learning_rate_scientific"),
    "a dropout with none": (
        GOOD | {"scientific": {"dropout": [0, 0.5]}},
        "regularization_without_off",
    ),
    "a dropout as nuisance": (
        GOOD | {"nuisance.dropout": {"uniform": [0.1, 0.5]}},
        "regularization_without_off",
    ),
    "what is no regularization": (
        GOOD | {"scientific": {"clip_norm": [1.0, 2.0], "width": [8]}, "fixed.width": REMOVED},
        "regularization_without_off",
    ),
    "Adam, 9 trials": (adam(9, {"learning_rate": RATE}), "adam_against_trials"),
    "Adam, 10 trials": (adam(10, BY_B1), "adam_against_trials"),
    "Adam, 24 trials": (adam(24, BY_B1), "adam_against_trials"),
    "Adam, 25 trials": (adam(25, BY_EPSILON), "adam_against_trials"),
    "Adam, 49 trials": (adam(49, BY_EPSILON), "adam_against_trials"),
    "Adam, 50 trials": (adam(50, BY_B2), "adam_against_trials"),
    "another optimizer": ({"search.trials": 50}, "adam_against_trials"),
    "a logarithmic learning rate": (GOOD, "linear_learning_rate"),
    "two questions": (
        GOOD | {"scientific": {"depth": [1, 2], "dropout": [0.0, 0.1]}},
        "many_questions",
    ),
    "a dropout and tuned rates": (
        GOOD | {"scientific": {"dropout": [0.0, 0.5]}},
        "learning_rate_fixed",
    ),
    "widths without regularization": (
        GOOD | {"scientific": {"width": [16, 32]}, "fixed": {"optimizer": "momentum"}},
        "regularization_fixed",
    ),
    "batch sizes tuned each": (
        GOOD | {"scientific": {"batch_size": [32, 64]}, "training.batch_size": REMOVED},
        "batch_size_changed",
    ),
    "a baseline whose decay is the run": (
        GOOD | {"baseline": {"hyperparameters": {"optimizer": "momentum", "schedule": "cosine"}}},
        "baseline_idle",
    ),
    "the baseline's batch size": ({"baseline": {}, "search.trials": 12}, "batch_size_changed"),
    "an activation as nuisance": (
        GOOD | {"nuisance.activation": {"choice": ["relu", "tanh"]}},
        "size_as_nuisance",
    ),
    "a schedule that a baseline has": (
        GOOD | {"baseline": {}, "fixed": {"optimizer": "momentum", "schedule": "cosine"}},
        "starts_with_extras",
    ),
    "a simple start": (GOOD, "starts_with_extras"),
    "a warmup of a tenth": (
        GOOD | {"nuisance.warmup_steps": {"int_uniform": [0, 5]}},
        "long_warmup",
    ),
    "a training objective of all examples": (
        GOOD | {"objective.metric": "train/error_rate", "training.train_sample": "all"},
        "training_set_sampled",
    ),
    "with and without": (
        GOOD
        | {
            "scientific": {"dropout": [0.0, "searched"]},
            "nuisance.dropout": {"uniform": [0.1, 0.5]},
        },
        "unequal_dimensions",
    ),
    "four hyperparameters with twelve trials": (
        GOOD
        | {
            "nuisance.weight_decay": {"log_uniform": [1e-6, 1e-2]},
            "nuisance.dropout": {"uniform": [0, 0.5]},
        },
        "many_dimensions",
    ),
    "a linear dropout": (
        GOOD | {"nuisance.dropout": {"uniform": [0, 0.5]}},
        "linear_learning_rate",
    ),
    "chosen learning rates": (
        GOOD | {"nuisance.learning_rate": {"choice": [0.01, 0.1]}},
        "linear_learning_rate",
    ),
}


def planned(folder, changes):
    """The plan of the small spec with changes; a baseline is written beside it."""
    changes = dict(changes)
    if "baseline" in changes:
        baseline = {"workload": "digits_mlp", "hyperparameters": {"optimizer": "momentum"}}
        write_spec(folder / "base.yaml", baseline | changes["baseline"])
        changes["baseline"] = "base.yaml"
    return plan_of(folder, changes)


@pytest.mark.parametrize("name", SPEAKS)
def test_a_rule_speaks_where_it_is_broken(tmp_path, name):
    changes, rule, text = SPEAKS[name]
    (advice,) = (item for item in planned(tmp_path, changes).advice if item.rule == rule)
    assert text in advice.text
    assert advice.reason
    assert advice.section


@pytest.mark.parametrize("name", SILENT)
def test_a_rule_is_silent_where_it_is_kept(tmp_path, name):
    changes, rule = SILENT[name]
    assert rule not in {item.rule for item in planned(tmp_path, changes).advice}


def test_a_study_that_keeps_every_rule_gets_no_advice(tmp_path):
    assert plan_of(tmp_path, GOOD).advice == ()


def test_every_rule_is_tested_for_both():
    names = {rule.__name__ for rule in RULES}
    assert {rule for _, rule, _ in SPEAKS.values()} == names
    assert {rule for _, rule in SILENT.values()} == names


def test_advice_is_one_line_that_names_its_section(tmp_path):
    for name, (changes, _, _) in SPEAKS.items():
        for advice in planned(tmp_path, changes).advice:
            assert "\n" not in str(advice), name
            assert str(advice).endswith(f"(playbook: {advice.section})")


def test_the_number_of_trials_is_given(tmp_path):
    study = plan_of(tmp_path, GOOD).study
    assert [item.rule for item in advise(study, {"all trials": 3})] == ["few_trials"]
