"""What runs again after a change of the spec, of the code, or of the files of an earlier run."""

import csv
import json
import shutil
from types import SimpleNamespace

import pytest
import xarray as xr

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.reading import load_dataset, problems_of

pytestmark = pytest.mark.workflow

ONLY_THE_REPORT = {"mark_stage": 1, "report_study": 1, "write_tracking": 1}
ONLY_WHAT_IS_READ = ONLY_THE_REPORT | {"mark_stage": 2, "write_next_study": 1}
"""The report, and the spec of the next round, which has the same goal and notes."""

ONLY_THE_GOAL = ONLY_WHAT_IS_READ | {"mark_stage": 3, "decide_launch": 1}
"""These, and launch.json, which answers the goal."""

LAST_LINES = [
    "small:",
    "  decision:",
    "  best of the search:",
    "  candidate:",
    "  report:",
]
"""How the last lines of a run begin, before Snakemake's own."""

TRAINING = {"train_pack", "train_reruns"}


def last_lines(text):
    """Return how the lines about the study begin, each kind once."""
    begun = [start for line in text.splitlines() for start in LAST_LINES if line.startswith(start)]
    return list(dict.fromkeys(begun))


def test_nothing_changed_and_no_job_runs(trained):
    run = trained.snakemake()
    assert run.nothing_to_do
    assert last_lines(run.text.split("Nothing to be done", 1)[1]) == LAST_LINES


def test_a_new_goal_is_answered_and_reported_and_nothing_else_runs(trained):
    trained.write_study("small", IN_ONE_JOB | {"goal": "In other words?"})
    run = trained.snakemake()
    assert run.rules == ONLY_THE_GOAL
    assert not run.trained("small")
    assert last_lines(run.text.split("steps (100%) done", 1)[1]) == LAST_LINES
    assert "In other words?" in trained.report()
    assert "In other words?" in (trained.results / "tracking.csv").read_text()


def test_new_notes_concern_the_report_only(trained):
    trained.write_study("small", IN_ONE_JOB | {"notes": "In other words."})
    assert trained.plan().rules == ONLY_WHAT_IS_READ


def test_a_plot_drawn_by_other_code_is_drawn_and_reported_again_without_training(trained):
    trained.append("src/tuning_playbook/plots/axis_plot.py", "\nCHANGED = True\n")
    assert trained.plan().rules.keys() == {
        "mark_stage",
        "plot_axis",
        "plot_diagnostics",
        "plot_launch",
        "report_study",
        "write_tracking",
    }


def test_a_report_written_by_other_code_is_written_again_without_training(trained):
    trained.append("src/tuning_playbook/report/templates/report.css", "\n.changed { top: 0; }\n")
    run = trained.snakemake()
    assert run.rules == ONLY_THE_REPORT
    assert ".changed { top: 0; }" in trained.report()
    assert trained.plan().nothing_to_do


def test_other_code_of_the_analysis_chooses_and_decides_again_without_training(trained):
    trained.append("src/tuning_playbook/analysis/ranking.py", "\nCHANGED = True\n")
    planned = trained.plan().rules
    wanted = {"choose_reruns", "export_models", "diagnose_study", "decide_launch", "report_study"}
    assert planned.keys() >= wanted
    assert "train_pack" not in planned


def test_another_threshold_of_the_checklist_is_asked_by_without_training(trained):
    trained.write_study("small", IN_ONE_JOB | {"checklist": {"beats_chance": {"share": 0.99}}})
    assert trained.plan().rules.keys() == ONLY_WHAT_IS_READ.keys() | {
        "diagnose_study",
        "decide_launch",
        "plot_diagnostics",
    }


def test_other_training_code_trains_every_trial_again(trained):
    before = trained.trials()
    trained.append("src/tuning_playbook/engine/run.py", "\nCHANGED = True\n")
    run = trained.snakemake("study_dataset")
    after = trained.trials()
    assert len(after) == 4
    assert not set(before) & set(after)
    assert run.trained("small") == set(after)
    assert not run.kept("small")


def test_other_words_in_the_training_code_train_nothing(trained):
    trained.reword("src/tuning_playbook/engine/run.py")
    assert not TRAINING & trained.plan().rules.keys()


