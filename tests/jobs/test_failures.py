"""What a person is told of training jobs that failed, from the logs of a run on Slurm."""

import pytest

from tuning_playbook.jobs.failures import read_failures, tell

BLOCK = """\
[Sun Nov 22 15:06:13 2026]
Error in rule {rule}:
    message: {message}
    jobid: 4
    output: {output}
    log: {logs} (check log file(s) for error details)
    external_jobid: 38
Logfile {output}:
"""
KILLED = "SLURM-job '38' failed, SLURM status is: '{}'. Reason: Unknown.For further error details"


@pytest.fixture
def job(tmp_path):
    """A job of three trials that has finished one of them, and Slurm's log of it."""
    own, slurm = tmp_path / "pack.log", tmp_path / "38.log"
    own.write_text(
        "2026-11-22 15:05:06,812 INFO kept 0 trials: none\n"
        "2026-11-22 15:05:06,812 INFO to train 3 trials: aaaaaaaaa1 aaaaaaaaa2 aaaaaaaaa3\n"
        "2026-11-22 15:05:09,012 INFO aaaaaaaaa1 completed\n"
    )
    slurm.write_text("srun: error: node: task 0: Killed\n")
    return {"rule": "train_pack", "output": f"{tmp_path}/pack.nc", "logs": f"{own}, {slurm}"}


def told(*blocks):
    return "\n".join(tell(read_failures("".join(blocks))))


def block(job, state):
    return BLOCK.format(**job, message=KILLED.format(state) if state else "None")


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("OUT_OF_MEMORY", "raise resources.memory_mb"),
        ("TIMEOUT", "raise resources.runtime_minutes"),
        ("CANCELLED", "run snakemake again"),
        ("NODE_FAIL", "lost its node"),
        ("FAILED", "see its log"),
    ],
)
def test_the_trials_that_a_job_did_not_finish_are_named_with_what_to_do(job, state, what):
    text = told(block(job, state))
    assert "pack.nc (aaaaaaaaa2, aaaaaaaaa3): " in text
    assert what in text


@pytest.mark.parametrize(
    "line",
    [
        "slurmstepd: error: StepId=38.0 exceeded memory limit (1658257408 > 1572864000)",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=38.0.",
        "srun: error: node: task 0: Out Of Memory",
    ],
)
def test_a_step_killed_for_its_memory_is_told_by_slurms_log(job, line, tmp_path):
    (tmp_path / "38.log").write_text(line)
    assert "raise resources.memory_mb" in told(block(job, "FAILED"))


def test_what_is_shown_of_the_jobs_own_log_changes_nothing(job):
    assert told(block(job, "TIMEOUT"), block(job, "")) == told(block(job, "TIMEOUT"))


def test_the_last_attempt_counts(job):
    text = told(block(job, "NODE_FAIL"), block(job, "TIMEOUT"))
    assert "time limit" in text and "node" not in text


def test_a_job_that_succeeded_when_tried_again_is_not_told(job, tmp_path):
    (tmp_path / "pack.nc").touch()
    assert told(block(job, "TIMEOUT")) == ""


def test_other_rules_are_left_to_snakemake(job):
    assert told(block(job | {"rule": "plot_axis"}, "FAILED")) == ""


def test_a_job_without_a_log_is_told_all_the_same(job, tmp_path):
    (tmp_path / "pack.log").unlink()
    assert "pack.nc (trials unknown): the job lost its node" in told(block(job, "NODE_FAIL"))
