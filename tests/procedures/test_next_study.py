"""The spec of the next round carries out what the findings ask, and is valid whatever they say."""

import shutil

import pytest

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, make_study
from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.importance import importance
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.plan import check_trials, plan_study, study_of
from tuning_playbook.procedures.next_study import write_next_study
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.read import read_spec
from tuning_playbook.study.yaml import read_yaml

SPEC = {
    "goal": "Which optimizer?",
    "workload": "digits_mlp",
    "objective": {"metric": "validation/error_rate", "mode": "min"},
    "training": {"max_train_steps": 2000, "batch_size": 64, "eval_every": 100},
    "scientific": {"optimizer": ["nesterov", "adam"]},
    "nuisance": {"weight_decay": {"log_uniform": [1e-6, 1e-2]}},
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {
                "learning_rate": {"log_uniform": [1e-3, 1.0]},
                "one_minus_momentum": {"log_uniform": [1e-3, 1.0]},
            },
        },
        {
            "when": {"optimizer": "adam"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
        },
    ],
    "search": {"algorithm": "halton", "trials": 16, "seed": 0},
}
"""The study whose trials `synthetic.make_study` makes up."""


UNDECIDED = {"decision": "undecided", "candidate": None}
"""Of an incomplete study: the same is asked again, so what the findings change stands alone."""


def again(base, **changes):
    """Return what a round is that asks the same with other points: all but its goal."""
    search = {**base["search"], "seed": base["search"].get("seed", 0) + 1}
    return {key: value for key, value in base.items() if key != "goal"} | {
        "search": search,
        **changes,
    }


class Round:
    """One round: its spec, its trials, what was found, and the spec of the next."""

    def __init__(self, folder, dataset, findings, changes=None, base=SPEC, launch=UNDECIDED):
        self.path = write_spec(folder / "first.yaml", changed(changes or {}, base))
        self.study = study_of(read_spec(self.path))
        self.file = folder / "next_study.yaml"
        text = write_next_study(self.study, dataset, findings, launch, file=self.file)
        self.file.write_text(text)
        self.text = text
        self.comments = " ".join(
            line.strip().lstrip("# ") for line in text.splitlines() if line.strip().startswith("#")
        )
        self.document = read_yaml(self.file, what="study spec")[0]
        self.goal = self.document.pop("goal")
        # The project's own reader, every rule included.
        self.plan = plan_chain([self.file])[self.file.stem].plan
        check_trials(self.plan)


@pytest.fixture
def following(tmp_path):
    return lambda dataset, findings, *args, **options: Round(
        tmp_path, dataset, findings, *args, **options
    )


def numbers(check, **content):
    return Finding(check, "?", "warning", "Found.", content, advice="Do something.")


def boundary_row(name, arm, edge, proposed, *, alone=False):
    row = {"hyperparameter": name, "arm": arm, "edge": edge, "proposed_range": proposed}
    return row | {"on_the_very_edge": alone}


def test_a_real_checklist_of_a_study_with_its_best_at_an_edge(following):
    """Adam is better the larger its learning rate; nothing else matters."""
    dataset = make_study(effect=lambda arm, at: -0.08 * at["learning_rate"] * (arm == ADAM))
    found = [*diagnose(dataset), importance(dataset)]
    done = following(dataset, found)
    range_ = done.document["conditional"][1]["nuisance"]["learning_rate"]["log_uniform"]
    assert range_[0] == 1e-5
    assert range_[1] > 0.1
    assert done.document["conditional"][0] == SPEC["conditional"][0]
    assert "boundary: the best trials of optimizer=adam cluster at the high edge" in done.comments


def test_nothing_found_is_the_same_question_with_other_points(following):
    done = following(make_study(), [])
    assert done.document == again(SPEC)
    assert done.goal == (
        "Which optimizer, nesterov or adam, reaches the lowest validation error rate in 2,000 "
        "steps?"
    )


ONE_ARM = {"scientific": {}, "conditional": []}
ONE_POINT = {"search": {"algorithm": "halton", "trials": 1}, "conditional": []}


