"""Trials that a command trains: the same records as those of our own engine, from its numbers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.commands import by_hand, plan_of, short, write_command
from tuning_playbook.dataset.collect import collect_study
from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.errors import (
    ChangedDuringRunError,
    InterruptedTrainingError,
    WorkloadError,
)
from tuning_playbook.jobs import command_process
from tuning_playbook.jobs.command_training import environment_of
from tuning_playbook.jobs.job import USERS_PYTHONPATH, share_code
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.study.command_file import read_command
from tuning_playbook.trials.progress import read_progress
from tuning_playbook.trials.trial_json import read_trial_json

ONE = {"search.trials": 1}


def train(plan, study, **options):
    """Train the trials of a plan as its packs; return their records in the study's order."""
    records = {}
    for pack in plan.packs.values():
        request = request_of(plan, pack.trials)
        records |= train_pack(request, study, study / pack.file, **options)
    return [records[item.trial.id] for item in plan.trials]


def train_short(folder, body, changes=None, command=None):
    """Train one trial with a short script; return its record."""
    script, own = short(body)
    (record,) = train(plan_of(folder, ONE | (changes or {}), script, own | (command or {})), folder)
    return record


def test_a_script_run_by_hand_gives_the_numbers_of_the_dataset(tmp_path):
    plan = plan_of(tmp_path, {"scientific": {"weight_decay": [0.0, 0.1]}})
    train(plan, tmp_path / "results")
    packs = [tmp_path / "results" / pack.file for pack in plan.packs.values()]
    dataset = collect_study(plan, packs, folder=tmp_path / "results")
    command = read_command(tmp_path / "trainer.yaml")
    assert dataset.sizes["trial"] == 4
    for row, item in enumerate(plan.trials):
        rows = by_hand(command, item.trial, tmp_path / "hand" / item.trial.id)
        measured = dataset["error"].sel(split="validation").isel(trial=row)
        assert measured.dtype == np.float64
        assert dict(zip(dataset["eval_step"].values.tolist(), measured.values, strict=True)) == rows
        assert dataset["objective"].values[row] == min(rows.values())


def test_what_is_logged_is_averaged_over_windows(tmp_path):
    body = """\
for step in range(101):
    tell('{"step": %d, "loss": %d}' % (step, step))
tell('{"step": 100, "error": 1}')
"""
    columns = {"step": "step", "file": "log.jsonl", "validation/error": "error"}
    changes = {"measurements": columns | {"train_loss": "loss"}}
    record = train_short(tmp_path, body, command=changes)
    # Windows of 5 steps; step 0 belongs to the first.
    assert record.logged.steps[:2].tolist() == [5, 10]
    assert record.logged.values["train_loss"][:2].tolist() == [2.5, 8.0]
    assert np.isnan(record.logged.values["grad_norm"]).all()


def test_a_finished_trial_is_kept_whatever_holds_its_numbers(tmp_path):
    plan = plan_of(tmp_path)
    trials = [item.trial for item in plan.trials]
    before = train(plan, tmp_path / "results")
    again = train(plan, tmp_path / "results")
    assert [record.sha256 for record in again] == [record.sha256 for record in before]
    packs = [tmp_path / "results" / pack.file for pack in plan.packs.values()]
    dataset = collect_study(plan, packs, folder=tmp_path / "results")
    dataset.to_netcdf(tmp_path / "results" / "study.nc")
    for path in (*packs, *(tmp_path / "results/trials").glob("*/numbers.npz")):
        path.unlink()
    restored = kept_records(tmp_path / "results", trials)
    assert [restored[trial.id].sha256 for trial in trials] == [item.sha256 for item in before]


@pytest.mark.parametrize("error", ["NaN", "1.0"])
def test_trials_without_any_value_are_collected_too(tmp_path, error):
    """Nothing is known of any of them, or of some."""
    script, own = short(f"""\
if int(rest[2]) % 2:
    sys.exit(1)
tell('{{"step": 25, "error": {error}}}')
""")
    plan = plan_of(tmp_path, {"search.trials": 8}, script, own)
    study = tmp_path / "results"
    records = train(plan, study)
    packs = [study / pack.file for pack in plan.packs.values()]
    dataset = collect_study(plan, packs, folder=study)
    assert dataset["status"].values.tolist() == [record.status for record in records]
    assert len(set(dataset["status"].values.tolist())) == 2
    assert set(dataset["eval_step"].values.tolist()) == (
        {0, 25, 50, 75, 100} if error == "NaN" else {25}
    )
    dataset.to_netcdf(study / "study.nc")
    for path in (*packs, *(study / "trials").glob("*/numbers.npz")):
        path.unlink()
    kept = kept_records(study, [item.trial for item in plan.trials])
    assert {name: item.sha256 for name, item in kept.items()} == {
        item.trial.id: record.sha256
        for item, record in zip(plan.trials, records, strict=True)
        if record.status != "failed"
    }


