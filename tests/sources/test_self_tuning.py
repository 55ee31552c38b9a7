"""AlgoPerf's submissions that tune themselves: they are given no hyperparameters, and log none."""

import json

import pytest

from tests.sources.foreign import RUNS, write_algoperf
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study


def write(folder, ruleset="self"):
    """Five runs of a submission, without a file of hyperparameters."""
    spec = write_algoperf(folder, RUNS[:5])
    for path in sorted((folder / "logs").glob("study_0/trial_*")):
        (path / "hparams.json").unlink()
        flags = json.loads((path / "flags_0.json").read_text())
        (path / "flags_0.json").write_text(json.dumps(flags | {"tuning_ruleset": ruleset}))
    return spec


def test_its_runs_are_seeds_of_one_configuration(tmp_path):
    plan = plan_study(write(tmp_path))
    assert [trial.hyperparameters for trial in plan.study.imported] == [{}] * 5
    assert [trial.seed for trial in plan.study.imported] == [7, 8, 9, 10, 11]
    datasets = import_datasets(plan)
    assert datasets["study"].sizes["trial"] == 1
    assert datasets["reruns"].sizes["trial"] == 4
    assert {item.check for item in diagnose(datasets["study"])}


def test_of_a_submission_that_is_tuned_the_file_is_missed(tmp_path):
    with pytest.raises(TuningPlaybookError, match=r"hparams\.json: there is no such file"):
        plan_study(write(tmp_path, ruleset="external"))


def test_where_no_run_was_evaluated_the_error_says_so(tmp_path):
    """As 25 runs of the leaderboard, whose logs of training are all that was kept."""
    spec = write_algoperf(tmp_path, RUNS[:3])
    for path in sorted((tmp_path / "logs").glob("study_0/trial_*")):
        (path / "eval_measurements.csv").unlink()
        (path / "measurements.csv").write_text("global_step,loss\n1,2.5\n2,2.25\n")
    with pytest.raises(TuningPlaybookError, match=r"all 3 runs have failed.*no value of"):
        plan_study(spec)
