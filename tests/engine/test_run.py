"""Training groups of lanes: divergence, neighbours, best steps, interruption."""

import itertools
import re
import shutil
import time
from collections import deque
from pathlib import Path

import jax
import numpy as np
import pytest

from tests.engine.quadratic import make_trial
from tests.jobs.damage import flip_a_bit
from tuning_playbook.engine import pieces, program, run
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.evaluation import fixed_sample
from tuning_playbook.engine.lane import new_lane
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import Program, signature, traced_names
from tuning_playbook.engine.run import _times, train_group
from tuning_playbook.errors import InfeasibleConfigurationError, InterruptedTrainingError
from tuning_playbook.study.families import training_hyperparameters
from tuning_playbook.trials.resume_states import remove_resumes, resume_name, resume_steps

GOOD = {"learning_rate": 0.05}


@pytest.fixture
def train(workload, data, tmp_path):
    """Train trials of one signature in one group, and return their results."""
    programs = {}

    def train(*trials, stop=lambda: False, host_data=None):
        placed = data if host_data is None else data._replace(train={})
        key = (signature(trials[0], workload), host_data is None)
        program = programs.setdefault(key, Program(trials[0], workload, placed, 50))
        folders = [tmp_path / trial.id for trial in trials]
        trained = train_group(
            program,
            trials,
            folders=folders,
            should_stop=stop,
            host_data=host_data,
        )
        return trained.finished

    train.programs = programs
    return train


def numbers(finished):
    result = finished.result
    return {**result.metrics, **result.series, "counts": result.gradient.counts}


def assert_same_bits(one, other):
    for (name, a), (_, b) in zip(numbers(one).items(), numbers(other).items(), strict=True):
        assert a.tobytes() == b.tobytes(), name


