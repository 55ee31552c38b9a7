"""What the next round is: the first question that is still open."""

import pytest

from tests.analysis.synthetic import make_reruns, make_study
from tests.procedures.test_next_study import SPEC, Round, boundary_row, numbers
from tests.specs import changed, write_spec
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.plan import study_of
from tuning_playbook.procedures.next_study import write_next_study
from tuning_playbook.study.read import read_spec

ARMS = ("optimizer=nesterov", "optimizer=adam")
SPREAD = (-0.002, -0.001, 0.0, 0.001, 0.002)

GOOD, BAD, NEAR = 0.10, 0.13, 0.1015

DROPOUT = {
    "goal": "Does dropout lower the validation error rate in 2,000 steps?",
    "scientific": {"dropout": [0.0, 0.2]},
}


def round_of(folder, levels, changes=None, findings=(), spread=SPREAD, base=SPEC):
    """Play a round whose arms' reruns have given means."""
    arms = [name for name in levels if name != "baseline"]
    study = make_study(arms=arms, effect=lambda arm, _: levels[arm] - GOOD)
    reruns = {arm: [level + deviation for deviation in spread] for arm, level in levels.items()}
    launch = decide(study, make_reruns(study, reruns), findings).to_json()
    return Round(folder, study, list(findings), changes, base, launch)


def at_the_edge(arm):
    row = boundary_row("learning_rate", arm, "high", [1e-5, 1.0])
    return Finding(
        "boundary", "?", "problem", "Found.", {"hyperparameters": [row]}, advice="Search wider."
    )


def test_an_answered_question_is_fixed_and_the_best_arm_tuned(tmp_path):
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD})
    document = done.document
    assert done.goal == (
        "Which weight_decay and learning_rate reach the lowest validation error rate in 2,000 "
        "steps with optimizer=adam?"
    )
    assert "scientific" not in document
    assert "conditional" not in document  # what held for adam holds without a condition
    assert document["fixed"]["optimizer"] == {
        "from": str(done.path),
        "of": "best",
        "arm": "optimizer=adam",
    }
    assert set(document["nuisance"]) == {"weight_decay", "learning_rate"}
    assert document["search"]["algorithm"] == "bayesian"
    assert "decided by first, which compared optimizer=nesterov, optimizer=adam" in done.comments


def test_the_next_question_comes_first_and_the_runner_up_with_it(tmp_path):
    base = {key: value for key, value in SPEC.items() if key not in ("scientific", "conditional")}
    base = changed(
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "nuisance.learning_rate": {"log_uniform": [1e-4, 1e-1]},
            "next_questions": [DROPOUT, DROPOUT | {"goal": "And then?"}],
        },
        base,
    )
    done = round_of(tmp_path, {"activation=relu": GOOD, "activation=tanh": BAD}, base=base)
    assert done.goal == DROPOUT["goal"]
    assert done.document["scientific"] == DROPOUT["scientific"]
    assert done.document["next_questions"] == [DROPOUT | {"goal": "And then?"}]
    assert done.document["confirm"] == {"arm": "activation=tanh", "trials": 10}
    # With another question the best learning rate may be another: nothing is narrowed or fixed.
    assert done.document["nuisance"] == base["nuisance"]
    assert list(done.plan.trials_per_arm) == [
        "dropout=0.0, activation=relu",
        "dropout=0.2, activation=relu",
        "dropout=0.2, activation=tanh",
    ]


def test_an_arm_with_conditions_of_its_own_is_not_confirmed_by_another_value_alone(tmp_path):
    changes = {"next_questions": [DROPOUT]}
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, changes)
    assert "confirm" not in done.document
    assert done.document["scientific"] == DROPOUT["scientific"]


def test_what_is_still_open_is_crossed_with_the_next_question(tmp_path):
    changes = {"next_questions": [DROPOUT]}
    done = round_of(tmp_path, {ARMS[0]: NEAR, ARMS[1]: GOOD}, changes)
    assert done.document["design"] == "joint"
    assert done.document["scientific"] == {**SPEC["scientific"], **DROPOUT["scientific"]}
    assert len(done.plan.study.arms) == 4
    assert done.document["search"]["trials"] == 40
    assert done.goal.startswith(DROPOUT["goal"])
    assert "which optimizer, adam or nesterov, is the better?" in done.goal


