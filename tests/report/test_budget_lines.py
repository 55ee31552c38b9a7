"""The cost of evaluations, as it is printed before a study runs."""

from tests.specs import plan_of
from tuning_playbook.report.budget_lines import evaluation_lines


def test_what_it_costs_to_evaluate_on_the_whole_training_split(tmp_path):
    plan = plan_of(tmp_path, {"training.train_sample": "all"})
    examples = plan.study.workload.examples
    (line,) = evaluation_lines(plan)
    assert line == (
        f"evaluations: up to 3 a trial, each on all {examples['train']:,} training examples in "
        f"place of {examples['validation']:,}: {3 * examples['train']:,} forward passes beside the "
        "1,600 examples that it trains on"
    )


def test_every_evaluation_counts(tmp_path):
    """Of 50 steps those until step 30 are evaluated, and 50; 25 is one of them."""
    dense = {"training.train_sample": "all", "training.eval_schedule": {"dense_until": 30}}
    assert "up to 32 a trial" in evaluation_lines(plan_of(tmp_path, dense))[0]


def test_nothing_where_it_is_a_sample(tmp_path):
    assert evaluation_lines(plan_of(tmp_path)) == []