def test_trials_that_measure_at_steps_of_their_own_share_the_dataset(tmp_path):
    script, own = short("""\
step = 10 if int(rest[2]) % 2 else 15
tell('{"step": %d, "error": 1.0}' % step)
tell('{"step": 90, "error": 0.5}')
""")
    plan = plan_of(tmp_path, {"search.trials": 8}, script, own)
    records = train(plan, tmp_path / "results")
    packs = [tmp_path / "results" / pack.file for pack in plan.packs.values()]
    dataset = collect_study(plan, packs, folder=tmp_path / "results")
    assert dataset["eval_step"].values.tolist() == [10, 15, 90]
    assert dataset.attrs["max_train_steps"] == 100
    for record, row in zip(records, dataset["error"].sel(split="validation").values, strict=True):
        first = 10 if record.evaluations.steps[0] == 10 else 15
        assert np.isfinite(row).tolist() == [first == 10, first == 15, True]


@pytest.mark.parametrize(
    "text",
    [
        "two words",
        'a "quoted" one',
        "it's",
        "$HOME `ls` \\ * ; & |",
        "--flag=x",
        "ü\n\tnew line",
        "",
    ],
)
def test_a_text_reaches_the_script_as_one_argument_unchanged(tmp_path, text):
    body = """\
import json, os
json.dump([rest, os.environ["FLAVOUR"]], open(rest[-1] + "/given.json", "w"))
tell('{"step": 100, "error": 1}')
"""
    script, own = short(body)
    own["hyperparameters.flavour"] = {"default": "plain"}
    own["command"] = [*own["command"][:-1], "{flavour}", "{folder}"]
    own["environment"] = {"FLAVOUR": "<{flavour}>"}
    plan = plan_of(tmp_path, {"fixed": {"flavour": text}, **ONE}, script, own)
    (record,) = train(plan, tmp_path / "results")
    assert record.status == "completed"
    (given,) = tmp_path.glob("results/trials/*/script/given.json")
    rest, variable = json.loads(given.read_text())
    assert rest[3] == text
    assert variable == f"<{text}>"
    assert float(rest[0]) == plan.trials[0].trial.hyperparameters["learning_rate"]


HOSTILE = {
    "exit status": (
        "print('no such optimizer', file=sys.stderr)\nsys.exit(3)",
        "failed",
        "the command ended with exit status 3: no such optimizer",
    ),
    "an error": (
        "raise ValueError('bad value')",
        "failed",
        "the command ended with exit status 1: ValueError: bad value",
    ),
    "a signal": (
        "import os\nos.kill(os.getpid(), 11)",
        "failed",
        "the command was ended by SIGSEGV",
    ),
    "killed": (
        "import os\nos.kill(os.getpid(), 9)",
        "failed",
        "the command was ended by SIGKILL; was its memory too small?",
    ),
    "nothing": (
        "",
        "failed",
        "validation/error was never measured: the command wrote no log.jsonl in {folder}, or "
        "no row to it",
    ),
    "another column": (
        """tell('{"step": 100, "val": {"err": 1}}')""",
        "failed",
        "validation/error was never measured: no row of log.jsonl has a number in 'error' "
        "(columns: step, val/err)",
    ),
    "no step": (
        """tell('{"epoch": 1, "error": 1}')""",
        "failed",
        "validation/error was never measured: log.jsonl has no row with a step 'step'; it begins "
        """with '{"epoch": 1, "error": 1}' (columns: epoch, error)""",
    ),
    "no table": (
        "tell('Epoch 1: error 0.5')",
        "failed",
        "validation/error was never measured: log.jsonl has no row with a step 'step'; it begins "
        "with 'Epoch 1: error 0.5'",
    ),
    "half a line": (
        """tell('{"step": 100, "err', end="")""",
        "failed",
        "validation/error was never measured: log.jsonl has no row with a step 'step'; it begins "
        """with '{"step": 100, "err'""",
    ),
    "not finite": (
        """tell('{"step": 0, "error": 1}')\ntell('{"step": 25, "error": NaN}')""",
        "diverged",
        "validation/error is not finite from step 25 on",
    ),
    "not finite, then an error": (
        """tell('{"step": 25, "error": "inf"}')\nsys.exit('overflow')""",
        "diverged",
        "validation/error is not finite from step 25 on",
    ),
    "a folder": (
        "import os\nos.mkdir(out)",
        "failed",
        "validation/error was never measured: log.jsonl cannot be read: it is no plain file",
    ),
    "a pipe": (
        "import os\nos.mkfifo(out)",
        "failed",
        "validation/error was never measured: log.jsonl cannot be read: it is no plain file",
    ),
    "its folder removed": (
        """import shutil\ntell('{"step": 100, "error": 1}')\nshutil.rmtree(rest[-1])""",
        "failed",
        "validation/error was never measured: the command wrote no log.jsonl in {folder}, or no "
        "row to it",
    ),
    "after the last step": (
        """tell('{"step": 101, "error": 1}')""",
        "failed",
        "validation/error was never measured: log.jsonl begins at step 101, after "
        "max_train_steps (100)",
    ),
}