def test_a_question_that_the_winner_cannot_answer_is_not_asked(tmp_path):
    """Momentum is nesterov's alone, and adam has won: goal and spec are of the old question."""
    momentum = {"goal": "Which momentum?", "scientific": {"momentum": [0.8, 0.9]}}
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, {"next_questions": [momentum]})
    assert done.goal.startswith("Which optimizer, nesterov or adam, reaches the lowest")
    assert done.document["scientific"] == SPEC["scientific"]
    assert done.document["conditional"] == SPEC["conditional"]
    assert done.document["next_questions"] == [momentum]
    assert "breaks a rule. So the same is asked again" in done.comments
    assert "This round asks the next question" not in done.comments
    assert "Not carried out, the next question: The spec would break a rule:" in done.comments


def test_advice_of_every_arm_is_said_where_all_go_on(tmp_path):
    """Once a question is refused no arm is dropped, so advice of the losing arm matters again."""
    momentum = {"goal": "Which momentum?", "scientific": {"momentum": [0.8, 0.9]}}
    advice = Finding("overfitting", "?", "warning", "So.", arms=(ARMS[0],), advice="Add dropout.")
    changes = {"next_questions": [momentum]}
    levels = {ARMS[0]: BAD, ARMS[1]: GOOD}
    done = round_of(tmp_path, levels, changes, findings=[advice])
    assert "For you to judge, of overfitting: Add dropout." in done.comments


def test_what_cannot_be_crossed_is_asked_of_the_better_arm_alone(tmp_path):
    """Each optimizer has a range of its own for the learning rate, which is then given twice."""
    rates = {"goal": "Which learning rate?", "scientific": {"learning_rate": [0.01, 0.02]}}
    done = round_of(tmp_path, {ARMS[0]: NEAR, ARMS[1]: GOOD}, {"next_questions": [rates]})
    assert done.goal == "Which learning rate?"
    assert done.document["scientific"] == rates["scientific"]
    assert "design" not in done.document
    assert "optimizer=adam goes on, although more reruns might show otherwise" in done.comments
    assert "Not carried out, the next question beside the open one" in done.comments
    assert list(done.plan.trials_per_arm) == ["learning_rate=0.01", "learning_rate=0.02"]


def test_an_open_question_gets_the_reruns_that_would_settle_it(tmp_path):
    done = round_of(tmp_path, {ARMS[0]: NEAR, ARMS[1]: GOOD})
    seeds = done.document["reruns"]["seeds"]
    assert 5 < seeds <= 20
    assert f"judged by {seeds} reruns of each" in done.goal
    assert f"`reruns: {{seeds: {seeds}}}` in {done.path}" in done.comments


def test_what_few_reruns_would_not_settle_is_left(tmp_path):
    done = round_of(tmp_path, {ARMS[0]: GOOD + 1e-5, ARMS[1]: GOOD})
    assert done.document["search"]["algorithm"] == "bayesian"
    assert "would not settle that, so" in done.comments


def test_arms_that_lost_are_dropped_and_their_trials_go_to_the_others(tmp_path):
    base = {key: value for key, value in SPEC.items() if key not in ("scientific", "conditional")}
    base = changed(
        {
            "scientific": {"depth": [1, 2, 3, 4]},
            "nuisance.learning_rate": {"log_uniform": [1e-4, 1e-1]},
        },
        base,
    )
    levels = {"depth=1": BAD, "depth=2": GOOD, "depth=3": NEAR, "depth=4": BAD}
    done = round_of(tmp_path, levels, base=base)
    assert done.document["scientific"] == {"depth": [2, 3]}
    assert done.document["search"]["trials"] == 32
    assert "the 64 trials of the 4 arms before are shared out among the 2" in done.comments
    assert done.goal.startswith("Which depth, 2 or 3, reaches the lowest")