def test_snakemake_forgot_everything_and_more_trials_are_wanted(trained):
    before = trained.trials()
    shutil.rmtree(trained.root / ".snakemake")
    trained.write_study("small", IN_ONE_JOB | {"search.trials": 6})
    run = trained.snakemake()
    now = trained.trials()
    assert len(now) == 6
    assert run.trained("small") == set(now) - set(before)
    assert run.kept("small") == set(before)
    report = trained.report()
    assert all(f'id="trial-{trial}"' in report for trial in now)
    with (trained.results / "tracking.csv").open() as sheet:
        assert [row["trials_run"] for row in csv.DictReader(sheet)] == ["6"]
    assert trained.plan().nothing_to_do


def test_snakemake_forgot_everything_and_only_the_words_changed(trained):
    shutil.rmtree(trained.root / ".snakemake")
    trained.write_study("small", IN_ONE_JOB | {"goal": "In other words."})
    assert trained.plan().rules == ONLY_THE_GOAL


def test_a_lost_dataset_is_collected_again_without_training(trained):
    dataset, reruns = (trained.results / "small" / name for name in ("study.nc", "reruns.nc"))
    before = dataset.read_bytes()
    dataset.unlink()
    planned = trained.plan().rules
    assert "collect_study" in planned
    assert "train_pack" not in planned
    run = trained.snakemake(*(path.relative_to(trained.root) for path in (dataset, reruns)))
    assert not run.trained("small")
    assert not run.retrained("small")
    assert dataset.read_bytes() == before


def test_a_lost_pack_file_is_written_again_from_the_dataset(trained):
    """A trial that was collected has no numbers of its own any more."""
    assert not list((trained.results / "small").rglob("numbers.npz"))
    (pack,) = (trained.results / "small" / "packs").iterdir()
    before = pack.read_bytes()
    pack.unlink()
    assert "train_pack" in trained.plan().rules
    run = trained.snakemake(pack.relative_to(trained.root))
    assert run.kept("small") == set(trained.trials())
    assert not run.trained("small")
    assert pack.read_bytes() == before


NEVER_EXPANDS = """

def expand(*_):
    raise AssertionError("a job of one pack expands a study")
"""


@pytest.mark.parametrize("rule", ["train_pack", "train_reruns"])
def test_a_job_of_a_cluster_that_trains_one_pack_expands_no_study(trained, rule):
    folder, wildcard = {"train_pack": ("packs", "pack"), "train_reruns": ("reruns", "rerun")}[rule]
    (pack,) = (trained.results / "small" / folder).glob("*.nc")
    before = pack.read_bytes()
    pack.unlink()
    trained.append("src/tuning_playbook/planning/plan.py", NEVER_EXPANDS)
    # As the executors of Snakemake call it for a job.
    job = ["--target-jobs", f"{rule}:study=small,{wildcard}={pack.stem}", "--allowed-rules", rule]
    run = trained.run("--mode", "remote", "--cores", 1, *job, "--config", "study=small")
    assert run.status == 0, run.text
    assert pack.read_bytes() == before


def test_lost_packs_of_reruns_are_written_again_from_the_dataset(trained):
    packs = list((trained.results / "small" / "reruns").glob("*.nc"))
    before = {pack: pack.read_bytes() for pack in packs}
    for pack in packs:
        pack.unlink()
    run = trained.snakemake(*(pack.relative_to(trained.root) for pack in packs))
    assert run.rules["train_reruns"] == len(packs)
    assert not run.retrained("small")
    assert {pack: pack.read_bytes() for pack in packs} == before


def test_a_lost_dataset_of_checkpoints_is_collected_again_without_training(trained):
    dataset = trained.results / "small" / "checkpoints.nc"
    before = dataset.read_bytes()
    dataset.unlink()
    run = trained.snakemake(dataset.relative_to(trained.root))
    assert run.rules == {"collect_study": 1}
    assert dataset.read_bytes() == before


def test_where_pack_and_dataset_are_both_lost_every_trial_is_trained_again(trained):
    before = trained.trials()
    (pack,) = (trained.results / "small" / "packs").iterdir()
    content = pack.read_bytes()
    pack.unlink()
    (trained.results / "small" / "study.nc").unlink()
    run = trained.snakemake(pack.relative_to(trained.root))
    assert run.trained("small") == set(before)
    assert pack.read_bytes() == content