@pytest.mark.parametrize(("body", "status", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_script_is_one_trial_with_a_reason(tmp_path, body, status, reason):
    record = train_short(tmp_path, body)
    assert (record.status, record.reason) == (status, reason)


def test_a_reason_names_no_folder_of_the_machine(tmp_path):
    body = "import os\nsys.exit(f'{rest[-1]}/state and {os.getcwd()}/data and /dev/null')"
    record = train_short(tmp_path, body)
    assert record.reason.endswith(": {folder}/state and ./data and /dev/null")


def test_the_other_trials_of_a_pack_go_on(tmp_path):
    body = """\
if int(rest[2]) % 2:
    sys.exit("odd")
tell('{"step": 100, "error": 1}')
"""
    script, own = short(body)
    changes = {"search.trials": 8, "resources": {"trials_per_job": 8}}
    plan = plan_of(tmp_path, changes, script, own)
    statuses = [record.status for record in train(plan, tmp_path / "results")]
    expected = ["failed" if item.trial.seed % 2 else "completed" for item in plan.trials]
    assert len(set(expected)) == 2
    assert statuses == expected


def test_a_value_that_is_not_finite_for_a_while_is_missing_there(tmp_path):
    body = """\
for step, error in ((0, "NaN"), (25, 3), (50, "NaN"), (75, 2), (100, 1)):
    tell('{"step": %s, "error": %s}' % (step, error))
"""
    record = train_short(tmp_path, body)
    assert record.status == "completed"
    assert record.evaluations.steps.tolist() == [25, 75, 100]


def test_nothing_counts_from_divergence_on(tmp_path):
    body = """\
for step, error, loss in ((0, 3, 1), (25, 2, 1), (50, "NaN", 1), (75, "Infinity", 9)):
    tell('{"step": %s, "error": %s, "loss": %s}' % (step, error, loss))
"""
    columns = {"validation/error": "error", "train/error": "loss"}
    changes = {"measurements": {"file": "log.jsonl", "step": "step", **columns}}
    record = train_short(tmp_path, body, command=changes)
    assert record.status == "diverged"
    assert record.evaluations.steps.tolist() == [0, 25]
    assert record.evaluations.values["train/error"].tolist() == [1, 1]


def is_running(name):
    found = subprocess.run(["pgrep", "-f", name], capture_output=True, text=True, check=False)
    return bool(found.stdout.split())


@pytest.fixture
def impatient(monkeypatch):
    """A script that ignores SIGTERM is killed soon."""
    options = command_process.run_command.__kwdefaults__
    monkeypatch.setitem(options, "grace", 0.3)


NEVER_ENDS = """\
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell('{"step": 0, "error": 1}')
sleep = ["sh", "-c", "trap '' TERM; while true; do sleep 1; done", rest[-1]]
subprocess.Popen(sleep)
while True:
    time.sleep(1)
"""


def test_a_script_that_never_ends_is_ended_with_its_process_group(tmp_path, impatient):
    record = train_short(tmp_path, NEVER_ENDS, command={"timeout_minutes": 0.02})
    assert record.status == "failed"
    assert record.reason == "the command was ended after timeout_minutes (0.02)"
    assert not is_running(str(tmp_path / "trials"))


def test_what_a_script_leaves_running_is_ended(tmp_path):
    body = """\
import subprocess
subprocess.Popen(["sleep", "1000"], env={"PATH": "/usr/bin:/bin", "MARK": rest[-1]})
tell('{"step": 100, "error": 1}')
print(subprocess.run(["pgrep", "-g", "0", "sleep"], capture_output=True, text=True).stdout)
"""
    record = train_short(tmp_path, body)
    assert record.status == "completed"
    (output,) = tmp_path.glob("trials/*/output.log")
    child = int(output.read_text().split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_long_output_is_cut_to_its_end(tmp_path):
    body = """\
for number in range(100):
    print("x" * 2**20)
print("the last words")
sys.exit(1)
"""
    record = train_short(tmp_path, body)
    assert record.reason == "the command ended with exit status 1: the last words"
    (output,) = tmp_path.glob("trials/*/output.log")
    assert output.stat().st_size <= command_process.MOST_OUTPUT


def test_a_program_that_is_not_there_is_the_users_to_mend(tmp_path):
    script, own = short("")
    plan = plan_of(
        tmp_path, ONE, script, own | {"command": ["no-such-program", *own["command"][1:]]}
    )
    with pytest.raises(
        WorkloadError, match=r"trainer\.yaml: command: there is no program 'no-such"
    ):
        train(plan, tmp_path / "results")


def test_a_script_that_changed_since_the_plan_trains_nothing(tmp_path):
    plan = plan_of(tmp_path, ONE)
    (tmp_path / "train.py").write_text("# another\n")
    with pytest.raises(ChangedDuringRunError, match="one of its 'files' changed"):
        train(plan, tmp_path / "results")


RESUMES = """\
import os, signal, time
folder = rest[-1]
state = folder + "/state"
begin = int(open(state).read()) if os.path.exists(state) else 0
open(folder + "/begun", "a").write("%d\\n" % begin)
if begin == 0:
    tell('{"step": 0, "error": 100}')
for step in range(begin + 1, 101):
    tell('{"step": %d, "error": %d}' % (step, 100 - step))
    if step % 10 == 0:
        open(state + ".new", "w").write(str(step))
        os.rename(state + ".new", state)
    if step == 47 and begin == 0:
        tell('{"step": 48, "err', end="")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_script_goes_on_in_its_folder_where_it_was_killed(tmp_path):
    script, own = short(RESUMES)
    plan = plan_of(tmp_path, ONE, script, own)
    (killed,) = train(plan, tmp_path / "results")
    assert killed.status == "failed"
    (record,) = train(plan, tmp_path / "results")
    assert record.status == "completed"
    assert record.evaluations.steps.tolist() == list(range(101))
    assert record.evaluations.values["validation/error"].tolist() == list(range(100, -1, -1))
    (begun,) = tmp_path.glob("results/trials/*/script/begun")
    assert begun.read_text().split() == ["0", "40"]
    trial = plan.trials[0].trial
    facts = read_trial_json(tmp_path / "results/trials" / trial.id)["provenance"]
    assert facts["resumed_at"] == 41


def test_a_script_that_does_not_resume_starts_again_and_says_so(tmp_path, caplog):
    body = """\
import os, signal
again = os.path.exists(rest[-1] + "/again")
open(rest[-1] + "/again", "w")
for step in range(0, 101, 10):
    tell('{"step": %d, "error": %d}' % (step, 100 - step if again else 1))
    if step == 50 and not again:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    script, own = short(body)
    plan = plan_of(tmp_path, ONE, script, own)
    train(plan, tmp_path / "results")
    (record,) = train(plan, tmp_path / "results")
    assert record.evaluations.values["validation/error"].tolist() == list(range(100, -1, -10))
    assert "it does not resume" in caplog.text


def test_a_job_that_is_told_to_stop_ends_the_script_and_goes_on_later(tmp_path):
    body = """\
import os, signal, time
done = os.path.exists(rest[-1] + "/saved")
def save(*_):
    open(rest[-1] + "/saved", "w")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
tell('{"step": 0, "error": 2}')
while not done:
    time.sleep(0.05)
tell('{"step": 100, "error": 1}')
"""
    script, own = short(body)
    plan = plan_of(tmp_path, ONE, script, own)

    def stop():
        while not list(tmp_path.glob("results/trials/*/script/log.jsonl")):
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(InterruptedTrainingError, match="asked to stop"):
        train(plan, tmp_path / "results")
    stopping.join()
    assert list(tmp_path.glob("results/trials/*/script/saved"))
    assert not list(tmp_path.glob("results/trials/*/trial.json"))
    (record,) = train(plan, tmp_path / "results")
    assert record.status == "completed"


def test_a_job_that_is_killed_takes_its_script_along(tmp_path):
    """Its own end cannot do that: nothing of a killed process runs any more."""
    body = """\
import os, time
open(rest[-1] + "/running", "w").write(str(os.getpid()))
time.sleep(1000)
"""
    script, own = short(body)
    plan_of(tmp_path, ONE, script, own)
    command = [sys.executable, "-m", "tuning_playbook", "train", str(tmp_path / "own.yaml")]
    job = subprocess.Popen(
        [*command, "--results", str(tmp_path / "results")], stderr=subprocess.PIPE
    )
    while not (found := list(tmp_path.glob("results/own/trials/*/script/running"))) or not (
        number := found[0].read_text()
    ):
        assert job.poll() is None
        time.sleep(0.05)
    job.kill()
    job.communicate()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the script goes on")


def test_what_it_measures_is_told_while_it_runs(tmp_path):
    train_short(
        tmp_path, """tell('{"step": 25, "error": 0.5}')\ntell('{"step": 50, "error": NaN}')"""
    )
    (progress,) = tmp_path.glob("trials/*/progress.jsonl")
    lines = [json.loads(line) for line in progress.read_text().splitlines()]
    assert [(line["step"], line["metrics"]) for line in lines] == [
        (25, {"validation/error": 0.5}),
        (50, {"validation/error": None}),
    ]
    assert all(line["seconds"] >= 0 for line in lines)


def test_a_command_runs_in_its_conda_environment(tmp_path, monkeypatch):
    conda = tmp_path / "bin" / "conda"
    conda.parent.mkdir()
    conda.write_text('#!/bin/sh\necho "$1 $2 $3 $4" > "$TOLD"\nshift 4\nexec "$@"\n')
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", f"{conda.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    record = train_short(
        tmp_path, """tell('{"step": 1, "error": 1}')""", command={"conda": "torch"}
    )
    assert record.status == "completed"
    assert (tmp_path / "told").read_text() == "run --no-capture-output --name torch\n"


def test_a_script_gets_the_users_own_path_of_python(tmp_path, monkeypatch):
    """A workflow puts its own code there for its jobs."""
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    monkeypatch.delenv(USERS_PYTHONPATH, raising=False)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    share_code(str(tmp_path))
    command = read_command(
        write_command(tmp_path, changes={"environment": {"MODE": "fast {seed}"}})
    )
    given = environment_of(command, {"seed": 3})
    assert given["PYTHONPATH"] == "/of/the/user"
    assert given["MODE"] == "fast 3"
    assert USERS_PYTHONPATH not in given
    assert os.environ["PYTHONPATH"] == str(tmp_path)


def test_a_table_of_csv_is_read_too(tmp_path):
    body = """\
tell("epoch,step,val_loss,train_loss")
tell("0,24,,0.5")
tell("0,24,0.25,")
tell("1,49,0.125,", end="")
"""
    columns = {"file": "log.jsonl", "step": "step", "validation/error": "val_loss"}
    record = train_short(tmp_path, body, command={"measurements": columns})
    assert record.evaluations.steps.tolist() == [24, 49]
    assert record.evaluations.values["validation/error"].tolist() == [0.25, 0.125]


def test_several_rows_of_a_step_are_one_line_of_progress_and_a_repeated_step_replaces(tmp_path):
    body = """\
import os, signal, time
again = os.path.exists(rest[-1] + "/again")
open(rest[-1] + "/again", "w")
for step in range(0 if not again else 20, 50, 10):
    tell('{"step": %d, "loss": 1}' % step)
    time.sleep(0.3 * (step == 20))
    tell('{"step": %d, "error": %d}' % (step, 2 if again else 1))
if not again:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    script, own = short(body)
    own["measurements"]["train/error"] = "loss"
    plan = plan_of(tmp_path, ONE, script, own)
    train(plan, tmp_path / "results")
    train(plan, tmp_path / "results")
    evaluations = read_progress(tmp_path / "results/trials" / plan.trials[0].trial.id)
    assert [item.step for item in evaluations] == [0, 10, 20, 30, 40]
    assert [item.metrics["validation/error"] for item in evaluations] == [1, 1, 2, 2, 2]
    assert all(item.metrics["train/error"] == 1 for item in evaluations)
    seconds = [item.seconds for item in evaluations]
    assert seconds == sorted(seconds)


def test_a_script_whose_guard_is_killed_is_killed_too(tmp_path):
    body = """\
import os, signal, time
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1000)
"""
    record = train_short(tmp_path, body)
    assert record.status == "failed"
    assert record.reason.startswith("the command was ended by SIGKILL")
    assert not is_running(str(tmp_path / "trials"))