def test_arms_without_a_search_go_on_with_one_trial_each(tmp_path):
    base = {k: v for k, v in SPEC.items() if k not in ("nuisance", "conditional")}
    base |= {
        "scientific": {"depth": [1, 2, 3, 4]},
        "search": {"algorithm": "halton", "trials": 1},
    }
    levels = {"depth=1": BAD, "depth=2": GOOD, "depth=3": NEAR, "depth=4": BAD}
    done = round_of(tmp_path, levels, base=base)
    assert done.document["scientific"] == {"depth": [2, 3]}
    assert done.document["search"]["trials"] == 1
    assert "cannot run as it stands" not in done.comments
    assert done.document["training"]["seed"] == 1


def test_a_question_about_the_batch_size_takes_it_from_what_is_given(tmp_path):
    question = {"goal": "Which batch size?", "scientific": {"batch_size": [32, 64]}}
    changes = {"next_questions": [question]}
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, changes)
    assert done.goal == "Which batch size?"
    assert "batch_size" not in done.document["training"]
    assert list(done.plan.trials_per_arm) == ["batch_size=32", "batch_size=64"]


def test_the_runner_up_is_confirmed_by_what_it_has_other(tmp_path):
    """Width is what the runner-up has other than the winner; with the activation it is twice."""
    base = SPEC | {
        "scientific": {"activation": ["relu", "tanh"], "width": [16, 32]},
        "conditional": [],
        "next_questions": [DROPOUT],
    }
    levels = {
        "activation=relu, width=16": GOOD,
        "activation=relu, width=32": (GOOD + BAD) / 2,
        "activation=tanh, width=16": BAD,
        "activation=tanh, width=32": BAD,
    }
    done = round_of(tmp_path, levels, base=base)
    assert done.goal == DROPOUT["goal"]
    assert done.document["confirm"] == {"arm": "width=32", "trials": 10}
    assert len(done.plan.study.arms) == 3


UNSEARCHED = {k: v for k, v in SPEC.items() if k not in ("nuisance", "conditional")} | {
    "scientific": {"activation": ["relu", "tanh"]},
    "search": {"algorithm": "halton", "trials": 1},
    "next_questions": [DROPOUT],
}
"""A spec without nuisance hyperparameters: each arm is one configuration."""


@pytest.mark.parametrize("tanh", [BAD, NEAR], ids=["asked", "crossed"])
def test_without_nuisances_each_arm_of_the_next_question_is_trained_once(tmp_path, tanh):
    levels = {"activation=relu": GOOD, "activation=tanh": tanh}
    done = round_of(tmp_path, levels, base=UNSEARCHED)
    assert done.goal.startswith(DROPOUT["goal"])
    assert done.document["search"]["trials"] == 1
    assert "design" not in done.document
    assert "Not carried out" not in done.comments
    relu, tanh_too = ("activation=relu", "activation=tanh")
    arms = {
        BAD: ["dropout=0.0, " + relu, "dropout=0.2, " + relu, "dropout=0.2, " + tanh_too],
        NEAR: [f"{arm}, dropout={rate}" for arm in (relu, tanh_too) for rate in (0.0, 0.2)],
    }
    assert done.plan.trials_per_arm == dict.fromkeys(arms[tanh], 1)
    # Where dropout is 0 the configuration is the parent's, so its seed is another.
    assert done.document["training"]["seed"] == 1


def test_a_question_about_all_that_was_searched_leaves_no_search(tmp_path):
    changes = {
        "next_questions": [{"goal": "How much?", "scientific": {"weight_decay": [0.0, 1.0]}}]
    }
    done = round_of(tmp_path, {"all trials": GOOD}, changes, base=ONE_ARM)
    assert done.plan.trials_per_arm == {"weight_decay=0.0": 1, "weight_decay=1.0": 1}


RATES = [{"learning_rate": rate, "weight_decay": decay} for rate, decay in
         ((0.01, 1e-5), (0.02, 1e-4), (0.02, 1e-3))]  # fmt: skip


def listing(trials, **changes):
    """A spec whose search lists its trials."""
    base = {key: value for key, value in SPEC.items() if key != "conditional"}
    return {**base, "search": {"algorithm": "list", "trials": trials}, **changes}