@pytest.mark.parametrize(
    "changes",
    [
        {**ONE_POINT, "scientific": {}, "nuisance": {}},
        {**ONE_POINT, "scientific": {"depth": [1, 2, 3, 4]}, "nuisance": {}},
        {**ONE_ARM, "nuisance": {"activation": {"choice": ["relu", "tanh"]}}},
        {**ONE_ARM, "nuisance": {"depth": {"int_uniform": [1, 3]}}},
        {**ONE_POINT, "nuisance": {}, "conditional": [
            {"when": {"optimizer": "adam"}, "nuisance": {"weight_decay": {"uniform": [0.0, 0.1]}}}
        ]},
    ],
    ids=[
        "a launch", "arms without a search", "a choice", "few whole numbers",
        "one arm without a search",
    ],
)  # fmt: skip
def test_no_trial_is_one_of_the_round_before(following, changes):
    """Another seed of the search alone gives the same points where there are few or none."""
    base = {**SPEC, **changes}
    done = following(make_study(), [], base=base)
    before = plan_study(done.path)
    trained = {item.trial.fingerprint for item in before.trials}
    assert not trained & {item.trial.fingerprint for item in done.plan.trials}
    assert done.document["training"]["seed"] == 1
    assert done.document["search"]["seed"] == base["search"].get("seed", 0) + 1


def test_a_range_that_arms_share_goes_as_far_as_any_asks(following):
    rows = [
        boundary_row("weight_decay", NESTEROV, "low", [1e-8, 1e-2]),
        boundary_row("weight_decay", ADAM, "low", [1e-7, 1e-2]),
    ]
    done = following(make_study(), [numbers("boundary", hyperparameters=rows)])
    assert done.document["nuisance"]["weight_decay"] == {"log_uniform": [1e-8, 1e-2]}


def test_a_range_on_whose_very_edge_the_best_trial_lies_goes_on(following):
    alone = boundary_row("weight_decay", NESTEROV, "low", [1e-8, 1e-2], alone=True)
    done = following(make_study(), [numbers("boundary", hyperparameters=[alone])])
    assert done.document["nuisance"]["weight_decay"] == {"log_uniform": [1e-8, 1e-2]}
    assert "the best trial of optimizer=nesterov lies on the very low edge" in done.comments
    clusters = boundary_row("weight_decay", ADAM, "low", [1e-7, 1e-2])
    both = following(make_study(), [numbers("boundary", hyperparameters=[alone, clusters])])
    assert "the best trials of optimizer=adam cluster at the low edge" in both.comments


def test_whole_numbers_stay_whole(following):
    rows = [boundary_row("warmup_steps", ADAM, "high", [1, 300.0])]
    done = following(
        make_study(),
        [numbers("boundary", hyperparameters=rows)],
        {"nuisance.warmup_steps": {"int_uniform": [1, 200]}},
    )
    assert done.document["nuisance"]["warmup_steps"] == {"int_uniform": [1, 300]}


def region(arm, value=0.2, infeasible=5, edge="high"):
    return {
        "arm": arm,
        "hyperparameter": "learning_rate",
        "edge": edge,
        "value": value,
        "beyond": 6,
        "infeasible_beyond": infeasible,
    }


def test_an_infeasible_corner_is_cut_off(following):
    dataset = make_study(effect=lambda _, at: 0.3 * at.get("learning_rate", 0))
    done = following(dataset, [numbers("infeasible", regions=[region(NESTEROV)])])
    nuisance = done.document["conditional"][0]["nuisance"]
    assert nuisance["learning_rate"] == {"log_uniform": [1e-3, 0.2]}
    assert done.document["conditional"][1] == SPEC["conditional"][1]
    assert "infeasible: 5 of 6 trials from 0.2 on" in done.comments


@pytest.mark.parametrize(
    ("regions", "best_at"),
    [
        ([region(NESTEROV, infeasible=4)], 0),
        ([region(NESTEROV)], 1),
    ],
    ids=["much of it can be trained", "the best trial lies in it"],
)
def test_a_corner_stays_that_might_hold_the_best(following, regions, best_at):
    sign = 1 if best_at == 0 else -1
    dataset = make_study(effect=lambda _, at: sign * 0.3 * at.get("learning_rate", 0))
    done = following(dataset, [numbers("infeasible", regions=regions)])
    assert done.document == again(SPEC)


def share(name, arm, fixed=True):
    return {"hyperparameter": name, "arm": arm, "can_be_fixed": fixed, "total_high": 0.04}


def test_an_insensitive_nuisance_is_fixed_at_the_best_trials_value(following):
    dataset = make_study()
    rows = [share("weight_decay", arm) for arm in ARMS]
    done = following(dataset, [numbers("importance", hyperparameters=rows)])
    best = dataset.isel(trial=int(dataset["objective"].to_numpy().argmin()))
    assert "nuisance" not in done.document
    assert done.document["fixed"] == {"weight_decay": pytest.approx(best["hp_weight_decay"].item())}
    assert all("weight_decay" in arm.fixed for arm in done.plan.study.arms)
    assert "importance: weight_decay has a part in at most 4%" in done.comments


