"""Studies that take values from earlier ones, as far as no result is needed."""

import dataclasses

import pytest

from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study.origin import EarlierResult, concluded

BEST = {"from": "first", "of": "best"}
TAKEN = {"nuisance": {"dropout": {"uniform": [0, 0.5]}}, "fixed.learning_rate": BEST}
ARMS = {
    "scientific": {"optimizer": ["momentum", "adam"]},
    "fixed": {"width": 16},
    "conditional": [{"when": {"optimizer": "momentum"}, "fixed": {"momentum": 0.8}}],
}


def result(values, scales=None, arm="all trials"):
    return EarlierResult(
        study="first",
        arm=arm,
        trial="0123456789",
        fingerprint="0" * 64,
        commit="c0ffee",
        objective=0.1,
        workload="digits_mlp",
        values={"batch_size": 32, **values},
        scales=scales or {},
    )


def write(folder, name, changes):
    return write_spec(folder / f"{name}.yaml", changed(changes))


def settle(folder, changes, values, scales=None):
    """The study of the small spec with changes that take from a result with these values."""
    path = write(folder, "second", changes)
    return plan_study(path, {("first", ""): result(values, scales)}).study


def test_a_study_comes_with_those_that_it_takes_from_the_earlier_first(tmp_path):
    write(tmp_path, "first", {})
    write(tmp_path, "second", TAKEN)
    third = write(tmp_path, "third", TAKEN | {"fixed.learning_rate": BEST | {"from": "second"}})
    chain = plan_chain([third])
    assert list(chain) == ["first", "second", "third"]
    assert chain["third"].earlier == {("second", ""): "second"}
    assert chain["first"].earlier == {}


def test_before_the_result_is_known_a_trial_stands_in(tmp_path):
    write(tmp_path, "first", {})
    link = plan_chain([write(tmp_path, "second", TAKEN)])["second"]
    (arm,) = link.plan.study.arms
    assert [item.name for item in arm.dimensions] == ["dropout"]
    assert len(link.plan.trials) == 4


def test_a_value_is_the_best_trials(tmp_path):
    study = settle(tmp_path, TAKEN, {"learning_rate": 0.0123})
    assert study.arms[0].fixed["learning_rate"] == 0.0123
    (taken,) = study.taken
    assert taken.to_json() == {
        "place": "fixed.learning_rate",
        "value": "0.0123",
        "study": "first",
        "arm": "all trials",
        "trial": "0123456789",
        "fingerprint": "0" * 64,
        "commit": "c0ffee",
        "batch_size": 32,
    }


def test_a_value_may_stand_in_a_condition_within_a_condition(tmp_path):
    within = {"when": {"normalization": "batch"}, "fixed": {"momentum": BEST}}
    nested = ARMS | {
        "scientific": {"optimizer": ["momentum", "adam"], "normalization": ["none", "batch"]},
        "conditional": [{"when": {"optimizer": "momentum"}, "conditional": [within]}],
    }
    study = settle(tmp_path, nested, {"momentum": 0.97})
    given = {arm.name: arm.fixed.get("momentum") for arm in study.arms}
    assert given["normalization=batch, optimizer=momentum"] == 0.97
    assert [item.place for item in study.taken] == ["conditional[0].conditional[0].fixed.momentum"]


def test_one_minus_a_value_is_known_with_the_value(tmp_path):
    taken = {"fixed.one_minus_momentum": BEST}
    assert settle(tmp_path, taken, {"momentum": 0.97}).arms[0].fixed["momentum"] == 0.97


def test_a_batch_size_may_be_taken(tmp_path):
    study = settle(tmp_path, {"training.batch_size": BEST}, {"batch_size": 128})
    assert study.arms[0].batch_size == 128


def test_a_conditional_value_may_be_taken(tmp_path):
    conditional = [{"when": {"optimizer": "momentum"}, "fixed": {"momentum": BEST}}]
    study = settle(tmp_path, ARMS | {"conditional": conditional}, {"momentum": 0.7})
    assert study.arms[0].fixed["momentum"] == 0.7