def test_what_there_is_of_a_study_is_collected_when_asked_for_and_passes_for_no_whole_one(trained):
    (pack,) = (trained.results / "small" / "packs").iterdir()
    pack.unlink()
    missing, *there = trained.trials()
    (trained.results / f"small/trials/{missing}/trial.json").unlink()
    run = trained.snakemake("study_dataset", config=["incomplete=report"])
    assert run.rules == {"mark_stage": 1, "collect_study": 1}
    assert trained.trials() == there
    with xr.open_dataset(trained.results / "small" / "study.nc") as dataset:
        assert (dataset.complete, dataset.missing_trials) == (0, missing)
    # Snakemake removed the dataset that held them alone; where no pack does they have their own.
    own = {path.parent.name for path in (trained.results / "small").glob("trials/*/numbers.npz")}
    assert own & {missing, *there} == set(there)
    assert trained.plan("study_dataset", config=["incomplete=report"]).nothing_to_do
    whole = {"mark_stage": 1, "train_pack": 1, "collect_study": 1}
    assert trained.plan("study_dataset").rules == whole


def values(*learning_rates):
    trials = [{"learning_rate": value} for value in learning_rates]
    return IN_ONE_JOB | {"search": {"algorithm": "list", "trials": trials}, "nuisance": {}}


def two_arms(*, weight_decay, adam):
    """Two arms that share a range and have one of their own each."""

    def range_of(name, bounds):
        nuisance = {"learning_rate": {"log_uniform": bounds}}
        return {"when": {"optimizer": name}, "nuisance": nuisance}

    return IN_ONE_JOB | {
        "scientific": {"optimizer": ["momentum", "adam"]},
        "fixed": {"width": 16},
        "nuisance": {"weight_decay": {"log_uniform": weight_decay}},
        "conditional": [range_of("momentum", [1e-3, 1e-1]), range_of("adam", adam)],
        "search.trials": 2,
    }


SMALLEST = IN_ONE_JOB | {"training.keep_best": 1}
LARGEST = SMALLEST | {"objective": {"metric": "train/loss", "mode": "max"}}
"""The first evaluation is the worst one of a trial that learns, and no other keeps it."""


@in_background
def ranked(workshop):
    """A study that is ranked by one objective, then by another, then by the first again."""
    project = workshop.new_project("ranked")
    folder = project.results / "ranked"
    runs = []
    for changes in (SMALLEST, LARGEST, SMALLEST):
        project.write_study("ranked", changes)
        run = project.snakemake("report", "archive", study="ranked")
        runs.append(
            SimpleNamespace(
                rules=run.rules,
                trained=run.trained("ranked"),
                retrained=run.retrained("ranked"),
                files={path.name: path.read_bytes() for path in folder.glob("*.nc")},
                packs={path.name: path.read_bytes() for path in folder.glob("packs/*.nc")},
                study=load_dataset(folder / "study.nc"),
                reruns=load_dataset(folder / "reruns.nc"),
                checkpoints=load_dataset(folder / "checkpoints.nc"),
                models=json.loads((folder / "models.json").read_text())["models"],
                exported=(folder / "logs/export_models.log").read_text(),
                problems=problems_of(project.results / "archive/ranked.zip"),
                own={path.parent.name for path in folder.rglob("numbers.npz")},
            )
        )
    again = project.plan("report", "archive", study="ranked")
    return SimpleNamespace(runs=runs, again=again)


def ids(dataset):
    return {str(trial) for trial in dataset["trial"].to_numpy()}


def test_another_objective_ranks_the_same_trials_and_reruns_those_that_become_the_best(ranked):
    first, second, _ = ranked.runs
    assert not second.trained
    assert "train_pack" not in second.rules
    assert ids(second.study) == ids(first.study)
    assert second.packs == first.packs
    assert second.study["best_step"].to_numpy().tolist() == [0] * 4
    assert not set(first.reruns["rerun_of"].to_numpy()) & set(second.reruns["rerun_of"].to_numpy())
    assert second.retrained == ids(second.reruns)
    assert len(second.retrained) == 2


def test_what_the_other_objective_leaves_unkept_is_recorded_and_trained_again_for_its_model(ranked):
    first, second, _ = ranked.runs
    assert first.checkpoints["kept"].to_numpy().tolist() == [1] * 4
    assert second.checkpoints["kept"].to_numpy().tolist() == [0] * 4
    (model,) = second.models.values()
    told = f"trial {model['trial']} kept no checkpoint of step 0, its best by train/loss"
    assert told in second.exported
    assert "trained again" not in first.exported


def test_going_back_to_the_first_objective_trains_nothing_and_gives_the_first_datasets(ranked):
    first, _, third = ranked.runs
    assert not third.trained
    assert not third.retrained
    assert "train_pack" not in third.rules
    assert "trained again" not in third.exported
    for name in ("study.nc", "reruns.nc", "checkpoints.nc"):
        assert third.files[name] == first.files[name], name
    assert third.packs == first.packs
    assert third.models == first.models
    assert ranked.again.nothing_to_do


