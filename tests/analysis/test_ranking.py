"""Which trial is the best one."""

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.ranking import arms_by_best, ranked


def test_of_equal_objectives_the_one_that_was_reached_first_is_the_best():
    study = make_study(arms=["a", "b"], trials=3)
    study["objective"][:] = [0.0, 0.0, 0.1, 0.0, 0.0, 0.2]
    study["best_step"][:] = [300, 200, 100, 100, 200, 100]
    assert ranked(study).tolist() == [3, 1, 4, 0, 2, 5]
    assert arms_by_best(study) == ("b", "a")