@pytest.mark.parametrize(
    ("name", "values", "scales", "factor", "kind", "bounds"),
    [
        (
            "learning_rate",
            {"learning_rate": 0.02},
            {"learning_rate": "log"},
            4,
            "log_uniform",
            (0.005, 0.08),
        ),
        ("dropout", {"dropout": 0.2}, {"dropout": "linear"}, 2, "uniform", (0.1, 0.4)),
        ("one_minus_momentum", {"momentum": 0.9}, {}, 5, "log_uniform", (0.02, 0.5)),
        ("one_minus_momentum", {"momentum": 0.5}, {}, 4, "log_uniform", (0.125, 1.0)),
        ("depth", {"depth": 3}, {"depth": "linear"}, 2, "int_uniform", (2, 6)),
        ("weight_decay", {"weight_decay": 1e-3}, {}, 1.5, "log_uniform", (0.000666667, 0.0015)),
    ],
)
def test_a_range_goes_from_a_part_of_the_value_to_a_multiple_within_what_is_valid(
    tmp_path, name, values, scales, factor, kind, bounds
):
    around = {"from": "first", "around": "best", "factor": factor}
    changes = {"nuisance": {name: around}}
    (dimension,) = settle(tmp_path, changes, values, scales).arms[0].dimensions
    assert dimension.name == name
    assert dimension.distribution.kind == kind
    assert (dimension.distribution.low, dimension.distribution.high) == bounds


def test_the_incumbent_may_be_an_earlier_best_trial(tmp_path):
    values = {"optimizer": "momentum", "learning_rate": 0.05, "batch_size": 128}
    baseline = settle(tmp_path, {"baseline": {"from": "first"}}, values).baseline
    assert baseline.path == "first: trial 0123456789"
    assert baseline.batch_size == 128
    assert baseline.hyperparameters["learning_rate"] == 0.05
    assert baseline.hyperparameters["depth"] == 2


def test_what_is_taken_decides_the_dataset_and_not_the_trials_whose_values_are_the_same(tmp_path):
    path = write(tmp_path, "second", TAKEN)
    one, other = (
        plan_study(path, {("first", ""): result({"learning_rate": 0.1, "depth": depth})})
        for depth in (2, 3)
    )
    assert [item.trial for item in one.trials] == [item.trial for item in other.trials]
    assert keys_of(one) == keys_of(other)
    changed_best = plan_study(path, {("first", ""): result({"learning_rate": 0.2})})
    assert not {i.trial.id for i in one.trials} & {i.trial.id for i in changed_best.trials}


WRONG_CHAINS = {
    # what is wrong: (changes of the first study, of the second, parts of the message)
    "a study that is not there": (
        {},
        TAKEN | {"fixed.learning_rate": BEST | {"from": "frist"}},
        ["fixed.learning_rate.from: there is no study 'frist'", "did you mean 'first'?"],
    ),
    "a circle": (
        TAKEN | {"fixed.learning_rate": BEST | {"from": "second"}},
        TAKEN,
        ["first.yaml", "second -> first -> second"],
    ),
    "a study that takes from itself": (
        {},
        TAKEN | {"fixed.learning_rate": BEST | {"from": "second"}},
        ["second -> second"],
    ),
    "a value that the earlier study has not": (
        {},
        {"fixed.one_minus_b1": BEST},
        ["fixed.one_minus_b1", "no 'one_minus_b1'"],
    ),
    "arms of which any may be meant": (
        ARMS,
        TAKEN,
        ["compares arms (optimizer=momentum; optimizer=adam)", "take 'optimizer' from it too"],
    ),
    "an arm that is not there": (
        ARMS,
        TAKEN | {"fixed.learning_rate": BEST | {"arm": "optimizer=adan"}},
        ["fixed.learning_rate.arm", "did you mean 'optimizer=adam'?"],
    ),
    "a range around a text": (
        {},
        {"nuisance.activation": {"from": "first", "around": "best", "factor": 2}},
        ["only around a positive number"],
    ),
    "a factor that narrows nothing": (
        {},
        {"nuisance.dropout": {"from": "first", "around": "best", "factor": 1}},
        ["nuisance.dropout.factor", "greater than 1"],
    ),
    "a misspelt key": (
        {},
        {"fixed.dropout": {"from": "first", "off": "best"}},
        ["fixed.dropout.off", "known here: from, of, times, arm"],
    ),
    "a baseline of another workload": (
        {"workload": "mnist5k_cnn", "fixed": {}},
        {"baseline": {"from": "first"}},
        ["baseline: 'first' is a study of the workload 'mnist5k_cnn'"],
    ),
    "an earlier spec that is wrong": (
        {"fixed.activation": "rleu"},
        TAKEN,
        ["first.yaml", "must be one of 'relu'"],
    ),
}