def test_a_number_is_on_disk_twice_but_for_those_of_trials_that_gave_way(ranked):
    first, second, third = ranked.runs
    assert first.own == set()
    assert second.own == ids(first.reruns)
    assert third.own == ids(second.reruns)


def test_an_archive_of_each_is_whole(ranked):
    assert [run.problems for run in ranked.runs] == [(), (), ()]


FOUR, SIX = {"search.trials": 4}, {"search.trials": 6}
EACH_A_JOB = {"resources.trials_per_job": 1}
VERSIONS = {
    # study: the changes of the small spec in the first, the second and the third round
    "in_one_job": [IN_ONE_JOB | FOUR, IN_ONE_JOB | SIX, IN_ONE_JOB | FOUR],
    "each_a_job": [EACH_A_JOB | FOUR, EACH_A_JOB | SIX, EACH_A_JOB | FOUR],
    "listed": [
        values(0.01, 0.02, 0.05),
        values(0.08, 0.01, 0.03, 0.05),
        values(0.01, 0.02, 0.05),
    ],
    "two_arms": [
        two_arms(weight_decay=[1e-6, 1e-2], adam=[1e-3, 1e-1]),
        two_arms(weight_decay=[1e-6, 1e-2], adam=[1e-4, 1e-2]),
        two_arms(weight_decay=[1e-5, 1e-2], adam=[1e-4, 1e-2]),
    ],
}
GONE_BACK = ["in_one_job", "each_a_job", "listed"]


@in_background
def rounds(workshop):
    """Three rounds of some studies, each study changed in its own way from round to round."""
    project = workshop.new_project("rounds")
    return [run_round(project, number) for number in range(3)]


def run_round(project, number):
    for study, versions in VERSIONS.items():
        project.write_study(study, versions[number])
    config = [f"studies=[{','.join(VERSIONS)}]"]
    run = project.snakemake("study_dataset", study="", config=config)
    return {
        study: SimpleNamespace(
            trials=project.trials(study),
            trained=run.trained(study),
            kept=run.kept(study),
            file=(project.results / study / "study.nc").read_bytes(),
            dataset=load_dataset(project.results / study / "study.nc"),
        )
        for study in VERSIONS
    }


@pytest.mark.parametrize("study", VERSIONS)
def test_a_first_run_trains_every_trial_once(rounds, study):
    first = rounds[0][study]
    assert first.trained == set(first.trials)
    assert not first.kept


@pytest.mark.parametrize("study", ["in_one_job", "each_a_job"])
def test_two_more_trials_train_those_two_and_leave_the_four(rounds, study):
    four, six = rounds[0][study].trials, rounds[1][study].trials
    assert len(six) == 6
    assert six[:4] == four
    assert rounds[1][study].trained == set(six[4:])


def test_a_job_of_many_trials_says_which_it_kept(rounds):
    assert rounds[1]["in_one_job"].kept == set(rounds[0]["in_one_job"].trials)


def test_entries_changed_or_inserted_first_in_a_list_train_those_trials_only(rounds):
    before, after = rounds[0]["listed"].trials, rounds[1]["listed"].trials
    inserted, first, altered, last = after
    assert [first, last] == [before[0], before[2]]
    assert rounds[1]["listed"].trained == {inserted, altered}


def test_a_range_of_one_arm_trains_the_trials_of_that_arm_only(rounds):
    before, after = rounds[0]["two_arms"], rounds[1]["two_arms"]
    arms = dict(zip(after.trials, after.dataset["arm"].to_numpy(), strict=True))
    adam = {trial for trial, arm in arms.items() if arm == "optimizer=adam"}
    assert len(adam) == 2
    assert after.trained == adam
    assert set(after.trials) - adam == set(after.trials) & set(before.trials)


def test_a_range_of_every_arm_trains_every_trial(rounds):
    after = rounds[2]["two_arms"]
    assert len(after.trials) == 4
    assert after.trained == set(after.trials)


@pytest.mark.parametrize("study", GONE_BACK)
def test_going_back_to_an_earlier_spec_trains_nothing_and_gives_the_earlier_dataset(rounds, study):
    first, second, third = (one[study] for one in rounds)
    assert not third.trained
    assert second.file != first.file
    assert third.file == first.file


def test_how_trials_are_packed_changes_no_number(rounds):
    together, apart = rounds[1]["in_one_job"].dataset, rounds[1]["each_a_job"].dataset
    xr.testing.assert_equal(together, apart)
