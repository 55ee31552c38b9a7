"""Adopting a launch writes a baseline and a record; a refused one writes nothing."""

import csv

import pytest

from tests.specs import plan_of
from tests.trials.records import trial_json_of
from tuning_playbook.errors import ArtefactError, LaunchError
from tuning_playbook.files import write_json
from tuning_playbook.launches.adopt import adopt, adopt_launch, baseline_name
from tuning_playbook.launches.history import read_launches
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.study.read import read_baseline
from tuning_playbook.study.yaml import read_yaml
from tuning_playbook.trials.trial_json import write_trial_json

BASELINE = "workload: digits_mlp\nhyperparameters: {optimizer: momentum, width: 16}\n"

EVIDENCE = {
    "decision": "adopt",
    "reasons": ["The reruns say so."],
    "objective_metric": "validation/error_rate",
    "objective_mode": "min",
    "baseline": {"mean": 0.3, "standard_deviation": 0.02, "rerun_objectives": [0.3, 0.28, None]},
    "difference": {"improvement": 0.1, "low": 0.05, "high": 0.15},
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A folder of configuration with a baseline, from where specs name it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/baselines").mkdir(parents=True)
    (tmp_path / "config/baselines/digits_mlp.yaml").write_text(BASELINE)
    return tmp_path / "config"


def study(config, **changes):
    given = {"baseline": "config/baselines/digits_mlp.yaml"} | changes
    return plan_of(config / "studies", given)


def launch_of(plan, place=1, **changes):
    candidate = {
        "trial": plan.trials[place].trial.id,
        "mean": 0.2,
        "standard_deviation": 0.01,
        "rerun_objectives": [0.2, 0.19, 0.21],
    }
    return EVIDENCE | {"candidate": candidate} | changes


def do(plan, launch, config, date="2026-01-31", **options):
    """Adopt, with the candidate on record as its job leaves it."""
    results = config.parent / "results" / plan.study.name
    for item in plan.trials:
        write_trial_json(results / "trials" / item.trial.id, trial_json_of(item.trial))
    return adopt(plan.study, launch, results, config, date=date, commit="c0ffee", **options)


def everything(config):
    return {path: path.read_bytes() for path in config.rglob("*") if path.is_file()}


def test_the_candidates_whole_configuration_is_the_baseline_of_the_next_study(config):
    plan = study(config)
    done = do(plan, launch_of(plan), config)
    assert done.recorded
    candidate = plan.trials[1].trial
    next_plan = plan_of(config / "studies", {"baseline": str(done.baseline)}, name="next")
    assert next_plan.study.baseline.hyperparameters == candidate.hyperparameters
    assert next_plan.study.baseline.batch_size == candidate.batch_size


def test_the_record_has_the_objective_before_and_after_with_its_variance(config):
    plan = study(config)
    do(plan, launch_of(plan), config)
    with (config / "launches.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["date"], row["study"], row["commit"]) == ("2026-01-31", "small", "c0ffee")
    assert (row["before_mean"], row["before_sd"], row["before_reruns"]) == ("0.3", "0.02", "2")
    assert (row["after_mean"], row["after_sd"], row["after_reruns"]) == ("0.2", "0.01", "3")
    assert (row["improvement"], row["forced"], row["decision"]) == ("0.1", "", "adopt")


def test_a_study_goes_on_being_compared_with_what_its_launch_replaced(config):
    before = study(config)
    do(before, launch_of(before), config)
    after = study(config)
    assert keys_of(after) == keys_of(before)
    assert after.study.baseline == before.study.baseline


def test_what_was_replaced_by_force_without_a_comparison_is_kept(config):
    """So a study that names its baseline afterwards is not compared with its own result."""
    alone = plan_of(config / "studies", {})
    do(alone, launch_of(alone, decision="provisional"), config, force=True)
    incumbent = study(config).study.baseline
    assert incumbent.hyperparameters["optimizer"] == "momentum"
    assert incumbent.hyperparameters != alone.trials[1].trial.hyperparameters
    assert incumbent.hyperparameters["width"] == 16
    (launch,) = read_baseline(config / "baselines/digits_mlp.yaml")[0].launches
    assert launch.replaced.hyperparameters == incumbent.hyperparameters


def test_adopting_twice_records_once_and_changes_no_byte(config):
    plan = study(config)
    do(plan, launch_of(plan), config)
    once = everything(config)
    done = do(study(config), launch_of(plan), config, date="2027-01-01")
    assert not done.recorded
    assert everything(config) == once


@pytest.mark.parametrize("lost", ["launches.csv", "baselines/digits_mlp.yaml"])
def test_what_an_interruption_left_undone_is_done_by_adopting_again(config, lost):
    plan = study(config)
    do(plan, launch_of(plan), config)
    content = everything(config)
    (config / lost).unlink()
    if lost.endswith("yaml"):
        (config / lost).write_text(BASELINE)
    do(plan, launch_of(plan), config)
    assert everything(config) == content


def test_launches_follow_each_other_in_the_record_and_in_the_baseline(config):
    first = study(config)
    do(first, launch_of(first), config)
    second = plan_of(
        config / "studies",
        {"baseline": "config/baselines/digits_mlp.yaml", "search.seed": 7},
        name="second",
    )
    do(second, launch_of(second), config)
    assert [row["study"] for row in read_launches(config / "launches.csv")] == ["small", "second"]
    baseline, _ = read_baseline(config / "baselines/digits_mlp.yaml")
    assert [launch.study for launch in baseline.launches] == ["small", "second"]
    replaced = baseline.launches[1].replaced.hyperparameters
    assert replaced == first.trials[1].trial.hyperparameters
    assert keys_of(study(config)) == keys_of(first)
    with pytest.raises(LaunchError, match="not compared with the incumbent"):
        do(study(config), launch_of(first), config)  # which is another's by now


@pytest.mark.parametrize("decision", ["reject", "provisional"])
def test_a_launch_without_the_evidence_is_refused_and_nothing_is_written(config, decision):
    plan = study(config)
    before = everything(config)
    launch = launch_of(plan, decision=decision, reasons=["Too few reruns."])
    with pytest.raises(LaunchError, match=rf"'{decision}'.*Too few reruns\..*force=true"):
        do(plan, launch, config)
    assert everything(config) == before
    do(plan, launch, config, force=True)
    (row,) = read_launches(config / "launches.csv")
    assert (row["decision"], row["forced"]) == (decision, "yes")


def test_a_launch_on_which_nothing_is_decided_is_not_adopted_by_force_either(config):
    plan = study(config)
    before = everything(config)
    launch = launch_of(plan, decision="undecided", reasons=["The study is incomplete."])
    with pytest.raises(LaunchError, match=r"nothing is decided\. The study is incomplete\."):
        do(plan, launch, config, force=True)
    assert everything(config) == before


def test_a_candidate_that_was_not_compared_with_the_incumbent_is_refused(config):
    plan = plan_of(config / "studies")
    before = everything(config)
    with pytest.raises(LaunchError, match=r"not compared with the incumbent in .*digits_mlp\.yaml"):
        do(plan, launch_of(plan, baseline=None, difference=None), config)
    assert everything(config) == before


def test_where_there_is_no_incumbent_the_candidate_is_the_first(config):
    (config / "baselines/digits_mlp.yaml").unlink()
    plan = plan_of(config / "studies")
    do(plan, launch_of(plan, baseline=None, difference=None), config)
    document, _ = read_yaml(config / "baselines/digits_mlp.yaml", what="baseline")
    assert document["launches"] == [{"study": "small"}]
    (row,) = read_launches(config / "launches.csv")
    assert (row["before_mean"], row["before_reruns"], row["improvement"]) == ("", "0", "")


def test_nothing_feasible_leaves_nothing_to_adopt(config):
    plan = study(config)
    with pytest.raises(LaunchError, match="nothing to adopt"):
        do(plan, launch_of(plan, candidate=None), config, force=True)


def test_a_candidate_without_its_record_is_not_adopted(config):
    plan = study(config)
    before = everything(config)
    launch = launch_of(plan, candidate={"trial": "0123456789"})
    with pytest.raises(ArtefactError, match=r"0123456789.trial\.json: the record of the trial"):
        do(plan, launch, config)
    folder = config.parent / "results/small/trials/0123456789"
    write_trial_json(folder, trial_json_of(plan.trials[0].trial))
    with pytest.raises(ArtefactError, match="changed or moved"):
        do(plan, launch, config)
    assert everything(config) == before


def test_a_damaged_record_is_not_written_over(config):
    (config / "launches.csv").write_text("date,study\n2026-01-01,small\n")
    plan = study(config)
    before = everything(config)
    with pytest.raises(ArtefactError, match=r"launches\.csv"):
        do(plan, launch_of(plan), config)
    assert everything(config) == before


@pytest.mark.parametrize("workload", ["../../etc:Model", "a/b:C", "..", "my.model:Net"])
def test_a_workload_names_no_file_outside_its_folder(workload):
    name = baseline_name(workload)
    assert name.endswith(".yaml")
    assert not {"/", "\\", ":"} & set(name)
    assert not name.startswith("..")


def adopted(plan, launch, config, **options):
    """What is told of a launch that is adopted from its file."""
    do(plan, launch, config, force=True)
    file = config.parent / "results" / plan.study.name / "launch.json"
    write_json(file, launch)
    return adopt_launch(plan.study, file, config, date="2026-01-31", commit="c0ffee", **options)


def test_it_is_told_what_became_the_baseline(config):
    plan = study(config)
    told = adopted(plan, launch_of(plan), config, force=False)
    trial = plan.trials[1].trial.id
    assert told == (
        f"{config / 'baselines/digits_mlp.yaml'} is trial {trial} of small; "
        "the launch is already in launches.csv"
    )


def test_it_is_told_that_a_launch_was_forced(config):
    plan = study(config)
    first, _ = adopted(plan, launch_of(plan, decision="provisional"), config, force=True).split(
        "\n"
    )
    assert first == "small: adopted by force although its launch is 'provisional'"