@pytest.mark.parametrize("wrong", WRONG_CHAINS)
def test_a_wrong_chain_gets_one_message_before_anything_is_trained(tmp_path, wrong):
    first, second, parts = WRONG_CHAINS[wrong]
    write(tmp_path, "first", first)
    path = write(tmp_path, "second", second)
    with pytest.raises(SpecError) as caught:
        plan_chain([path])
    assert str(caught.value).startswith(str(tmp_path))
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("taken", [{"arm": "optimizer=adam"}, {}])
def test_it_is_plain_which_arm_is_meant_if_it_is_named_or_taken_too(tmp_path, taken):
    write(tmp_path, "first", ARMS)
    optimizer = "adam" if taken else dict(BEST)
    changes = TAKEN | {"fixed": {"optimizer": optimizer, "learning_rate": BEST | taken}}
    link = plan_chain([write(tmp_path, "second", changes)])["second"]
    assert link.plan.study.arms[0].fixed["optimizer"] in ("momentum", "adam")


def test_what_only_one_arm_has_may_be_taken_of_whichever_is_best(tmp_path):
    """Whether the best trial has it, its result will tell."""
    write(tmp_path, "first", ARMS)
    fixed = {"optimizer": dict(BEST), "one_minus_b1": dict(BEST)}
    link = plan_chain([write(tmp_path, "second", {"fixed": fixed})])["second"]
    assert link.plan.study.arms[0].fixed["optimizer"] == "adam"


PROCEDURE = {
    "procedure": {"name": "stability"},
    **dict.fromkeys(("nuisance", "search", "reruns"), REMOVED),
}
RATE = {"from": "first", "of": "unstable_rate"}
NO_RATE = {"nuisance": {"dropout": {"uniform": [0, 0.5]}}}


def settled(folder, changes, **values):
    """A study that takes from a procedure which concludes with these values."""
    path = write(folder, "second", changes)
    found = concluded("first", "digits_mlp", values, "It is stable up to 10 times the best rate.")
    return plan_study(path, {("first", ""): found}).study