class TestTheNextQuestionAfterAListOfTrials:
    def test_listed_values_are_a_choice(self, tmp_path):
        base = listing(RATES, next_questions=[DROPOUT])
        done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, base=base)
        assert done.document["nuisance"] == {
            "weight_decay": SPEC["nuisance"]["weight_decay"],
            "learning_rate": {"choice": [0.01, 0.02]},
        }
        assert "answer: as the trials before were listed." in done.comments
        trained = {item.trial.hyperparameters["learning_rate"] for item in done.plan.trials}
        assert trained == {0.01, 0.02}

    def test_one_value_is_fixed(self, tmp_path):
        trials = [{"learning_rate": 0.02, "weight_decay": decay} for decay in (1e-5, 1e-4)]
        base = listing(trials, nuisance={}, next_questions=[DROPOUT])
        done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, base=base)
        assert done.document["fixed"]["learning_rate"] == 0.02
        assert done.document["nuisance"] == {"weight_decay": {"choice": [1e-5, 1e-4]}}

    def test_a_trial_that_does_not_name_it_had_the_default(self, tmp_path):
        trials = [{"one_minus_b1": 0.05, "learning_rate": 0.01}, {"learning_rate": 0.01}]
        base = listing(
            trials, scientific={}, nuisance={}, fixed={"optimizer": "adam"},
            next_questions=[DROPOUT],
        )  # fmt: skip
        done = round_of(tmp_path, {"all trials": GOOD}, base=base)
        assert done.document["nuisance"] == {"one_minus_b1": {"choice": [0.05, 0.1]}}

    def test_the_question_about_a_listed_one_takes_its_place(self, tmp_path):
        question = {"goal": "Which rate?", "scientific": {"learning_rate": [0.1, 0.2]}}
        base = listing(RATES, next_questions=[question])
        done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, base=base)
        assert done.document["scientific"] == question["scientific"]
        assert "learning_rate" not in done.document["nuisance"]

    def test_crossed_arms_keep_the_values_of_their_own(self, tmp_path):
        trials = [
            {"optimizer": name, "learning_rate": rate}
            for name, rates in (("nesterov", (0.1, 0.2)), ("adam", (0.001, 0.002)))
            for rate in rates
        ]
        base = listing(trials, nuisance={}, next_questions=[DROPOUT])
        done = round_of(tmp_path, {ARMS[0]: NEAR, ARMS[1]: GOOD}, base=base)
        assert done.document["design"] == "joint"
        trained = {
            (item.trial.hyperparameters["optimizer"], item.trial.hyperparameters["learning_rate"])
            for item in done.plan.trials
        }
        assert trained == {
            ("nesterov", 0.1), ("nesterov", 0.2), ("adam", 0.001), ("adam", 0.002)
        }  # fmt: skip


SAMPLED = {"goal": "Which dropout?", "scientific": {"dropout": {"uniform": [0.0, 0.5]}}}


class TestWhatIsSampledOverARange:
    @staticmethod
    def joint(**changes):
        """A spec that samples label smoothing together with its nuisance."""
        return {
            **{key: value for key, value in SPEC.items() if key != "conditional"},
            "scientific": {"label_smoothing": {"uniform": [0.0, 0.3]}},
            "design": "joint",
            **changes,
        }

    def test_it_is_asked_in_a_joint_design(self, tmp_path):
        base = {**UNSEARCHED, **{key: SPEC[key] for key in ("nuisance", "search")}}
        base["next_questions"] = [SAMPLED]
        levels = {"activation=relu": GOOD, "activation=tanh": BAD}
        done = round_of(tmp_path, levels, base=base)
        assert done.goal == "Which dropout?"
        assert done.document["scientific"] == SAMPLED["scientific"]
        assert done.document["design"] == "joint"
        assert "confirm" not in done.document
        assert done.plan.trials_per_arm == {"all trials": 16}

    def test_beside_listed_values_each_arm_has_the_trials(self, tmp_path):
        question = {"goal": "?", "scientific": {**SAMPLED["scientific"], "depth": [1, 2]}}
        changes = {"next_questions": [question]}
        done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, changes)
        assert done.plan.trials_per_arm == {"depth=1": 16, "depth=2": 16}

    def test_few_whole_numbers_are_arms_where_nothing_is_searched(self, tmp_path):
        question = {"goal": "?", "scientific": {"depth": {"int_uniform": [1, 3]}}}
        base = {**UNSEARCHED, "next_questions": [question]}
        levels = {"activation=relu": GOOD, "activation=tanh": BAD}
        done = round_of(tmp_path, levels, base=base)
        assert done.document["scientific"] == {"depth": [1, 2, 3]}
        assert set(done.plan.trials_per_arm.values()) == {1}

    def test_a_listed_question_follows_it(self, tmp_path):
        base = self.joint(next_questions=[DROPOUT])
        done = round_of(tmp_path, {"all trials": GOOD}, base=base)
        assert done.goal == DROPOUT["goal"]
        assert done.document["scientific"] == DROPOUT["scientific"]
        assert done.document["nuisance"] == base["scientific"] | base["nuisance"]
        assert "design" not in done.document

    def test_a_listed_question_about_the_same_takes_its_place(self, tmp_path):
        question = {"goal": "On or off?", "scientific": {"label_smoothing": [0.0, 0.1]}}
        base = self.joint(next_questions=[question])
        done = round_of(tmp_path, {"all trials": GOOD}, base=base)
        assert done.document["scientific"] == question["scientific"]
        assert done.document["nuisance"] == base["nuisance"]