def test_training_is_sgd_on_shuffled_epochs(train, workload):
    """The whole loop against NumPy: initial weights, data order, updates, evaluation."""
    trial = make_trial(seed=3, **GOOD)
    (finished,) = train(trial)
    splits = workload.load_data()
    root = jax.random.key(np.uint32(trial.seed))
    w = 0.1 * np.asarray(jax.random.normal(jax.random.fold_in(root, 0), (4,)), np.float64)
    losses = [np.mean(0.5 * (splits["validation"]["x"] @ w - splits["validation"]["y"]) ** 2)]
    for step in range(40):
        epoch, batch = divmod(step, 50 // 8)
        key = jax.random.fold_in(jax.random.fold_in(root, 1), epoch)
        order = np.asarray(jax.random.permutation(key, 50))
        index = order[8 * batch : 8 * batch + 8]
        x, y = splits["train"]["x"][index], splits["train"]["y"][index]
        w = w - 0.05 * x.T @ (x @ w - y) / 8
        if (step + 1) % 10 == 0:
            error = splits["validation"]["x"] @ w - splits["validation"]["y"]
            losses.append(np.mean(0.5 * error**2))
    np.testing.assert_allclose(finished.result.metrics["loss"][:, 1], losses, rtol=1e-4)


def losses_of(w, x, y):
    return np.mean(0.5 * (x @ w - y) ** 2)


def test_what_is_logged_of_a_step_is_what_the_formulas_give(workload, data):
    """SGD with L2 regularization and clipping on the whole training set, against NumPy."""
    rate, l2, clip, steps = 0.1, 0.3, 3.5, 12
    values = {"learning_rate": rate, "l2_regularization": l2, "clip_norm": clip}
    trial = make_trial(batch_size=50, **values)
    program = Program(trial, workload, data, 50)
    seed, traced = program.arguments([trial])
    state = program.init(seed, traced)
    w = np.asarray(state.variables["params"]["w"], np.float64)
    batches = np.tile(np.arange(50, dtype=np.int32), (steps, 1))
    state, logged = program.train(state, 0, steps, seed, traced, batches)
    x, y = (workload.load_data()["train"][name].astype(np.float64) for name in ("x", "y"))
    expected = []
    for _ in range(steps):
        gradient = x.T @ (x @ w - y) / 50 + l2 * w
        norm = np.linalg.norm(gradient)
        update = -rate * gradient * min(1.0, clip / norm)
        expected.append([losses_of(w, x, y), norm, np.linalg.norm(update), rate])
        w = w + update
    found = np.stack([np.asarray(series) for series in logged], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(state.variables["params"]["w"], w, rtol=1e-4)
    assert min(found[:, 1]) < clip < max(found[:, 1])  # some are clipped, and some are not


def test_a_validation_sample_is_measured_at_every_evaluation_and_the_whole_at_the_best(workload):
    trial = make_trial(**GOOD, validation_sample=8)
    splits = workload.load_data()
    program = Program(trial, workload, place_data(splits, trial.batch_size, 8), 50)
    (finished,) = train_group(
        program, [trial], folders=[Path("unused")], should_stop=lambda: False
    ).finished
    step, variables = finished.best[0]
    sampled = {name: fixed_sample(splits[name], 8) for name in ("train", "validation")}
    w = np.asarray(variables["params"]["w"])
    row = list(finished.result.eval_steps).index(step)
    for column, name in enumerate(("train", "validation")):
        expected = losses_of(w, sampled[name]["x"], sampled[name]["y"])
        assert finished.result.metrics["loss"][row, column] == pytest.approx(expected, rel=1e-5)
    whole = losses_of(w, splits["validation"]["x"], splits["validation"]["y"])
    assert finished.result.whole["loss"] == pytest.approx(whole, rel=1e-5)
    assert finished.result.whole["loss"] != finished.result.metrics["loss"][row, 1]


def test_the_best_steps_are_found_retrospectively(train):
    (finished,) = train(make_trial(**GOOD, keep_best=2))
    loss = finished.result.metrics["loss"][:, 1]
    assert [step for step, _ in finished.best] == [10 * i for i in np.argsort(loss)[:2]]


def test_a_mode_of_max_keeps_the_largest(train):
    (finished,) = train(make_trial(**GOOD, objective={"metric": "validation/loss", "mode": "max"}))
    assert finished.best[0][0] == 0


def test_best_steps_with_ties_and_missing_numbers():
    lane = new_lane(make_trial(keep_best=3), ["loss"])
    scores = [np.nan, 2.0, 1.0, np.inf, 1.0, 3.0, 1.0, np.nan]
    for step, score in enumerate(scores):
        lane.keep_if_best(float(score), step, lambda step=step: f"variables {step}")
    assert [step for _, step, _ in lane.best] == [2, 4, 6]
    assert lane.best[0][2] == "variables 2"


def test_divergence_is_recorded_where_it_happens_and_ends_the_trial(train):
    (finished,) = train(make_trial(learning_rate=1e6))
    result = finished.result
    assert result.status == "diverged"
    assert "at step" in result.reason
    assert np.isfinite(result.metrics["loss"][0]).all()
    assert np.isnan(result.metrics["loss"][1:]).all()
    assert [step for step, _ in finished.best] == [0]


def test_a_loss_beyond_its_bound_is_a_divergence_although_it_is_finite(train):
    """The loss grows by about the same factor every step, and passes the bound on the way."""
    (finished,) = train(make_trial(learning_rate=5.0, batch_size=50))
    step = int(re.search(r"at step (\d+) is", finished.result.reason)[1])
    bound = 1000 * finished.result.metrics["loss"][0, 0]
    largest = finished.result.series["train_loss"]
    assert finished.result.status == "diverged" and 1 < step < 10
    assert f"above {bound:.3g} (1000 times" in finished.result.reason
    assert np.isfinite(largest[: step - 1]).all() and np.isnan(largest[step - 1 :]).all()
    assert largest[step - 2] <= bound


def test_an_update_that_is_not_finite_is_a_divergence_at_its_step(train):
    """The gradient is finite, and its square is too large for a number."""
    trial = make_trial(optimizer="momentum", momentum=0.9, learning_rate=1e38)
    (finished,) = train(trial)
    assert finished.result.reason == "the update is not finite at step 1"


def test_a_loss_may_be_negative_or_zero():
    """What is far worse is measured from the loss at step 0, wherever that lies."""
    assert _times(1000, 2.0) == 2000
    assert _times(1000, -5.0) == 4990
    assert _times(2, 0.0) == np.inf


def test_a_trial_that_ends_far_worse_than_it_began_is_infeasible(train):
    # Beyond 2 / (largest curvature) the loss grows, here slowly enough to stay finite.
    (finished,) = train(make_trial(learning_rate=1.7))
    assert finished.result.status == "diverged"
    assert "far worse than it began" in finished.result.reason


@pytest.mark.parametrize("width", [8])
def test_a_diverging_neighbour_changes_no_bit_of_the_others(train, width):
    good = [make_trial(seed=n, learning_rate=0.01 * (n + 1), lanes=width) for n in range(width)]
    bad = make_trial(seed=3, learning_rate=1e6, lanes=width)
    alone = train(*good)
    mixed = train(*good[:3], bad, *good[4:])
    assert mixed[3].result.status == "diverged"
    for place in (0, 1, 2, 4, 5, 6, 7):
        assert_same_bits(alone[place], mixed[place])


def test_bits_depend_neither_on_the_lane_nor_on_the_padding(train):
    trials = [make_trial(seed=n, **GOOD, lanes=4) for n in range(4)]
    together = train(*trials)
    for place, trial in enumerate(trials):
        assert_same_bits(together[place], train(trial)[0])
    for place, finished in enumerate(train(*reversed(trials))):
        assert_same_bits(finished, together[3 - place])


def test_lanes_train_what_a_lone_program_trains(train):
    (alone,) = train(make_trial(seed=5, **GOOD))
    (lane,) = train(make_trial(seed=5, **GOOD, lanes=4))
    for (_, a), (_, b) in zip(numbers(alone).items(), numbers(lane).items(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("features", [{}, {"polyak_decay": 0.9, "noise": 0.1, "clip_norm": 1.0}])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_resumed_trial_equals_an_uninterrupted_one(train, tmp_path, lanes, features):
    trials = [
        make_trial(
            seed=n,
            optimizer="adam",
            lanes=lanes,
            momentum=0.9,
            b1=0.9,
            b2=0.99,
            epsilon=1e-8,
            **GOOD,
            **features,
        )
        for n in range(lanes)
    ]
    whole = train(*trials)
    for stop_after in (1, 2, 3):
        calls = itertools.count(1)
        with pytest.raises(InterruptedTrainingError, match="stopped after step"):
            train(*trials, stop=lambda c=calls, s=stop_after: next(c) == s)
        resumed = train(*trials)
        for one, other in zip(whole, resumed, strict=True):
            assert_same_bits(one, other)
            assert [step for step, _ in one.best] == [step for step, _ in other.best]
            for (_, a), (_, b) in zip(one.best, other.best, strict=True):
                same = jax.tree.map(np.array_equal, a, b)
                assert all(jax.tree.leaves(same))
        for trial in trials:
            remove_resumes(tmp_path / trial.id)


@pytest.mark.parametrize("lanes", [1, 4])
def test_where_an_interval_is_cut_into_pieces_changes_no_bit(train, monkeypatch, tmp_path, lanes):
    """Steps so slow that an interval of ten is cut, and a stop between two evaluations."""
    trials = [make_trial(seed=n, **GOOD, lanes=lanes) for n in range(lanes)]
    whole = train(*trials)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 1e-9)
    monkeypatch.setattr(pieces, "KEPT_SECONDS", (0.0, 0.0))
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError, match="stopped after step 17"):
        train(*trials, stop=lambda: next(calls) == 7)
    resumed = train(*trials)
    for one, other in zip(whole, resumed, strict=True):
        assert_same_bits(one, other)


class SimulatedDevice:
    """A device that takes the time that a test says, and the clock of whoever waits for it.

    What it is given it begins when it has done what came before.
    """

    def __init__(self):
        self.now = self._free = 0.0
        self._ends = deque()

    def takes(self, method, seconds_of):
        def call(*arguments):
            self._free = max(self._free, self.now) + seconds_of(*arguments)
            self._ends.append(self._free)
            return method(*arguments)

        return call

    def waits(self, function):
        def call(*arguments):
            self.now = max(self.now, self._ends.popleft())
            return function(*arguments)

        return call

    def perf_counter(self):
        return self.now

    monotonic = perf_counter


@pytest.mark.parametrize("step_seconds", [0.1, 1.0, 3.0])
def test_a_kill_repeats_less_than_a_minute(train, monkeypatch, step_seconds):
    """Evaluations lie 200 steps apart, which take up to ten minutes."""
    device, saves = SimulatedDevice(), [0.0]
    for module in (run, pieces, program):
        monkeypatch.setattr(module, "time", device)

    def of_steps(_, state, first, steps, *__):
        return steps * step_seconds

    def of_evaluation(*_):  # of 50 and 21 examples, at a third of what they take in training
        return step_seconds / 3 * 71 / 8

    def save(lanes, folders, state, width):
        saves.append(device.now)

    monkeypatch.setattr(Program, "train", device.takes(Program.train, of_steps))
    monkeypatch.setattr(Program, "evaluate", device.takes(Program.evaluate, of_evaluation))
    monkeypatch.setattr(run, "_log", device.waits(run._log))
    monkeypatch.setattr(run, "_record", device.waits(run._record))
    monkeypatch.setattr(run, "save_state", save)
    train(make_trial(**GOOD, max_train_steps=1000, eval_every=200))
    assert device.now > 1000 * step_seconds
    # All that is computed between two saves is what a kill just before the second one repeats.
    repeated = [later - earlier for earlier, later in itertools.pairwise([*saves, device.now])]
    assert len(saves) > 2 and max(repeated) < 60


@pytest.mark.parametrize("lanes", [1, 4])
def test_batches_fed_from_the_host_give_the_bits_of_resident_ones(train, workload, lanes):
    trials = [make_trial(seed=n, **GOOD, lanes=lanes) for n in range(lanes)]
    resident = train(*trials)
    host_data = workload.load_data()["train"]
    fed = train(*trials, host_data=host_data)
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError):
        train(*trials, host_data=host_data, stop=lambda: next(calls) == 2)
    resumed = train(*trials, host_data=host_data)
    for one, other, again in zip(resident, fed, resumed, strict=True):
        assert_same_bits(one, other)
        assert_same_bits(other, again)


def test_the_time_before_an_interruption_counts_and_its_step_is_told(workload, data, tmp_path):
    program = Program(make_trial(**GOOD), workload, data, 50)
    group = {"trials": [make_trial(**GOOD)], "folders": [tmp_path]}
    undisturbed = train_group(program, **group, should_stop=lambda: False)
    assert (undisturbed.earlier_seconds, undisturbed.resumed_at) == (0, 0)
    begun = time.perf_counter()
    for _ in range(2):
        with pytest.raises(InterruptedTrainingError):
            train_group(program, **group, should_stop=lambda: True)
    passed = time.perf_counter() - begun
    trained = train_group(program, **group, should_stop=lambda: False)
    assert 0 < trained.earlier_seconds < passed
    assert trained.resumed_at > 0


def test_a_damaged_state_is_passed_over_for_the_start(train, tmp_path, caplog):
    trial = make_trial(seed=1, **GOOD)
    (whole,) = train(trial)
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError):
        train(trial, stop=lambda: next(calls) == 2)
    (state,) = (tmp_path / trial.id).glob("resume_*/d/*")
    flip_a_bit(state)
    (again,) = train(trial)
    assert "is not what was saved" in caplog.text and "it is not resumed from" in caplog.text
    assert_same_bits(whole, again)