class TestTheConclusionOfAProcedure:
    def test_a_value_of_it_is_taken_and_multiplied(self, tmp_path):
        changes = NO_RATE | {"fixed.learning_rate": RATE | {"times": 10}}
        study = settled(tmp_path, changes, unstable_rate=0.123)
        assert study.spec.fixed["learning_rate"] == 1.23
        (taken,) = study.taken
        assert (taken.place, taken.value, taken.study) == ("fixed.learning_rate", "1.23", "first")

    def test_whole_numbers_stay_whole(self, tmp_path):
        changes = {"training.max_train_steps": RATE | {"of": "steps", "times": 1.5}}
        assert settled(tmp_path, changes, steps=50).spec.training.max_train_steps == 75

    def test_it_stands_in_lists(self, tmp_path):
        changes = {"scientific": {"learning_rate": [0.1, RATE]}, **NO_RATE}
        assert [
            arm.scientific["learning_rate"]
            for arm in settled(tmp_path, changes, unstable_rate=0.3).arms
        ] == [0.1, 0.3]
        listed = [{"learning_rate": 0.1}, {"learning_rate": RATE | {"times": 2}}]
        changes = {"nuisance": {}, "search": {"algorithm": "list", "trials": listed}}
        study = settled(tmp_path, changes, unstable_rate=0.3)
        assert study.spec.search.trials[1] == {"learning_rate": 0.6}
        changes = {"nuisance": {"learning_rate": {"choice": [0.1, RATE]}}}
        study = settled(tmp_path, changes, unstable_rate=0.3)
        assert study.spec.nuisance["learning_rate"].choice == [0.1, 0.3]

    def test_it_bounds_a_range(self, tmp_path):
        bounds = [RATE | {"times": 0.01}, RATE]
        changes = {"nuisance": {"learning_rate": {"log_uniform": bounds}}}
        study = settled(tmp_path, changes, unstable_rate=0.3)
        assert study.spec.nuisance["learning_rate"].log_uniform == [0.003, 0.3]
        places = [taken.place for taken in study.taken]
        assert places == [f"nuisance.learning_rate.log_uniform[{end}]" for end in (0, 1)]
        joint = {"design": "joint", "scientific": changes["nuisance"], **NO_RATE}
        study = settled(tmp_path, joint, unstable_rate=0.3)
        assert study.spec.scientific["learning_rate"].log_uniform == [0.003, 0.3]

    @pytest.mark.parametrize(
        "distribution",
        [
            {"log_uniform": [5.0, RATE]},
            {"log_uniform": [RATE, 1e-2]},
            {"choice": [1, RATE, RATE | {"times": 3}]},
        ],
    )
    def test_a_range_with_a_bound_that_is_not_known_yet_is_no_mistake(self, tmp_path, distribution):
        write(tmp_path, "first", PROCEDURE)
        changes = {"nuisance": {"learning_rate": distribution}}
        assert plan_chain([write(tmp_path, "second", changes)])["second"].concluding == {"first"}

    def test_bounds_that_leave_no_room_are_refused_once_they_are_known(self, tmp_path):
        changes = {"nuisance": {"learning_rate": {"log_uniform": [0.5, RATE]}}}
        with pytest.raises(SpecError, match="has no room between its bounds"):
            settled(tmp_path, changes, unstable_rate=0.3)

    def test_before_it_is_known_the_study_is_checked_all_the_same(self, tmp_path):
        write(tmp_path, "first", PROCEDURE)
        chain = plan_chain([write(tmp_path, "second", NO_RATE | {"fixed.learning_rate": RATE})])
        assert chain["second"].concluding == {"first"}
        assert chain["first"].procedure.name == "stability"

    def test_steps_that_are_not_known_yet_stand_for_those_of_the_procedure(self, tmp_path):
        objective = {"metric": "train/error_rate", "mode": "min", "target": 0.0}
        fit = {"name": "steps_to_fit"}
        write(tmp_path, "first", PROCEDURE | {"procedure": fit, "objective": objective})
        steps = RATE | {"of": "max_train_steps"}
        chain = plan_chain([write(tmp_path, "second", {"training.max_train_steps": steps})])
        assert chain["second"].plan.study.spec.training.max_train_steps == 50

    def test_what_a_procedure_searches_is_among_its_values(self, tmp_path):
        write(tmp_path, "first", {"procedure": {"name": "exploit"}})
        rate = RATE | {"of": "learning_rate"}
        plan_chain([write(tmp_path, "second", NO_RATE | {"fixed.learning_rate": rate})])
        width = {"fixed.width": RATE | {"of": "width"}}
        with pytest.raises(SpecError, match="'first' gives no 'width'"):
            plan_chain([write(tmp_path, "third", width)])

    def test_a_value_that_was_not_found_is_refused_with_the_reason(self, tmp_path):
        with pytest.raises(SpecError) as caught:
            settled(tmp_path, NO_RATE | {"fixed.learning_rate": RATE}, unstable_rate=None)
        assert "found no 'unstable_rate': It is stable up to 10 times" in str(caught.value)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"fixed.learning_rate": {"from": "first"}}, "is a procedure and has no best trial"),
            ({"fixed.learning_rate": RATE | {"of": "unstable"}}, "did you mean 'unstable_rate'?"),
            (
                {"fixed.activation": RATE | {"of": "onset", "times": 2}},
                "only a number has multiples",
            ),
            ({"baseline": {"from": "first"}}, "is a procedure and has no best trial"),
            ({"reruns": {"variance": {"from": "first"}}}, "is a procedure and has no best trial"),
        ],
    )
    def test_what_it_does_not_give_is_said_beforehand(self, tmp_path, changes, message):
        write(tmp_path, "first", PROCEDURE)
        with pytest.raises(SpecError) as caught:
            plan_chain([write(tmp_path, "second", NO_RATE | changes)])
        assert message in str(caught.value)

    def test_a_study_that_is_no_procedure_gives_its_best_trial_only(self, tmp_path):
        with pytest.raises(SpecError, match="'first' is no procedure"):
            settle(tmp_path, NO_RATE | {"fixed.learning_rate": RATE}, {"learning_rate": 0.1})


