"""What a person is told of training jobs that failed, from the records of a run of Snakemake."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import tuning_playbook
from tests.specs import plan_of
from tuning_playbook.jobs.failures import FailedJobs, failure_lines

KILLED = "SLURM-job '38' failed, SLURM status is: '{}'. Reason: Unknown.For further error details"

SNAKEFILE = f"""
import json, sys
from snakemake.logging import logger
sys.path.insert(0, {str(Path(tuning_playbook.__file__).parents[1])!r})
from tuning_playbook.jobs.failures import FailedJobs

FAILED = FailedJobs()
logger.addHandler(FAILED)

onerror:
    print(json.dumps([vars(job) for job in FAILED.jobs]))

rule all:
    input: "small/packs/late.nc", "small/packs/never.nc", "plot.svg"

rule train_pack:
    output: "{{study}}/packs/{{pack}}.nc"
    log: "{{study}}/logs/{{pack}}.log"
    resources: tried=lambda wildcards, attempt: attempt
    shell: "test {{wildcards.pack}} = late -a {{resources.tried}} = 2 && touch {{output}}"

rule plot:
    output: "plot.svg"
    shell: "false"
"""


class Run:
    """A run of Snakemake over one study, as its records tell of it."""

    def __init__(self, folder, changes):
        self.folder = folder / "results/small"
        self.plan = plan_of(folder, changes)
        self.failed = FailedJobs()
        self.logger = logging.Logger("snakemake")
        self.logger.addHandler(self.failed)

    def begin(self, jobid=4, rule="train_pack", **wildcards):
        wildcards = {"study": "small", **(wildcards or {"pack": self.pack.id})}
        fields = {"jobid": jobid, "rule_name": rule, "wildcards": wildcards}
        self.logger.info("begins", extra={"event": LogEvent.JOB_INFO, **fields})

    def fail(self, jobid=4, message=None, logs=("pack.log",), output="pack.nc", rule="train_pack"):
        fields = {"jobid": jobid, "rule_name": rule, "rule_msg": message}
        fields |= {"output": [output], "log": list(logs)}
        self.logger.error("failed", extra={"event": LogEvent.JOB_ERROR, **fields})

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def finish(self, trial, status="completed", **others):
        """Write what a trial leaves when it ends."""
        record = {"fingerprint": trial.fingerprint, "status": status, **others}
        self.write(f"trials/{trial.id}/trial.json", record)

    @property
    def pack(self):
        return next(iter(self.plan.packs.values()))

    @property
    def told(self):
        return "\n".join(
            failure_lines(self.failed.jobs, {"small": self.plan}.get, self.folder.parent)
        )


@pytest.fixture
def run(tmp_path):
    """A run whose one training job has four trials, of which it has finished one."""
    run = Run(tmp_path, {"resources.trials_per_job": 4})
    run.finish(run.pack.trials[0])
    return run


@pytest.fixture
def logs(tmp_path):
    """A job's own log, and Slurm's of it."""
    own, slurm = tmp_path / "pack.log", tmp_path / "38.log"
    own.write_text("2026-11-22 15:05:06,812 INFO kept 0 trials: none\n")
    slurm.write_text("srun: error: node: task 0: Killed\n")
    return [str(own), str(slurm)]


def ids(trials):
    return ", ".join(trial.id for trial in trials)


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
def test_the_trials_that_a_job_did_not_finish_are_named_with_what_to_do(run, logs, state, what):
    run.begin()
    run.fail(message=KILLED.format(state), logs=logs)
    assert f"pack.nc ({ids(run.pack.trials[1:])}): " in run.told
    assert what in run.told


@pytest.mark.parametrize(
    "line",
    [
        "slurmstepd: error: StepId=38.0 exceeded memory limit (1658257408 > 1572864000)",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=38.0.",
        "srun: error: node: task 0: Out Of Memory",
    ],
)
def test_a_step_killed_for_its_memory_is_told_by_slurms_log(run, logs, line):
    Path(logs[1]).write_text(line)
    run.begin()
    run.fail(message=KILLED.format("FAILED"), logs=logs)
    assert "raise resources.memory_mb" in run.told


def test_a_job_of_no_cluster_is_told_with_its_log(run, logs):
    Path(logs[0]).write_text("2026-11-30 03:00:00,000 ERROR DeviceError: there is no device")
    run.begin()
    run.fail(logs=logs[:1])
    assert f"the job failed. What to do: see its log, {logs[0]}." in run.told


def test_a_job_whose_log_says_nothing_of_its_end_was_killed(run, logs):
    Path(logs[0]).write_text("2026-11-30 03:00:00,000 INFO to train 3 trials")
    run.begin()
    run.fail(logs=logs[:1])
    assert "the job was killed, as the kernel does where memory runs out" in run.told
    assert "fewer lanes (resources.lanes), fewer cores or more memory; see its log" in run.told


def test_a_job_that_was_told_to_stop_was_not_killed(run, logs):
    Path(logs[0]).write_text("2026-11-30 03:00:00,000 WARNING stopped after step 9; it is saved")
    run.begin()
    run.fail(logs=logs[:1])
    assert "the job was told to stop. What to do: run snakemake again; it goes on" in run.told


def test_a_job_that_wrote_no_log_is_left_to_what_snakemake_says(run, tmp_path):
    run.begin()
    run.fail(message="SLURM sbatch failed.", logs=[str(tmp_path / "none.log")])
    assert f"pack.nc ({ids(run.pack.trials[1:])}): the job failed. What to do: see what" in run.told


def test_the_last_attempt_counts(run):
    run.begin()
    run.fail(message=KILLED.format("NODE_FAIL"))
    run.begin()
    run.fail(message=KILLED.format("TIMEOUT"))
    assert "time limit" in run.told and "node" not in run.told


def test_a_job_that_succeeded_when_tried_again_is_not_told(run):
    run.begin()
    run.fail(message=KILLED.format("TIMEOUT"))
    run.begin()
    assert run.told == ""


def test_each_job_that_failed_is_told_and_no_other(run):
    for jobid in (4, 5, 6):
        run.begin(jobid)
    run.fail(4, output="first.nc")
    run.fail(6, output="last.nc")
    assert [line.split()[0] for line in run.told.splitlines()[1:-1]] == ["first.nc", "last.nc"]


def test_other_rules_are_left_to_snakemake(run):
    run.begin(rule="plot_axis", axis="learning_rate")
    run.fail(rule="plot_axis")
    assert run.told == ""


def test_a_trial_that_failed_or_was_another_one_has_no_result(run):
    first, second, third, fourth = run.pack.trials
    run.finish(first, status="failed")
    run.finish(second, status="diverged")
    run.finish(third, fingerprint="of another version")
    run.begin()
    run.fail()
    assert f"({ids([first, third, fourth])})" in run.told


def test_a_job_that_ended_before_it_wrote_its_pack_lacks_no_trial(run):
    for trial in run.pack.trials:
        run.finish(trial)
    run.begin()
    run.fail()
    assert "pack.nc (its trials are trained): the job failed." in run.told


def test_a_job_of_a_repeat_of_the_search_is_told_with_its_trials(tmp_path):
    run = Run(tmp_path, {"replicates": 1})
    pack = next(iter(run.plan.replicate_packs.values()))
    run.begin(pack=pack.id)
    run.fail()
    assert f"({ids(pack.trials)})" in run.told


def test_a_job_of_a_round_is_told_with_the_trials_that_were_proposed(tmp_path):
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    run = Run(tmp_path, {"search": search})
    proposed = [item.trial for item in run.plan.trials[:2]]
    (name, item), *_ = run.plan.rounds.items()
    assert item.parts == ((0, 1), (1, 2))
    run.write(item.proposal, {"trials": [trial.to_json() for trial in proposed]})
    run.begin(rule="train_round", round=name, part="1")
    run.fail()
    assert f"({proposed[1].id})" in run.told


def test_a_job_of_reruns_is_told_with_those_that_were_chosen(tmp_path):
    run = Run(tmp_path, {"resources.trials_per_job": 4})
    (pack,) = run.plan.rerun_packs.values()
    reruns = run.pack.trials[:2]
    chosen = {pack.arm: {"rerun_of": "", "trials": [trial.to_json() for trial in reruns]}}
    run.write("reruns/choice.json", {"arms": chosen})
    run.finish(reruns[0])
    run.begin(rule="train_reruns", rerun=pack.id)
    run.fail()
    assert f"({reruns[1].id})" in run.told


def test_a_job_of_changes_set_back_is_told_with_those_of_its_number(tmp_path):
    run = Run(tmp_path, {"resources.trials_per_job": 4})
    first, other, third, fourth = (trial.to_json() for trial in run.pack.trials)
    changes = [{"trials": [first, other]}, {"trials": [third, fourth]}]
    run.write("set_back/choice.json", {"changes": changes})
    run.finish(run.pack.trials[1])
    run.begin(rule="train_set_back", part="1")
    run.fail()
    assert f"({run.pack.trials[3].id})" in run.told


def test_a_job_whose_proposal_is_gone_is_told_all_the_same(tmp_path):
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    run = Run(tmp_path, {"search": search})
    run.begin(rule="train_round", round=next(iter(run.plan.rounds)), part="0")
    run.fail(message=KILLED.format("NODE_FAIL"))
    assert "pack.nc (trials unknown): the job lost its node" in run.told


def test_snakemake_itself_logs_such_records_also_when_it_is_quiet(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [Path(sys.executable).parent / "snakemake", "--cores", "1", "--retries", "1"]
    done = subprocess.run(
        [*command, "--keep-going", "--quiet", "all"],
        cwd=tmp_path,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == [
        {
            "wildcards": {"study": "small", "pack": "never"},
            "output": "small/packs/never.nc",
            "logs": ["small/logs/never.log"],
            "message": "",
        }
    ]