def test_what_matters_in_one_arm_goes_on_being_searched(following):
    rows = [share("weight_decay", NESTEROV), share("weight_decay", ADAM, fixed=False)]
    done = following(make_study(), [numbers("importance", hyperparameters=rows)])
    assert done.document == again(SPEC)


def test_a_conditional_one_is_fixed_where_it_is_conditional(following):
    rows = [share("one_minus_momentum", NESTEROV)]
    done = following(make_study(), [numbers("importance", hyperparameters=rows)])
    assert set(done.document["conditional"][0]["fixed"]) == {"one_minus_momentum"}
    assert set(done.document["conditional"][0]["nuisance"]) == {"learning_rate"}


def test_of_a_grid_the_points_go_with_it(following):
    grid = {"search": {"algorithm": "grid", "points": {"learning_rate": 3, "weight_decay": 3}}}
    base = {
        **SPEC,
        **grid,
        "conditional": [],
        "nuisance": {**SPEC["nuisance"], "learning_rate": {"log_uniform": [1e-3, 1.0]}},
    }
    rows = [share("weight_decay", arm) for arm in ARMS]
    done = following(make_study(), [numbers("importance", hyperparameters=rows)], base=base)
    assert done.document["search"]["points"] == {"learning_rate": 3}


def test_a_change_that_would_break_a_rule_is_left_out_and_said(following):
    """With every nuisance fixed the four trials would be one."""
    base = {**SPEC, "scientific": {}, "conditional": [], "fixed": {"optimizer": "adam"}}
    dataset = make_study(arms=["all trials"])
    rows = [share("weight_decay", "all trials")]
    done = following(dataset, [numbers("importance", hyperparameters=rows)], base=base)
    assert done.document == again(base)
    assert "Not carried out, of importance" in done.comments
    assert "nothing is searched" in done.comments


def steps(proposed):
    return numbers(
        "best_steps",
        max_train_steps=2000,
        proposed_max_train_steps=proposed,
        feasible=32,
        in_last_part=30,
        in_first_part=2,
    )


@pytest.mark.parametrize("proposed", [4000, 400])
def test_training_becomes_longer_or_shorter(following, proposed):
    done = following(make_study(), [steps(proposed)])
    assert done.document["training"]["max_train_steps"] == proposed
    assert "best_steps: " in done.comments


def test_a_best_trial_that_was_still_improving_gets_twice_the_steps(following):
    arms = [{"arm": ADAM, "still_improving": True}, {"arm": NESTEROV, "still_improving": False}]
    done = following(make_study(), [numbers("still_improving", arms=arms), steps(None)])
    assert done.document["training"]["max_train_steps"] == 4000
    assert "still_improving: the best trial of optimizer=adam" in done.comments


DECAYING = {"schedule": "cosine", "optimizer": "adam", "end_factor": 0.3}
"""Not to 0, which would make the last step the best by construction."""


def decaying(**changes):
    """A spec with one arm and a schedule."""
    base = {key: value for key, value in SPEC.items() if key not in ("scientific", "conditional")}
    return {**base, **changes, "nuisance": SPEC["nuisance"] | changes.get("nuisance", {})}