OF_FIRST = {"reruns": {"seeds": 2, "variance": {"from": "first"}}}


class TestTheTrialVarianceOfAnEarlierStudy:
    def test_it_is_put_into_the_spec(self, tmp_path):
        path = write(tmp_path, "second", OF_FIRST)
        measured = dataclasses.replace(result({}), deviation=0.003, degrees=18)
        study = plan_study(path, {("first", ""): measured}).study
        known = study.spec.reruns.variance
        assert (known.standard_deviation, known.degrees_of_freedom) == (0.003, 18)
        assert known.study == "first"
        (taken,) = study.taken
        assert (taken.place, taken.value) == ("reruns.variance", "standard deviation 0.003")

    def test_it_may_be_written_out(self, tmp_path):
        known = {"standard_deviation": 0.003, "degrees_of_freedom": 18}
        path = write(tmp_path, "second", {"reruns": {"seeds": 2, "variance": known}})
        assert plan_study(path).study.spec.reruns.variance.standard_deviation == 0.003

    def test_the_study_that_measures_it_comes_first(self, tmp_path):
        write(tmp_path, "first", {"reruns.seeds": 5})
        chain = plan_chain([write(tmp_path, "second", OF_FIRST)])
        assert list(chain) == ["first", "second"]
        assert chain["second"].variances == ("first",)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            (
                {"reruns.seeds": 5, "training.max_train_steps": 75},
                "another training.max_train_step",
            ),
            ({"reruns.seeds": 5, "objective.metric": "validation/loss"}, "another objective"),
            ({"reruns.seeds": 1}, "has no reruns that measure its trial variance"),
        ],
    )
    def test_that_of_another_kind_of_trial_is_refused(self, tmp_path, changes, said):
        write(tmp_path, "first", changes)
        with pytest.raises(SpecError, match=r"reruns\.variance") as caught:
            plan_chain([write(tmp_path, "second", OF_FIRST)])
        assert said in str(caught.value)

    def test_where_it_was_not_measured_that_is_said(self, tmp_path):
        path = write(tmp_path, "second", OF_FIRST)
        with pytest.raises(SpecError, match="'first' does not know its trial variance"):
            plan_study(path, {("first", ""): result({})})


@pytest.mark.parametrize(("batch_size", "speaks"), [(32, False), (64, True)])
def test_values_of_a_study_with_another_batch_size_come_with_advice(tmp_path, batch_size, speaks):
    path = write(tmp_path, "second", TAKEN | {"training.batch_size": batch_size})
    plan = plan_study(path, {("first", ""): result({"learning_rate": 0.02})})
    said = [advice.text for advice in plan.advice if advice.rule == "batch_size_changed"]
    expected = "The batch size is 64, and 32 in the study first, while these are fixed: "
    assert bool(said) == speaks
    assert all(text.startswith(expected) and "learning_rate" in text for text in said)