def test_an_arm_that_lost_at_an_edge_is_asked_about_again(tmp_path):
    levels = {ARMS[0]: GOOD, ARMS[1]: BAD}
    done = round_of(tmp_path, levels, findings=[at_the_edge(ARMS[1])])
    assert done.document["scientific"] == SPEC["scientific"]
    assert "optimizer=adam lie at the edge" in done.comments
    assert done.goal.endswith("with learning_rate searched up to 1?")


def test_a_winner_at_an_edge_has_won_all_the_same(tmp_path):
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, findings=[at_the_edge(ARMS[1])])
    assert "scientific" not in done.document
    assert done.document["nuisance"]["learning_rate"] == {"log_uniform": [1e-5, 1.0]}


ONE_ARM = {key: value for key, value in SPEC.items() if key not in ("scientific", "conditional")}
BAYESIAN = ONE_ARM | {"search": {"algorithm": "bayesian", "trials": 16, "initial": 10, "rounds": 2}}


def test_after_exploitation_comes_the_launch_on_fresh_seeds(tmp_path):
    done = round_of(tmp_path, {"all trials": GOOD}, base=BAYESIAN)
    assert done.document["search"] == {"algorithm": "halton", "trials": 1}
    assert "nuisance" not in done.document
    assert done.document["training"]["seed"] == 1
    assert done.document["reruns"] == {"seeds": 10}
    assert len(done.plan.trials) == 1


ONE_VALUE = SPEC | {
    "scientific": {"optimizer": ["adam"]},
    "conditional": [
        {
            "when": {"optimizer": "adam"},
            "fixed": {"one_minus_b1": 0.05},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
        }
    ],
}
"""A spec whose one scientific hyperparameter has one value, which its configuration hangs on."""

FLAT = Finding("nothing_matters", "?", "warning", "So.", advice="Leave it.")


@pytest.mark.parametrize(
    ("findings", "kind"), [([FLAT], "halton"), ([], "bayesian")], ids=["launched", "exploited"]
)
def test_a_scientific_hyperparameter_of_one_value_stays_what_it_was(tmp_path, findings, kind):
    done = round_of(tmp_path, {ARMS[1]: GOOD}, findings=findings, base=ONE_VALUE)
    assert done.document["search"]["algorithm"] == kind
    assert "scientific" not in done.document
    fixed = done.document["fixed"]
    assert {"optimizer": "adam", "one_minus_b1": 0.05}.items() <= fixed.items()
    (arm,) = done.plan.study.arms
    assert arm.fixed["b1"] == pytest.approx(0.95)
    assert "Not carried out" not in done.comments