class TestTheDecayGoesWithTheSteps:
    """Twice the steps with a decay that ends where it did would train half of them at rate 0."""

    def following(self, following, proposed=4000, found=(), **changes):
        dataset = make_study(arms=["all trials"])
        return following(dataset, [*found, steps(proposed)], base=decaying(**changes))

    @pytest.mark.parametrize(
        ("proposed", "warmup", "decay", "expected"),
        [
            (4000, 0, 2000, 4000),
            (4000, 0, 1970, 3940),
            (4000, 0, 0, 0),
            (4000, 200, 1800, 3800),  # ends with the run before and after
            (1000, 0, 2000, 1000),
        ],
    )
    def test_where_it_is_fixed(self, following, proposed, warmup, decay, expected):
        fixed = {**DECAYING, "decay_steps": decay, "warmup_steps": warmup}
        done = self.following(following, proposed, fixed=fixed)
        assert done.document["training"]["max_train_steps"] == proposed
        assert done.document["fixed"] == {**fixed, "decay_steps": expected}
        assert ("goes with it" in done.comments) == (decay > 0)

    def test_a_hold_and_the_steps_of_drops_go_with_it(self, following):
        fixed = {"optimizer": "momentum", "schedule": "piecewise", "drop_factor": 0.5}
        fixed |= {"hold_steps": 600, "decay_steps": 1400, "second_drop": 900}
        done = self.following(following, fixed=fixed)
        longer = {"hold_steps": 1200, "decay_steps": 2800, "second_drop": 1800}
        assert done.document["fixed"] == {**fixed, **longer}

    def test_where_it_is_searched(self, following):
        nuisance = {"decay_steps": {"int_uniform": [1970, 2000]}}
        done = self.following(following, fixed=DECAYING, nuisance=nuisance)
        assert done.document["nuisance"]["decay_steps"] == {"int_uniform": [3940, 4000]}

    def test_where_it_is_a_choice(self, following):
        nuisance = {"decay_steps": {"choice": [0, 1970]}}
        done = self.following(following, fixed=DECAYING, nuisance=nuisance)
        assert done.document["nuisance"]["decay_steps"] == {"choice": [0, 3940]}

    def test_where_it_is_scientific(self, following):
        dataset = make_study(arms=["decay_steps=1970", "decay_steps=2000"])
        base = decaying(fixed=DECAYING, scientific={"decay_steps": [1970, 2000]})
        done = following(dataset, [steps(4000)], base=base)
        assert done.document["scientific"] == {"decay_steps": [3940, 4000]}

    def test_where_it_is_under_a_condition(self, following):
        base = decaying(
            fixed={"optimizer": "adam"},
            scientific={"schedule": ["constant", "linear"]},
            conditional=[{"when": {"schedule": "linear"}, "fixed": {"decay_steps": 2000}}],
        )
        dataset = make_study(arms=["schedule=constant", "schedule=linear"])
        done = following(dataset, [steps(4000)], base=base)
        assert done.document["conditional"][0]["fixed"] == {"decay_steps": 4000}

    def test_where_it_is_listed(self, following):
        base = decaying(fixed=DECAYING)
        del base["nuisance"]
        base["search"] = {
            "algorithm": "list",
            "trials": [{"learning_rate": 0.1, "decay_steps": n} for n in (0, 1970)],
        }
        done = following(make_study(arms=["all trials"]), [steps(4000)], base=base)
        assert [entry["decay_steps"] for entry in done.document["search"]["trials"]] == [0, 3940]

    def test_where_its_range_is_widened_at_once(self, following):
        row = boundary_row("decay_steps", "all trials", "high", [1970, 3000])
        done = self.following(
            following,
            found=[numbers("boundary", hyperparameters=[row])],
            fixed=DECAYING,
            nuisance={"decay_steps": {"int_uniform": [1970, 2000]}},
        )
        assert done.document["nuisance"]["decay_steps"] == {"int_uniform": [3940, 6000]}

    def test_of_no_schedule_nothing_is_said(self, following):
        done = self.following(following, fixed={"optimizer": "adam"})
        assert "decay" not in done.text.replace("weight_decay", "")


def norms(arm, proposed, windows, *, many=False, least=0.1):
    return {
        "arm": arm,
        "proposed_clip_norm": proposed,
        "least_clip_norm": least,
        "outlying_windows": windows,
        "many": many,
        "too_aggressive": False,
    }


def test_one_clip_threshold_for_all_arms_low_enough_for_each_with_outliers(following):
    arms = [norms(NESTEROV, 1.5, 0, many=True), norms(ADAM, 0.7, 3)]
    done = following(make_study(), [numbers("gradient_norms", arms=arms)])
    assert done.document["fixed"] == {"clip_norm": 0.7}
    assert all(arm.fixed["clip_norm"] == 0.7 for arm in done.plan.study.arms)


@pytest.mark.parametrize(
    "arms",
    [
        [norms(NESTEROV, 1.5, 0), norms(ADAM, 0.7, 0)],
        [norms(NESTEROV, 1.5, 0, least=0.8), norms(ADAM, 0.7, 3)],
        [norms(NESTEROV, 1.5, 3), norms(ADAM, None, 3)],
    ],
    ids=["no outliers", "too low for another arm", "none does in one arm"],
)
def test_no_clip_threshold_where_none_serves_all_arms(following, arms):
    done = following(make_study(), [numbers("gradient_norms", arms=arms)])
    assert "fixed" not in done.document


def test_all_at_once_each_with_its_comment_before_its_key(following):
    found = [
        numbers(
            "boundary",
            hyperparameters=[boundary_row("learning_rate", ADAM, "low", [1e-7, 1e-1])],
        ),
        numbers("importance", hyperparameters=[share("weight_decay", arm) for arm in ARMS]),
        steps(4000),
        numbers("gradient_norms", arms=[norms(ADAM, 0.7, 3)]),
    ]
    lines = following(make_study(), found).text.splitlines()
    for check, key in (
        ("boundary", "learning_rate:"),
        ("importance", "weight_decay:"),
        ("best_steps", "max_train_steps:"),
        ("gradient_norms", "clip_norm:"),
    ):
        (place,) = [n for n, line in enumerate(lines) if line.strip().startswith(f"# {check}:")]
        after = next(line for line in lines[place:] if not line.strip().startswith("#"))
        assert after.strip().startswith(key)


