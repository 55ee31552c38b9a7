"""The skew of the validation sample, on studies whose every prediction is made up."""

import numpy as np

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.sample_skew import sample_skew
from tuning_playbook.engine.examine import sample_error

EXAMPLES, SAMPLE, TRIALS, EVALUATIONS, STUDIES = 1000, 200, 8, 10, 200


def make_sampled_study(seed, bias=0.0):
    """A study with periodic evaluations on a random sample of the validation split.

    Examples differ in how hard they are, for all trials alike.

    Args:
        seed: Another seed, another study.
        bias: By how many standard errors the sample is harder than the split.
    """
    generator = np.random.default_rng(seed)
    study = make_study(seed=seed, trials=TRIALS)
    trials = study.sizes["trial"]
    wrong = np.clip(0.2 + 0.15 * generator.standard_normal(EXAMPLES), 0, 1)
    levels = 0.02 * generator.standard_normal((trials, EVALUATIONS, 1))
    drawn = generator.random((trials, EVALUATIONS, EXAMPLES)) < np.clip(wrong + levels, 0, 1)
    errors = drawn.astype(float)
    sample = generator.choice(EXAMPLES, SAMPLE, replace=False)
    deviation = np.sqrt(np.mean(errors) * (1 - np.mean(errors)) / SAMPLE)
    on_sample = errors[:, :, sample].mean(axis=2) + bias * deviation
    best = on_sample.argmin(axis=1)
    at_best = errors[np.arange(trials), best]
    study["objective"][:] = on_sample.min(axis=1)
    study["whole_error_rate"] = ("trial", at_best.mean(axis=1))
    study["sample_error_error_rate"] = (
        "trial",
        [sample_error(values, SAMPLE) for values in at_best],
    )
    return study


def share(bias):
    answers = [sample_skew(make_sampled_study(seed, bias)).answer for seed in range(STUDIES)]
    return np.mean([answer == "warning" for answer in answers])


def test_a_random_sample_is_no_reason_for_a_warning():
    alarms = share(0.0)
    print(f"sample_skew: false alarms {alarms:.1%}")
    assert alarms <= 0.05


def test_a_sample_that_is_harder_is_found():
    found = share(6.0)
    print(f"sample_skew: detected {found:.1%}")
    assert found >= 0.9


def test_the_standard_error_is_that_of_samples_without_replacement():
    generator = np.random.default_rng(0)
    values = generator.exponential(size=300)
    means = [values[generator.permutation(300)[:100]].mean() for _ in range(4000)]
    np.testing.assert_allclose(sample_error(values, 100), np.std(means), rtol=0.05)
    assert sample_error(values, 300) == 0


def test_it_says_which_arm_is_best_on_the_whole_split():
    study = make_sampled_study(1)
    study["objective"][:] = np.linspace(0.1, 0.2, study.sizes["trial"])
    study["whole_error_rate"][:] = np.linspace(0.2, 0.1, study.sizes["trial"])
    finding = sample_skew(study)
    assert "is best on the sample, " in finding.summary
    assert [row["arm"] for row in finding.numbers["arms"]] == list(
        dict.fromkeys(study["arm"].values)
    )


def test_without_a_sample_there_is_no_skew():
    assert sample_skew(make_study()).answer == "ok"


def test_on_which_examples_a_command_evaluates_nobody_can_tell():
    study = make_sampled_study(0).drop_vars(["whole_error_rate", "sample_error_error_rate"])
    assert sample_skew(study).answer == "ok"
    assert sample_skew(study.assign_attrs(engine="command")).answer == "cannot tell"
