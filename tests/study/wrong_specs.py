"""Specs with one thing wrong each, and what the message must say."""

from typing import Any

from tests.specs import REMOVED

WRONG: dict[str, tuple[dict[str, Any] | str, str]] = {
    # what is wrong: (changes to the small spec, or a whole text; a part of the message)
    "unknown key": ({"serach": {}}, "did you mean 'search'?"),
    "unknown nested key": ({"training.eval_evry": 5}, "did you mean 'eval_every'?"),
    "misspelt hyperparameter": (
        {"nuisance.learning_rte": {"uniform": [0, 1]}},
        "did you mean 'learning_rate'?",
    ),
    "hyperparameter of another optimizer": ({"fixed.b1": 0.9}, "only of adam, nadam"),
    "searched without a range": (
        {"scientific": {"dropout": [0.0, "searched"]}},
        "scientific.dropout: 'dropout' is to be searched in one arm: give its range",
    ),
    "searched in a list of trials": (
        {
            "scientific": {"dropout": [0.0, "searched"]},
            "nuisance.dropout": {"uniform": [0.1, 0.5]},
            "search": {"algorithm": "list", "trials": [{"learning_rate": 0.1}]},
        },
        "'searched' draws values from a range",
    ),
    "a searched batch size": (
        {
            "scientific": {"batch_size": [32, "searched"]},
            "training.batch_size": REMOVED,
        },
        "never a nuisance hyperparameter",
    ),
    "simpler than what is not compared": (
        {"launch": {"simpler": {"activation": "relu"}}},
        "launch.simpler.activation: 'activation' never takes the value 'relu'",
    ),
    "a range that falls": (
        {"objective.range": [1.0, 0.0]},
        "objective: the range of the metric must rise, not go from 1 to 0",
    ),
    "a range without an end": ({"objective.range": [0.0]}, "objective.range: "),
    "a target that is no number": (
        {"objective.target": "low"},
        "objective.target: must be a number, not 'low'",
    ),
    "a target that is not finite": (
        {"objective.target": float("inf")},
        "objective.target: input should be a finite number, not inf",
    ),
    "a target that the metric never has": (
        {"objective.target": -0.1},
        "objective.target: validation/error_rate is never -0.1: it lies in [0, 1]",
    ),
    "a target that the range excludes": (
        {"objective.range": [0.1, None], "objective.target": 0.05},
        "objective.target: validation/error_rate is never 0.05: it lies in [0.1, inf]",
    ),
    "a target that everything reaches": (
        {"objective.target": 1.0},
        "objective.target: every value of validation/error_rate is as good as 1",
    ),
    "unknown optimizer": ({"fixed.optimizer": "adm"}, "did you mean 'adam'?"),
    "unknown choice": ({"fixed.activation": "rleu"}, "must be one of 'relu', 'tanh', 'gelu'"),
    "value out of range": ({"fixed.momentum": 1.5}, "at most 0.9999999"),
    "text for a number": ({"fixed.width": "wide"}, "takes a number"),
    "fraction of a unit": ({"fixed.width": 16.5}, "takes a whole number"),
    "reversed range": ({"nuisance.learning_rate": {"log_uniform": [0.1, 0.001]}}, "low < high"),
    "log range through zero": (
        {"nuisance.learning_rate": {"log_uniform": [0, 0.1]}},
        "reaches zero",
    ),
    "two distributions": (
        {"nuisance.learning_rate": {"uniform": [0, 1], "choice": [1]}},
        "exactly one distribution",
    ),
    "range outside what is valid": (
        {"nuisance.one_minus_momentum": {"uniform": [0.5, 2.0]}},
        "sets momentum to -1",
    ),
    "real range for an integer": (
        {"nuisance.depth": {"uniform": [1, 3]}},
        "use int_uniform",
    ),
    "rounds of unequal size": (
        {"search": {"algorithm": "bayesian", "trials": 48, "rounds": 5, "initial": 12}},
        "47 trials would be 7 a round",
    ),
    "no trials for the rounds": (
        {"search": {"algorithm": "bayesian", "trials": 4, "rounds": 2}},
        "12 trials would be 1 a round",
    ),
    "a list searched again": (
        {"search": {"algorithm": "list", "trials": [{}]}, "replicates": 2},
        "a search by list is not made again with another seed",
    ),
    "rounds made again": (
        {
            "search": {"algorithm": "bayesian", "trials": 12, "rounds": 2},
            "replicates": 2,
        },
        "a search by bayesian is not made again",
    ),
    "data that cannot be divided otherwise": (
        {
            "workload": "text_transformer",
            "objective.metric": "validation/loss",
            "fixed": REMOVED,
            "reruns.splits": 5,
        },
        "workload 'text_transformer' cannot divide its data otherwise",
    ),
    "zero trials": ({"search.trials": 0}, "greater than or equal to 1, not 0"),
    "unknown algorithm": ({"search.algorithm": "haton"}, "did you mean 'halton'?"),
    "condition on what is not scientific": (
        {"conditional": [{"when": {"activation": "relu"}, "fixed": {"depth": 2}}]},
        "'activation' is not scientific here, nor a choice under 'nuisance'",
    ),
    "condition on a value never taken": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [{"when": {"activation": "gelu"}, "fixed": {"depth": 2}}],
        },
        "never takes the value 'gelu'",
    ),
    "two roles": ({"fixed.learning_rate": 0.1}, "a hyperparameter has one role"),
    "a seed of a search that draws nothing": (
        {"search": {"algorithm": "grid", "points": 3, "seed": 1}},
        "search.seed: this search draws nothing; training.seed gives",
    ),
    "seeds searched": ({"nuisance.seed": {"int_uniform": [0, 9]}}, "a lucky seed is no better"),
    "steps searched": (
        {"nuisance.max_train_steps": {"int_uniform": [10, 90]}},
        "is one value for every trial of a study and is never tuned",
    ),
    "batch size as nuisance": (
        {"nuisance.batch_size": {"choice": [32, 64]}},
        "the batch size is never a nuisance hyperparameter",
    ),
    "optimizer compared and searched": (
        {
            "scientific.optimizer": ["adam", "searched"],
            "nuisance.optimizer": {"choice": ["adam", "nadam"]},
            "fixed.optimizer": REMOVED,
        },
        "the optimizer is compared or searched, not both",
    ),
    "a hyperparameter of one optimizer where several are drawn": (
        {
            "nuisance": {
                "optimizer": {"choice": ["adam", "nesterov"]},
                "b1": {"uniform": [0.8, 0.95]},
            },
            "fixed.optimizer": REMOVED,
        },
        "'b1' is no hyperparameter of optimizer 'nesterov'",
    ),
    "what is scientific under a nuisance choice": (
        {
            "nuisance.optimizer": {"choice": ["adam", "nesterov"]},
            "fixed.optimizer": REMOVED,
            "conditional": [{"when": {"optimizer": "adam"}, "scientific": {"b1": [0.8, 0.9]}}],
        },
        "'optimizer' is a nuisance hyperparameter here, so part of the trials alone",
    ),
    "a listed trial with a choice that cannot be drawn": (
        {
            "nuisance": {
                "optimizer": {"choice": ["nesterov", "adam"]},
                "learning_rate": {"log_uniform": [1e-4, 1.0]},
            },
            "fixed.optimizer": REMOVED,
            "search": {
                "algorithm": "list",
                "trials": [{"optimizer": "sgd", "learning_rate": 0.1}],
            },
        },
        "lies outside what can be drawn here: optimizer sgd",
    ),
    "a choice that no variable can be named by": (
        {
            "nuisance": {"activation": {"choice": ["relu", "a/b"]}},
            "conditional": [
                {"when": {"activation": "a/b"}, "nuisance": {"dropout": {"uniform": [0, 0.5]}}}
            ],
        },
        "give values without '/'",
    ),
    "optimizer that is drawn and unknown": (
        {"nuisance.optimizer": {"choice": ["adam", "adan"]}, "fixed.optimizer": REMOVED},
        "nuisance.optimizer",
    ),
    "metric that does not exist": (
        {"objective.metric": "validation/eror_rate"},
        "did you mean 'validation/error_rate'?",
    ),
    "objective on the test split": ({"objective.metric": "test/loss"}, "read once, at the end"),
    "what is read of the test set": ({"test.evaluate": "all"}, "test.evaluate: must be 'best'"),
    "folding that is no truth value": ({"final.fold_validation": "yes"}, "final.fold_validation"),
    "workload that does not exist": ({"workload": "digit_mlp"}, "did you mean 'digits_mlp'?"),
    "workload that cannot be imported": (
        {"workload": "nowhere.at_all:Model"},
        "cannot be imported",
    ),
    "evaluation misses the last step": ({"training.eval_every": 30}, "does not divide"),
    "no goal": ({"goal": REMOVED}, "goal: this key is required and missing"),
    "nothing to search": ({"nuisance": {}}, "nothing is searched in the arm 'all trials'"),
    "listed trial with a fixed name": (
        {"search": {"algorithm": "list", "trials": [{"learning_rate": 0.01, "width": 8}]}},
        "'width' is fixed in this study",
    ),
    "listed trial that overrides a fixed value": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [{"when": {"activation": "relu"}, "fixed": {"one_minus_momentum": 0.2}}],
            "nuisance": {},
            "search": {"algorithm": "list", "trials": [{"learning_rate": 0.01, "momentum": 0.5}]},
        },
        "'momentum' has its value in the arm 'activation=relu'",
    ),
    "listed trials that spell a name in two ways": (
        {
            "nuisance": {},
            "search": {
                "algorithm": "list",
                "trials": [{"momentum": 0.5}, {"one_minus_momentum": 0.1}],
            },
        },
        "is written elsewhere as 'momentum'",
    ),
    "a value that stands twice": ({"scientific": {"depth": [1, 1.0]}}, "a value is named twice"),
    "a truth value for a number": (
        {
            "scientific": {"depth": [1, 2]},
            "conditional": [{"when": {"depth": True}, "fixed": {"activation": "tanh"}}],
        },
        "'depth' never takes the value 'true'",
    ),
    "more lanes than trials in a job": ({"resources.lanes": 4}, "raise it, or lower lanes"),
    "more devices than lanes have work for": (
        {"resources": {"trials_per_job": 5, "lanes": 2, "devices": 4}},
        "5 trials in lanes of 2 are work for 3 devices",
    ),
    "a batch that cannot be shared out": ({"resources.devices": 3}, "equal parts of a batch of"),
    "a batch that nodes cannot share": ({"resources.nodes": 5}, "5 devices in all cannot"),
    "lanes on several nodes": (
        {"resources": {"trials_per_job": 2, "lanes": 2, "nodes": 2}},
        "nothing to say to each other",
    ),
    "more devices than GPUs": ({"resources": {"gpus": 1, "devices": 2}}, "gpus is 1: raise it"),
    "baseline that does not exist": ({"baseline": "nowhere.yaml"}, "there is no file"),
    "an empty file": ("", "is empty"),
    "only a comment": ("# nothing\n", "is empty"),
    "a list": ("- goal\n", "is a mapping of keys to values"),
    "not YAML": ("goal: [1, 2\n", "not valid YAML"),
    "a key twice": ("goal: a\ngoal: b\n", "give each key once"),
    "a tag that would make an object": (
        "goal: !!python/object/apply:os.system ['true']\n",
        "plain values only",
    ),
    "a value that contains itself": (
        "conditional: &part [{conditional: *part}]\n",
        "does one contain itself",
    ),
    "too many steps": (
        {"training.max_train_steps": 10**21},
        "training.max_train_steps: it is more than 2,147,483,647: steps are counted with 32 bits",
    ),
    "too many evaluations": (
        {"training.max_train_steps": 2 * 10**9, "training.eval_every": 1},
        "training: that is 2,000,000,000 evaluations of each trial, more than 1,000,000",
    ),
    "too many trials": ({"search.trials": 10**9}, "search.trials: it is more than 100,000: each"),
    "too many points": (
        {"search": {"algorithm": "grid", "points": 10**9}},
        "search.points: it is more than 100,000: each is a trial at least",
    ),
    "too many rerun seeds": ({"reruns.seeds": 10**9}, "reruns.seeds: it is more than 1,000: each"),
    "too many replicates": ({"replicates": 10**9}, "replicates: it is more than 1,000: each"),
    "too many slices": ({"isolation": {"slices": 10**9}}, "isolation.slices: it is more than"),
    "too many listed values": (
        {"nuisance": {"width": {"choice": list(range(10_001))}}},
        "nuisance.width.choice: 10,001 items are more than 10,000",
    ),
    "aliases that stand for many values": (
        "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "with its aliases written out it has 1234567900 values, more than the 100,000",
    ),
    "a long note": (f"notes: {'a' * 2**19}\n", "bytes, more than the 524,288 that are read"),
    "a bound that no number holds": (
        {"nuisance": {"learning_rate": {"log_uniform": [1, 10**400]}}},
        "nuisance.learning_rate: log_uniform takes bounds that a floating-point number can hold",
    ),
    "nothing where a value belongs": (
        {"fixed.momentum": None},
        "fixed.momentum: must be true or false, a number or a text, not null",
    ),
    "nothing where a text belongs": ({"goal": None}, "goal: must be a text, not null; leave"),
    "a key that a terminal would obey": (
        {"fixed": {"a\x1b[2Jb": 1}},
        "fixed.a\\x1b[2Jb: 'a\\x1b[2Jb' is no name",
    ),
    "a date where a text belongs": ({"goal": 5}, "goal: input should be a valid string"),
}