def test_advice_without_an_edit_is_left_to_the_reader(following):
    finding = Finding("overfitting", "?", "problem", "It does.", {}, advice="Add dropout.")
    assert (
        "For you to judge, of overfitting: Add dropout."
        in following(make_study(), [finding]).comments
    )


HOSTILE = "a: 'b' \"c\" # d\nsearch: {trials: 1}\r\n\x85x\u2028y\u00a0 \U0001f600 \x07 {{x}} %TAG !"


def test_text_of_the_user_stays_text(following):
    finding = Finding("overfitting", "?", "problem", "!", {}, advice=HOSTILE)
    texts = {"goal": HOSTILE, "notes": f"{HOSTILE}\n\n{HOSTILE}"}
    rows = [boundary_row("learning_rate", ADAM, "low", [1e-7, 1e-1])]
    done = following(make_study(), [finding, numbers("boundary", hyperparameters=rows)], texts)
    assert done.document["notes"] == texts["notes"]
    assert done.document["search"] == again(SPEC)["search"]


def test_the_test_set_is_not_read_again_and_no_final_model_trained(following):
    done = following(make_study(), [], {"final.fold_validation": True})
    assert "final" not in done.document
    assert "end of all rounds: final" in done.comments


def test_what_lies_beside_the_spec_is_found_from_the_next_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies/base.yaml").write_text(
        "workload: digits_mlp\nhyperparameters: {optimizer: adam}\n"
    )
    first = write_spec(
        tmp_path / "studies/first.yaml", changed({"baseline": "base.yaml"}, base=SPEC)
    )
    study = study_of(read_spec(first.relative_to(tmp_path)))
    place = tmp_path / "results/first/next_study.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(write_next_study(study, make_study(), [], UNDECIDED, file=place))
    assert study_of(read_spec(place)).baseline is not None
    shutil.copy(place, tmp_path / "studies/first_round2.yaml")
    assert plan_study(tmp_path / "studies/first_round2.yaml").study.baseline is not None


def test_a_spec_without_a_key_that_is_changed_gets_it(following):
    done = following(
        make_study(),
        [numbers("gradient_norms", arms=[norms(ADAM, 0.7, 1)])],
        {"conditional": REMOVED, "nuisance.learning_rate": {"log_uniform": [1e-4, 1e-1]}},
    )
    assert done.document["fixed"] == {"clip_norm": 0.7}


def test_what_was_taken_from_an_earlier_study_stands_where_it_ended_up(tmp_path):
    around = {"from": "zeroth", "around": "best", "factor": 4}
    changes = {
        "nuisance.weight_decay": around,
        "fixed": {"label_smoothing": {"from": "zeroth", "of": "best"}},
        "baseline": {"from": "zeroth"},
    }
    path = write_spec(tmp_path / "first.yaml", changed(changes, base=SPEC))
    values = {"optimizer": "adam", "batch_size": 64, "weight_decay": 1e-4, "label_smoothing": 0.1}
    best = EarlierResult(
        "zeroth", "all trials", "0123456789", "0" * 64, "", 0.1, "digits_mlp", values,
        {"weight_decay": "log"},
    )  # fmt: skip
    study = plan_study(path, {("zeroth", ""): best}).study
    rows = [boundary_row("weight_decay", ADAM, "high", [2.5e-5, 4e-3])]
    text = write_next_study(
        study,
        make_study(),
        [numbers("boundary", hyperparameters=rows)],
        UNDECIDED,
        file=tmp_path / "n.yaml",
    )
    (tmp_path / "n.yaml").write_text(text)
    document, _ = read_yaml(tmp_path / "n.yaml", what="study spec")
    assert document["nuisance"]["weight_decay"] == {"log_uniform": [2.5e-5, 4e-3]}
    assert document["fixed"] == {"label_smoothing": 0.1}
    assert document["baseline"] == {"from": "zeroth"}
    assert "Not carried out" not in text


def test_advice_is_wrapped_whatever_it_begins_with(following):
    advice = f"  {'word ' * 60}"
    done = following(make_study(), [Finding("overfitting", "?", "warning", "So.", advice=advice)])
    lines = [line for line in done.text.splitlines() if "word word" in line]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 100
