import math

import numpy as np
import pytest
from scipy import stats

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tuning_playbook.analysis import quantiles
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.ranking import best_trial, ranked, trial_id
from tuning_playbook.analysis.variance import pooled_deviation, summarise, trial_variance
from tuning_playbook.errors import ArtefactError

FIVE = [0.10, 0.11, 0.12, 0.13, 0.14]


def test_intervals_are_those_of_scipy():
    row = summarise("a", FIVE)
    deviation = np.std(FIVE, ddof=1)
    assert (row.mean, row.standard_deviation) == (pytest.approx(0.12), pytest.approx(deviation))
    low, high = stats.t.interval(0.95, 4, loc=0.12, scale=deviation / math.sqrt(5))
    assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))
    chi = stats.chi2(4)
    assert row.deviation_low == pytest.approx(deviation * math.sqrt(4 / chi.ppf(0.975)))
    assert row.deviation_high == pytest.approx(deviation * math.sqrt(4 / chi.ppf(0.025)))
    assert row.known


def test_intervals_cover_what_they_say():
    generator = np.random.default_rng(0)
    rows = [summarise("a", generator.normal(1.0, 2.0, size=5)) for _ in range(2000)]
    means = [row.low <= 1.0 <= row.high for row in rows]
    deviations = [row.deviation_low <= 2.0 <= row.deviation_high for row in rows]
    print(f"coverage of 95 %: mean {np.mean(means):.1%}, deviation {np.mean(deviations):.1%}")
    assert np.mean(means) == pytest.approx(0.95, abs=0.015)
    assert np.mean(deviations) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.2], FIVE[:4], [*FIVE[:4], math.nan]])
def test_below_five_the_variance_is_not_known(values):
    row = summarise("a", values)
    assert not row.known
    assert (row.low, row.high, row.deviation_low) == (None, None, None)
    assert "variance is not known" in row.summary


def test_an_infeasible_rerun_is_said():
    row = summarise("a", [*FIVE, math.nan])
    assert (row.infeasible, row.reruns[-1], row.known) == (1, None, True)
    assert "1 of them infeasible" in row.summary


def test_search_score_stands_beside_the_reruns_with_its_bias():
    study = make_study()
    rows = trial_variance(study, make_reruns(study, {ADAM: FIVE, "baseline": FIVE[:3]}))
    assert [row.arm for row in rows] == [NESTEROV, ADAM, "baseline"]
    nesterov, adam, baseline = rows
    assert nesterov.reruns == ()
    assert adam.trial == trial_id(study, best_trial(study, ADAM))
    assert adam.search_objective == float(study["objective"].values[best_trial(study, ADAM)])
    assert "biased by selection" in adam.summary
    assert (baseline.search_objective, baseline.trial) == (None, "")


def test_reruns_come_in_their_order():
    study = make_study()
    reruns = make_reruns(study, {ADAM: FIVE}).isel(trial=[3, 1, 0, 4, 2])
    assert trial_variance(study, reruns)[1].reruns == tuple(FIVE)


def test_reruns_of_a_trial_that_is_not_there():
    study = make_study()
    reruns = make_reruns(study, {ADAM: FIVE})
    with pytest.raises(ArtefactError, match="run the study again"):
        trial_variance(study.isel(trial=slice(0, 16)), reruns)


def test_isolation_shows_every_arm():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
    nesterov, adam = isolation(study, make_reruns(study, {NESTEROV: [*FIVE, math.nan]}))
    assert nesterov.reruns == tuple(FIVE)
    assert nesterov.infeasible_reruns == 1
    assert nesterov.low < nesterov.mean < nesterov.high
    assert not nesterov.infeasible
    assert adam.infeasible
    assert (adam.trial, adam.objective, adam.reruns, adam.trials) == ("", None, (), 16)


def test_isolation_without_reruns():
    study = make_study(arms=["all trials"], mode="max")
    (point,) = isolation(study)
    assert point.objective == study["objective"].max()
    assert (point.mean, point.low) == (None, None)
    assert point.study_low < point.objective
    assert point.study_high is None  # how much better another search's best may be is open


def test_ties_go_to_the_earlier_place_in_the_study():
    study = make_study(trials=3, places=[5, 4, 3, 2, 1, 0])
    study["objective"][:] = 0.1
    study["best_step"][:] = 100
    assert list(ranked(study)) == [5, 4, 3, 2, 1, 0]
    assert list(ranked(study, NESTEROV)) == [2, 1, 0]


def test_quantiles_are_those_of_scipy():
    assert quantiles.student_tail(1.5, 7) == pytest.approx(stats.t.sf(1.5, 7))
    assert quantiles.student_quantile(0.9, 3.5) == pytest.approx(stats.t.ppf(0.9, 3.5))
    assert quantiles.chi_square_quantile(0.3, 4) == pytest.approx(stats.chi2.ppf(0.3, 4))
    for successes in (0, 3, 10):
        expected = stats.binom.sf(successes - 1, 10, 0.4)
        assert quantiles.binomial_tail(successes, 10, 0.4) == pytest.approx(expected)


class TestAVarianceThatAnEarlierStudyMeasured:
    def of(self, values):
        study = make_study()
        reruns = make_reruns(study, {NESTEROV: values, ADAM: [0.1] * 2})
        reruns.attrs |= {"known_deviation": 0.01, "known_degrees": 18, "known_from": "first"}
        return trial_variance(study, reruns)[0]

    def test_it_stands_in_for_reruns_that_are_too_few(self):
        row = self.of([0.10, 0.12])
        pooled = (18 * 0.01**2 + 0.0002) / 19
        width = stats.t.ppf(0.975, 19) * math.sqrt(pooled / 2)
        assert row.known
        assert (row.low, row.high) == pytest.approx((0.11 - width, 0.11 + width))
        assert row.summary.startswith(
            "2 reruns, mean 0.11. The standard deviation of the study first is used, 0.01 (18 "
        )

    def test_five_reruns_know_their_own(self):
        row = self.of([0.10, 0.12, 0.11, 0.10, 0.13])
        assert row.earlier is None
        assert row.known

    def test_without_a_feasible_rerun_nothing_is_known(self):
        assert not self.of([math.nan, math.nan]).known

    def test_the_reruns_of_a_study_give_it_to_a_later_one(self):
        study = make_study()
        values = {NESTEROV: [0.10, 0.12, 0.11], ADAM: [0.20, 0.21, 0.25], "baseline": [0.3, 0.3]}
        deviation, degrees = pooled_deviation(make_reruns(study, values))
        samples = list(values.values())
        pooled = sum((len(one) - 1) * np.var(one, ddof=1) for one in samples) / 5
        assert degrees == 5
        assert deviation == pytest.approx(math.sqrt(pooled))

    @pytest.mark.parametrize("values", [[0.1, 0.2, 0.3, 0.4], [0.1] * 6], ids=["few", "equal"])
    def test_too_few_or_equal_ones_give_none(self, values):
        assert pooled_deviation(make_reruns(make_study(), {NESTEROV: values})) is None