WRONG_DESIGNS: dict[str, tuple[dict[str, Any] | str, str]] = {
    # the same, of conditions and joint designs
    "nested condition on a value never taken": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [
                {
                    "when": {"activation": "relu"},
                    "scientific": {"depth": [1, 2]},
                    "conditional": [{"when": {"depth": 3}, "fixed": {"dropout": 0.1}}],
                }
            ],
        },
        "conditional[0].conditional[0].when.depth: 'depth' never takes the value '3'",
    ),
    "nested condition that never holds": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [
                {
                    "when": {"activation": "relu"},
                    "conditional": [{"when": {"activation": "tanh"}, "fixed": {"depth": 1}}],
                }
            ],
        },
        "nothing meets this condition",
    ),
    "two conditions that give one name in one arm": (
        {
            "scientific": {"activation": ["relu", "tanh"], "depth": [1, 2]},
            "conditional": [
                {"when": {"activation": "relu"}, "fixed": {"dropout": 0.1}},
                {"when": {"depth": 1}, "nuisance": {"dropout": {"uniform": [0, 1]}}},
            ],
        },
        "'dropout' is given twice in one arm",
    ),
    "a condition without a value": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [{"when": {"activation": []}, "fixed": {"depth": 1}}],
        },
        "at least 1 item",
    ),
    "a batch size that is scientific under a condition": (
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "conditional": [{"when": {"activation": "relu"}, "scientific": {"batch_size": [8]}}],
        },
        "scientific in every arm or in none",
    ),
    "a number beyond 32 bits": (
        {"nuisance.learning_rate": {"log_uniform": [1.0e-3, 1.0e39]}},
        "nuisance.learning_rate: 'learning_rate' is more than a 32-bit number holds, 3.4e+38",
    ),
    "a whole number beyond 32 bits": (
        {"fixed.momentum": 10**400},
        "fixed.momentum: 'momentum' is more than a 32-bit number holds",
    ),
    "a number that 32 bits round to zero": (
        {"fixed.weight_decay": 1.0e-60},
        "fixed.weight_decay: 'weight_decay' is 1e-60, and a 32-bit number holds none but 0 below",
    ),
    "a scientific value that is no list": (
        {"scientific": {"depth": 2}},
        "scientific.depth: input should be a valid list, not 2",
    ),
    "a scientific distribution in a separate design": (
        {"scientific": {"depth": {"int_uniform": [1, 3]}}},
        "write 'design: joint', or list its values",
    ),
    "a joint grid": (
        {"design": "joint", "search": {"algorithm": "grid", "points": 3}},
        "with halton or random, not with grid",
    ),
    "a joint design of arms that search nothing": (
        {
            "design": "joint",
            "scientific": {"depth": [1, 2]},
            "nuisance": REMOVED,
            "search.trials": 2,
        },
        "or 'trials: 1' in a separate design",
    ),
    "more arms than anyone compares": (
        {
            "scientific": {
                "normalization": ["none", "layer"],
                "depth": list(range(1, 64)),
                "dropout": [number / 100 for number in range(100)],
            }
        },
        "more than 10,000",
    ),
    "a condition on a range": (
        {
            "design": "joint",
            "scientific": {"dropout": {"uniform": [0, 0.5]}},
            "conditional": [{"when": {"dropout": 0.1}, "fixed": {"depth": 1}}],
        },
        "'dropout' is sampled over a range",
    ),
    "a range of batch sizes": (
        {
            "design": "joint",
            "scientific": {"batch_size": {"log_int_uniform": [8, 64]}},
            "training.batch_size": REMOVED,
        },
        "list the batch sizes",
    ),
}