def test_a_listed_truth_value_and_whole_number_are_launched_as_such(tmp_path):
    """A dataset holds a truth value as a text, and a whole number beside a missing one as float."""
    base = listing(
        [{"nesterov": True, "depth": 2}, {"nesterov": False, "depth": 1}],
        scientific={}, nuisance={}, fixed={"optimizer": "optax.adam"},
    )  # fmt: skip
    study = make_study(arms=["all trials"], trials=2, searched=[])
    best = int(study["objective"].to_numpy().argmin())
    texts, depths = ["true", "true"], [1.0, 1.0]
    texts[best], depths[best] = "false", 2.0
    study["hp_nesterov"], study["hp_depth"] = ("trial", texts), ("trial", depths)
    reruns = make_reruns(study, {"all trials": [GOOD + deviation for deviation in SPREAD]})
    launch = decide(study, reruns, []).to_json()
    done = Round(tmp_path, study, [], base=base, launch=launch)
    assert done.document["fixed"] == {"optimizer": "optax.adam", "nesterov": False, "depth": 2}
    assert type(done.document["fixed"]["depth"]) is int


def test_where_nothing_that_was_searched_matters_it_is_not_searched_again(tmp_path):
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, findings=[FLAT])
    assert done.document["search"] == {"algorithm": "halton", "trials": 1}
    assert "explains nothing beyond what training again differs by" in done.comments


def test_a_best_arm_that_hardly_beats_chance_is_no_answer(tmp_path):
    poor = Finding("beats_chance", "?", "problem", "So.", arms=ARMS, advice="Look for a bug.")
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, findings=[poor])
    assert done.document["scientific"] == SPEC["scientific"]
    assert "For you to judge, of beats_chance: Look for a bug." in done.comments


def test_after_the_launch_nothing_is_left_to_ask(tmp_path):
    base = {key: value for key, value in ONE_ARM.items() if key != "nuisance"}
    base |= {"search": {"algorithm": "halton", "trials": 1}}
    study = make_study(arms=["all trials"], trials=1, searched=[])
    reruns = make_reruns(study, {"all trials": [GOOD + deviation for deviation in SPREAD]})
    launch = decide(study, reruns, []).to_json()
    spec = study_of(read_spec(write_spec(tmp_path / "last.yaml", base)))
    text = write_next_study(spec, study, [], launch, file=tmp_path / "next_study.yaml")
    assert all(line.startswith("#") for line in text.splitlines())
    assert "Nothing is left to ask" in text


@pytest.mark.parametrize(
    ("changes", "proposed"),
    [
        ({}, 4000),
        ({"training.steps": "given"}, 2000),
        ({"goal": "Which is the best in 2,000 steps?"}, 2000),
        ({"fixed": {"schedule": "cosine"}}, 2000),
    ],
    ids=["nothing against it", "given", "in the goal", "decayed"],
)
def test_other_steps_are_proposed_only_where_the_question_allows_it(tmp_path, changes, proposed):
    late = numbers(
        "best_steps",
        max_train_steps=2000,
        proposed_max_train_steps=4000,
        feasible=32,
        in_last_part=30,
        in_first_part=2,
    )
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, changes, [late])
    assert done.document["training"]["max_train_steps"] == proposed
    assert f"{proposed:,} steps" in done.goal
    if proposed == 2000:
        assert "Do something." not in done.comments


def test_a_check_that_lacks_evaluations_gets_them(tmp_path):
    finding = Finding("periodicity", "?", "cannot tell", "So.", advice="Evaluate more often.")
    changes = {"training.eval_every": 500}
    done = round_of(tmp_path, {ARMS[0]: BAD, ARMS[1]: GOOD}, changes, [finding])
    assert done.document["training"]["eval_every"] == 100
    assert "For you to judge, of periodicity" not in done.comments


def test_ranges_are_narrowed_to_where_the_better_trials_lie(tmp_path):
    study = make_study(
        arms=list(ARMS),
        effect=lambda arm, at: 0.5 * abs(at["learning_rate"] - 0.5) + 0.03 * (arm == ARMS[0]),
        trial_noise=0.001,
    )
    reruns = {ARMS[0]: [BAD + d for d in SPREAD], ARMS[1]: [GOOD + d for d in SPREAD]}
    launch = decide(study, make_reruns(study, reruns), []).to_json()
    done = Round(tmp_path, study, [], launch=launch)
    low, high = done.document["nuisance"]["learning_rate"]["log_uniform"]
    assert 1e-5 < low < 1e-3 < high < 1e-1  # the best lies in the middle
    assert high / low < 1e-1 / 1e-5 / 10