def test_a_damaged_state_is_passed_over_for_the_one_before(train, tmp_path, caplog):
    """A job killed between writing a state and removing the one before leaves both."""
    trial = make_trial(seed=1, **GOOD)
    (whole,) = train(trial)
    folder, kept = tmp_path / trial.id, tmp_path / "kept"
    for _ in range(2):
        count = itertools.count(1)
        with pytest.raises(InterruptedTrainingError):
            train(trial, stop=lambda count=count: next(count) == 1)
        if not kept.exists():
            shutil.copytree(folder, kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    before, newest = sorted(resume_steps(folder))
    flip_a_bit(next((folder / resume_name(newest)).glob("d/*")))
    program = next(iter(train.programs.values()))
    resumed = train_group(program, [trial], folders=[folder], should_stop=lambda: False)
    assert resumed.resumed_at == before
    assert resume_name(newest) in caplog.text
    assert_same_bits(whole, resumed.finished[0])


OF_ADAM_AND_COSINE = {
    "b1": lambda n: 0.8 + 0.005 * n,
    "b2": lambda n: 0.99 - 0.01 * n,
    "epsilon": lambda n: 1e-8 * (n + 1),
    "end_factor": lambda n: 0.01 * n,
    "decay_steps": lambda n: 10 + n,
}
OF_RMSPROP_AND_POLYNOMIAL = {
    "momentum": lambda n: 0.5 + 0.01 * n,
    "rho": lambda n: 0.8 + 0.005 * n,
    "epsilon": lambda n: 1e-8 * (n + 1),
    "end_factor": lambda n: 0.01 * n,
    "decay_steps": lambda n: 10 + n,
    "power": lambda n: 1.0 + 0.1 * n,
}
OF_MOMENTUM_AND_PIECEWISE = {
    "momentum": lambda n: 0.5 + 0.01 * n,
    "decay_steps": lambda n: 10 + n,
    "drops": lambda n: 1 + n,
    "drop_factor": lambda n: 0.1 + 0.01 * n,
}


@pytest.mark.parametrize(
    ("optimizer", "schedule", "own"),
    [
        ("adam", "cosine", OF_ADAM_AND_COSINE),
        ("rmsprop", "polynomial", OF_RMSPROP_AND_POLYNOMIAL),
        ("momentum", "piecewise", OF_MOMENTUM_AND_PIECEWISE),
    ],
)
def test_trials_that_differ_in_every_number_compile_once(train, workload, optimizer, schedule, own):
    numbers_only = [
        make_trial(
            seed=n,
            optimizer=optimizer,
            schedule=schedule,
            learning_rate=0.001 * (n + 1),
            warmup_steps=n + 1,
            weight_decay=1e-4 * (n + 1),
            l2_regularization=1e-3 * (n + 1),
            clip_norm=1.0 + n,
            polyak_decay=0.5 + 0.01 * n,
            noise=0.01 * (n + 1),
            **{name: value(n) for name, value in own.items()},
        )
        for n in range(32)
    ]
    choices = {"optimizer": optimizer, "schedule": schedule}
    declared = {item.name for item in training_hyperparameters(choices, {}) if not item.static}
    varied = {
        name
        for name, value in numbers_only[0].hyperparameters.items()
        if numbers_only[1].hyperparameters[name] != value
    }
    assert varied >= declared
    assert len({signature(trial, workload) for trial in numbers_only}) == 1
    train(numbers_only[0])
    (program,) = train.programs.values()
    assert program.compilations == 5  # init, train, average, evaluate, examine
    compiled = []

    def listen(event, *_, **__):
        if "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for trial in numbers_only[1:]:
            train(trial)
        assert (program.compilations, compiled) == (5, [])
        jax.jit(lambda x: x + 1)(1.0)
        assert compiled  # JAX itself tells of what it compiles
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize(
    "feature", ["weight_decay", "clip_norm", "l2_regularization", "polyak_decay", "noise"]
)
def test_a_feature_that_is_off_is_not_in_the_program(workload, data, feature):
    """Off, a feature costs nothing: its step has fewer operations, and no argument for it."""
    off, on = make_trial(**GOOD), make_trial(**GOOD, **{feature: 0.5})
    assert feature not in traced_names(off, workload)
    assert feature in traced_names(on, workload)
    operations = {}
    for name, trial in {"off": off, "on": on}.items():
        program = Program(trial, workload, data, 50)
        seed, traced = program.arguments([trial])
        state = program.init(seed, traced)
        program.train(state, 0, 10, seed, traced, np.zeros((10, trial.batch_size), np.int32))
        operations[name] = program._compiled["train 10"].cost_analysis()["flops"]
    assert operations["off"] < operations["on"]


def test_polyak_averaging_evaluates_the_debiased_average(workload, data):
    trial = make_trial(**GOOD, polyak_decay=0.8, eval_every=1, max_train_steps=5)
    program = Program(trial, workload, data, 50)
    seed, traced = program.arguments([trial])
    state = program.init(seed, traced)
    batches = Order([trial.seed], 50, trial.batch_size).batches(0, 5)[0]
    weights = []
    for step in range(5):
        state, _ = program.train(state, step, 1, seed, traced, batches[step : step + 1])
        weights.append(np.asarray(state.variables["params"]["w"], np.float64))
    factors = 0.8 ** np.arange(4, -1, -1)
    expected = np.average(weights, axis=0, weights=factors)
    found = program.evaluated(state, 5, traced)["params"]["w"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_step_is_evaluated_at_the_start_where_asked(train):
    (dense,) = train(make_trial(**GOOD, dense_until=12))
    assert dense.result.eval_steps.tolist() == [*range(13), 20, 30, 40]
    assert np.isfinite(dense.result.metrics["loss"]).all()
    (plain,) = train(make_trial(**GOOD))
    np.testing.assert_allclose(
        dense.result.metrics["loss"][[0, 10, 13, 14, 15]], plain.result.metrics["loss"], rtol=1e-5
    )


def test_a_batch_larger_than_the_training_set_is_infeasible(workload):
    trial = make_trial(batch_size=51)
    with pytest.raises(InfeasibleConfigurationError, match=r"larger than the training set \(50"):
        Program(trial, workload, place_data(workload.load_data(), 51, 0), 50)
