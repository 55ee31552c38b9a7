"""The same trials give the same bytes: run again elsewhere, or interrupted and gone on with."""

import re
from types import SimpleNamespace

import pytest

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import HANGS, processes, trains_pack, wait_until

pytestmark = pytest.mark.workflow

LONG = IN_ONE_JOB | {
    "training": {"max_train_steps": 30_000, "batch_size": 32, "eval_every": 300},
    "search.trials": 3,
}


def files(results, study, pattern):
    return {path.name: path.read_bytes() for path in (results / study).glob(pattern)}


def test_the_same_study_in_another_folder_of_results_gives_the_same_bytes(trained, tmp_path):
    trained.snakemake(tmp_path / "small" / "reruns.nc", results=tmp_path)
    for pattern, count in {"*.nc": 3, "packs/*.nc": 1, "reruns/*": 2}.items():
        here, there = files(trained.results, "small", pattern), files(tmp_path, "small", pattern)
        assert len(there) == count
        assert there == {name: here[name] for name in there}


@in_background
def undisturbed(workshop):
    """A project, and the dataset of its long study after a run that nothing interrupted."""
    project = workshop.new_project("long")
    project.write_study("long", LONG)
    project.snakemake("study_dataset", study="long")
    return SimpleNamespace(
        project=project, dataset=(project.results / "long" / "study.nc").read_bytes()
    )


@pytest.fixture
def in_the_middle(undisturbed, tmp_path):
    """A run into `tmp_path` whose first trial is finished while the second one trains."""
    settings = ["--config", "study=long", f"results={tmp_path}"]
    snakemake = undisturbed.project.start("study_dataset", *settings)
    try:
        wait_until(lambda: list(tmp_path.glob("long/trials/*/trial.json")), of=snakemake)
        yield snakemake
    finally:
        for process in processes(snakemake) if snakemake.poll() is None else ():
            process.kill()


def go_on(project, results):
    """Start the long study again; return its log and its dataset."""
    run = project.snakemake("study_dataset", study="long", results=results)
    assert run.kept("long")
    assert run.trained("long")
    assert len(run.kept("long") | run.trained("long")) == 3
    (log,) = (results / "long" / "logs" / "train").glob("*.log")
    return log.read_text(), (results / "long" / "study.nc").read_bytes()


def test_a_job_told_to_stop_goes_on_later_as_if_nothing_had_been(
    undisturbed, in_the_middle, tmp_path
):
    """A scheduler sends SIGTERM to a job that it is about to kill."""
    (job,) = (process for process in processes(in_the_middle) if trains_pack(process))
    job.terminate()
    assert in_the_middle.wait(HANGS) == 1
    (log,) = (tmp_path / "long" / "logs" / "train").glob("*.log")
    assert "stopped after step" in log.read_text()
    log, dataset = go_on(undisturbed.project, tmp_path)
    assert re.search(r"resumed \w+ at step [1-9]", log)
    assert dataset == undisturbed.dataset


def test_a_machine_that_fails_costs_no_finished_trial(undisturbed, in_the_middle, tmp_path):
    for process in processes(in_the_middle):
        process.kill()
    in_the_middle.wait(HANGS)
    settings = ["--config", "study=long", f"results={tmp_path}"]
    assert undisturbed.project.run("--unlock", *settings).status == 0
    _, dataset = go_on(undisturbed.project, tmp_path)
    assert dataset == undisturbed.dataset


def test_a_job_that_goes_on_after_snakemake_was_killed_costs_no_trial(
    undisturbed, in_the_middle, tmp_path
):
    """Jobs of a cluster do. The next run removes their packs, which nobody saw finished."""
    (job,) = (process for process in processes(in_the_middle) if trains_pack(process))
    in_the_middle.kill()
    in_the_middle.wait(HANGS)
    job.wait(HANGS)
    assert len(list(tmp_path.glob("long/packs/*.nc"))) == 1
    settings = ["--config", "study=long", f"results={tmp_path}"]
    assert undisturbed.project.run("--unlock", *settings).status == 0
    again = ["study_dataset", "--rerun-incomplete"]
    run = undisturbed.project.snakemake(*again, study="long", results=tmp_path)
    assert len(run.kept("long")) == 3
    assert not run.trained("long")
    assert (tmp_path / "long" / "study.nc").read_bytes() == undisturbed.dataset
