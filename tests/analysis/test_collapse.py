"""What the checks make of curves that collapse, recover, or worsen on one split alone."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, make_study
from tuning_playbook.analysis.collapse import collapse
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.analysis.saturated_early import saturated_early
from tuning_playbook.analysis.train_loss import train_loss_rising
from tuning_playbook.analysis.training_length import best_steps
from tuning_playbook.dataset.collapse_step import find_collapse

STUDIES = 100
NOISE = 0.002

Shape = Callable[[str, np.ndarray], np.ndarray]


def jump(at: np.ndarray, size: float = 0.8, since: float = 0.6) -> np.ndarray:
    return size * (at >= since)


def slow_rise(at: np.ndarray, size: float = 0.6) -> np.ndarray:
    return size * np.clip((at - 0.4) / 0.5, 0, 1)


def spike(at: np.ndarray, size: float = 0.8) -> np.ndarray:
    return size * (at >= 0.6) * (at < 0.7)


def only(arm: str, shape: Callable[[np.ndarray], np.ndarray]) -> Shape:
    return lambda own, at: shape(at) if own == arm else 0 * at


def on_both(seed: int, shape: Shape, **settings) -> xr.Dataset:
    """A study whose metric has the same shape on both splits."""
    return make_study(seed=seed, shape=shape, train_shape=shape, **settings)


def of_some(share: int) -> Shape:
    """Every so-manieth trial of Nesterov jumps, the best ones not."""
    counter = iter(range(10**6))

    def shape(arm: str, at: np.ndarray) -> np.ndarray:
        number = next(counter)
        return 0.3 + jump(at, 0.5) if arm == NESTEROV and number % share == 0 else 0 * at

    return shape


def test_a_study_whose_trials_all_jump_to_chance():
    study = on_both(0, only(NESTEROV, jump))
    finding = collapse(study)
    assert finding.answer == "problem"
    assert finding.arms == (NESTEROV,)
    assert best_ids(study)[NESTEROV] in finding.trials
    assert finding.numbers["collapsed"] == 16
    row = finding.numbers["trials"][0]
    assert (row["kind"], row["collapse_step"]) == ("jump", 1200)
    assert "collapses at step 1200" in finding.summary
    assert "does not come back" in finding.summary
    assert overfitting(study).answer == "ok"
    assert overfitting(study).numbers["unstable"]
    assert train_loss_rising(study).answer == "problem"
    assert saturated_early(study).answer == "ok"


def test_fewer_steps_are_not_advised_where_trials_collapse():
    study = on_both(0, lambda _arm, at: jump(at, since=0.15), time_constant=0.02)
    assert collapse(study).numbers["collapsed"] == 32
    finding = best_steps(study)
    assert (finding.answer, finding.numbers["proposed_max_train_steps"]) == ("cannot tell", None)
    assert saturated_early(study).answer != "warning"


@pytest.mark.parametrize(("every", "answer"), [(3, "warning"), (9, "ok")])
def test_many_collapses_are_a_warning_though_the_best_trial_trains_on(every, answer):
    shape = of_some(every)
    study = make_study(shape=shape)
    study = _with_train(study, study["error_rate"].sel(split="validation").values)
    finding = collapse(study)
    assert finding.answer == answer
    assert f"{finding.numbers['collapsed']} of 16" in finding.summary or answer == "ok"
    assert finding.numbers["collapsed"] == len(finding.trials)


def _with_train(study: xr.Dataset, train: np.ndarray) -> xr.Dataset:
    """The study with other curves of the training error, [trial, evaluation]."""
    study["error_rate"].loc[{"split": "train"}] = train
    curves = study["error_rate"].sel(split="validation").values
    found = [find_collapse(*pair) for pair in zip(curves, train, strict=True)]
    steps = study["eval_step"].values
    study["collapse_step"][:] = [steps[item.place] if item else np.nan for item in found]
    return study


def test_a_recovery_is_counted_and_is_no_collapse():
    finding = collapse(on_both(0, only(ADAM, spike)))
    assert finding.answer == "ok"
    assert len(finding.numbers["recovered"]) == 16
    assert "16 lost much of the gain and recovered" in finding.summary


def test_a_jump_of_validation_alone_is_overfitting():
    study = make_study(shape=only(ADAM, jump))
    assert collapse(study).answer == "ok"
    finding = overfitting(study)
    assert (finding.answer, finding.arms) == ("problem", (ADAM,))


def test_without_a_training_metric_a_jump_collapses_and_a_slow_rise_overfits():
    for shape, collapsed, overfits in ((jump, "problem", "ok"), (slow_rise, "ok", "problem")):
        study = make_study(shape=only(ADAM, shape))
        study = _with_train(study, np.full((32, 21), np.nan))
        assert (collapse(study).answer, overfitting(study).answer) == (collapsed, overfits)


@pytest.mark.parametrize(
    ("evaluations", "answer"), [(2, "cannot tell"), (6, "cannot tell"), (7, "ok")]
)
def test_few_evaluations_cannot_tell(evaluations, answer):
    assert collapse(make_study(evaluations=evaluations)).answer == answer


def test_a_collapse_is_seen_after_a_huge_first_evaluation():
    """As perplexity has it: 50,000 before training, 25 after it, 100 after the collapse."""

    def perplexity(_arm: str, at: np.ndarray) -> np.ndarray:
        return np.where(at == 0, 5e4, 25 + 175 * np.exp(-at / 0.1) + 75 * (at > 0.6))

    study = on_both(0, perplexity)
    assert collapse(study).numbers["collapsed"] == 32


def test_a_collapse_at_the_end_of_a_long_curve_is_seen():
    study = on_both(0, lambda _arm, at: jump(at, 0.7, 0.9515), evaluations=1000, trials=2)
    assert collapse(study).numbers["collapsed"] == 4


def test_a_study_without_the_variable_has_no_collapse():
    assert collapse(make_study().drop_vars("collapse_step")).answer == "ok"


@pytest.mark.parametrize(
    ("check", "shape", "least"),
    [
        (collapse, lambda at: jump(at, 0.4), 0.9),
        (collapse, slow_rise, 0.9),
        (collapse, lambda at: jump(at, 0.4, 0.85), 0.9),
        (train_loss_rising, lambda at: jump(at, 0.1), 0.9),
    ],
    ids=["a jump", "a slow rise", "a late jump", "a jump of the training loss"],
)
def test_how_often_it_is_found(check, shape, least):
    found = [check(on_both(seed, only(ADAM, shape))).answer == "problem" for seed in range(STUDIES)]
    print(f"{check.__name__}: found in {np.mean(found):.1%}")
    assert np.mean(found) >= least


def wander(generator: np.random.Generator) -> Shape:
    """Evaluations that remember nine tenths of what put them off."""

    def shape(_arm: str, at: np.ndarray) -> np.ndarray:
        steps = NOISE * generator.normal(size=len(at))
        for number in range(1, len(at)):
            steps[number] += 0.9 * steps[number - 1]
        return steps

    return shape


HARMLESS: dict[str, Callable[[int], xr.Dataset]] = {
    "nothing": lambda seed: make_study(seed=seed),
    "spikes that recover": lambda seed: on_both(seed, only(ADAM, spike)),
    "noise that remembers": lambda seed: make_study(
        seed=seed, shape=wander(np.random.default_rng(seed))
    ),
    "overfitting": lambda seed: make_study(seed=seed, shape=only(ADAM, slow_rise)),
    "curvature without noise": lambda seed: on_both(
        seed, lambda _arm, at: 0.05 * (at - 0.6) ** 2, noise=1e-5, time_constant=0.2
    ),
    "20 times the noise": lambda seed: make_study(seed=seed, noise=0.04),
    "maximized": lambda seed: make_study(seed=seed, mode="max"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_how_often_it_is_seen_where_there_is_none(what):
    raised = [collapse(HARMLESS[what](seed)).answer != "ok" for seed in range(STUDIES)]
    print(f"collapse, {what}: false alarms {np.mean(raised):.1%}")
    assert np.mean(raised) <= 0.05


@pytest.mark.parametrize("shape", [jump, slow_rise, spike], ids=lambda shape: shape.__name__)
def test_an_instability_is_not_called_overfitting(shape):
    raised = [
        overfitting(on_both(seed, lambda _arm, at: shape(at))).answer != "ok"
        for seed in range(STUDIES)
    ]
    print(f"overfitting, {shape.__name__}: false alarms {np.mean(raised):.1%}")
    assert np.mean(raised) <= 0.05


def test_all_arms_are_asked_where_nothing_is_found():
    assert collapse(make_study()).arms == ARMS
