"""The commands, called as a user types them."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.files import write_json
from tuning_playbook.procedures.planned import conclusion_key, planning_key
from tuning_playbook.study.planned_round import round_name, write_round, written_round
from tuning_playbook.study.read import read_spec

ROOT = Path(__file__).parents[1]
AS_A_SCRIPT = ("tuning-playbook",)
AS_A_MODULE = (sys.executable, "-m", "tuning_playbook")

NO_RERUNS = {"reruns": {"seeds": 0}}

each_way = pytest.mark.parametrize("way", [AS_A_SCRIPT, AS_A_MODULE], ids=["script", "module"])


def told(text):
    """The lines of an error, without those by which a slow machine says what it waits for."""
    return [line for line in text.splitlines() if not line.startswith("waiting for ")]


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Call a command, with the scripts of this checkout as an installer makes them.

    They are made here of what `pyproject.toml` says, because an environment may be older than that.
    """
    folder = tmp_path_factory.mktemp("bin")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        entry = EntryPoint(name, target, "console_scripts")
        script = folder / name
        script.write_text(
            f"#!{sys.executable}\n"
            f"import sys\nfrom {entry.module} import {entry.attr}\nsys.exit({entry.attr}())\n"
        )
        script.chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "src")}

    def run(*arguments):
        return subprocess.run(
            [str(item) for item in arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    return run


@each_way
def test_the_check_of_a_procedure_says_the_most_that_it_may_cost(call, way, tmp_path):
    procedure = {"name": "stability", "rates": [1, 3]}
    fixed = {"optimizer": "momentum", "learning_rate": 0.1}
    changes = {"procedure": procedure, "fixed": fixed, "nuisance": REMOVED, "search": REMOVED}
    spec = write_spec(tmp_path / "stable.yaml", changed(changes))
    done = call(*way, "check", spec, "--results", tmp_path)
    assert (done.returncode, told(done.stderr)) == (0, [])
    # Two rates; a look, six lower rates at most, and twelve in between.
    assert f"{spec}: at most 6 rounds and 21 trials; round 1 is:" in done.stdout
    assert f"{spec}: 2 trials, in 2 jobs" in done.stdout


@each_way
def test_a_spec_is_checked(call, way, tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({}))
    done = call(*way, "check", spec, "--results", tmp_path)
    assert (done.returncode, told(done.stderr)) == (0, [])
    assert f"{spec}: 4 trials, in 4 jobs" in done.stdout


@each_way
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serach": {}}, "did you mean 'search'?"),
        ({"workload": "digit_mlp"}, "did you mean 'digits_mlp'?"),
        ({"workload": "nowhere.at_all:Model"}, "cannot be imported"),
    ],
    ids=["key", "name of a workload", "module of a workload"],
)
def test_what_is_wrong_gets_one_line_that_names_the_spec(call, way, change, message, tmp_path):
    spec = write_spec(tmp_path / "wrong.yaml", changed(change))
    done = call(*way, "check", spec)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = told(done.stderr)
    assert line.partition("Error: ")[2].startswith(f"{spec}:")
    assert message in line


def test_a_budget_becomes_a_plan_with_a_reason_for_each_change(call, tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({"scientific": {"depth": [1, 2]}}))
    done = call(*AS_A_MODULE, "check", spec, "--results", tmp_path, "--budget", "51trials")
    assert (done.returncode, told(done.stderr)) == (0, [])
    lines = done.stdout.partition("plan for a budget of 51 trainings:\n")[2].splitlines()
    assert lines[:5] == [
        "  arm        trials  searched hyperparameters  reruns  trainings",
        "  depth=1        20  learning_rate                  5         25",
        "  depth=2        20  learning_rate                  5         25",
        "  in all         40                                10         50",
        "  left over                                                    1",
    ]
    assert lines[5].startswith("change: search.trials: 4 -> 20. This is what the budget allows;")
    assert lines[6].startswith("change: reruns.seeds: 2 -> 5. The variance is known from 5 reruns")
    assert all("(playbook: " in line for line in lines[5:])


def test_a_spec_that_needs_no_change_for_a_budget_is_told_so(call, tmp_path):
    spec = write_spec(
        tmp_path / "small.yaml", changed({"search.trials": 16, "reruns": {"seeds": 5}})
    )
    done = call(*AS_A_MODULE, "check", spec, "--results", tmp_path, "--budget", "21trials")
    assert "no change: the spec is what the playbook would make of this budget" in done.stdout


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("0trials", "it must be more than 0"),
        ("-5trials", "it must be more than 0"),
        ("many", "give a number of trainings, as 200trials, or a time, as 12h or 90min"),
        ("3days", "give a number of trainings, as 200trials, or a time, as 12h or 90min"),
        ("1trials", "is too small for the trials that even one arm of this study needs"),
        ("12h", "no earlier trial of digits_mlp at the batch size of all trials shows how long"),
    ],
)
def test_a_budget_of_which_nothing_can_be_made_gets_one_line(call, budget, message, tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({}))
    done = call(*AS_A_MODULE, "check", spec, "--results", tmp_path, "--budget", budget)
    assert done.returncode == 1
    (line,) = told(done.stderr)
    assert line.startswith("BudgetError: ")
    assert message in line


def test_what_the_design_cannot_tell_is_said_with_what_it_takes(call, tmp_path):
    changes = {"search.trials": 9, "training.eval_every": 10}
    done = call(*AS_A_MODULE, "check", write_spec(tmp_path / "small.yaml", changed(changes)))
    lines = done.stdout.partition("cannot tell with this design:\n")[2].splitlines()
    assert lines[-2:] == [
        "  importance: needs 10 trials of an arm with 1 searched hyperparameter, not 9; "
        "search.trials: 10 (1 more training, 50 steps)",
        "  for all of it: training.eval_every: 2, search.trials: 32 (20 more evaluations of each "
        "trial, about 250% more computation; 23 more trainings, 1,150 steps)",
    ]


def test_how_far_a_study_is_can_be_asked_at_any_time(call, tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({"reruns": {"seeds": 0}}))
    ask = (*AS_A_MODULE, "status", spec, "--results", tmp_path / "results")
    before = call(*ask)
    assert (before.returncode, told(before.stderr)) == (0, [])
    assert before.stdout.startswith("small: 0 of 4 trials done (4 to come)")
    watch = (*AS_A_MODULE, "watch", spec, "--results", tmp_path / "results", "--every", "0.1")
    with subprocess.Popen(list(map(str, watch)), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout.readline() == before.stdout.splitlines(keepends=True)[0]
        train = (*AS_A_MODULE, "train", spec, "--results", tmp_path / "results")
        assert call(*train).returncode == 0
        *_, last = watching.communicate()[0].split("small: ")
    assert watching.returncode == 0
    assert last.startswith("4 of 4 trials done")
    assert call(*ask).stdout == f"small: {last}"


def test_of_a_procedure_each_planned_round_is_told_and_at_last_its_conclusion(call, tmp_path):
    spec = write_spec(
        tmp_path / "stable.yaml",
        changed(
            {
                "procedure": {"name": "stability", "rates": [1, 40]},
                "fixed.learning_rate": 0.05,
                "nuisance": REMOVED,
                "search": REMOVED,
                "reruns": REMOVED,
            }
        ),
    )
    folder = tmp_path / "results/stable"
    ask = (*AS_A_MODULE, "status", spec, "--results", tmp_path / "results")
    assert call(*ask).stdout.startswith("stable/rounds/1: 0 of 2 trials done (2 to come)")
    procedure = read_spec(spec)
    touch(folder / f"current/planned-{planning_key(procedure)}")
    plan_rounds(procedure, folder, 3)
    told = [line for line in call(*ask).stdout.splitlines() if line.startswith("stable")]
    assert told == [
        f"stable/rounds/{number}: 0 of {trials} trials done ({trials} to come); "
        "time left not known before the first trial is done"
        for number, trials in ((1, 2), (2, 4), (3, 4))
    ]
    watch = (*AS_A_MODULE, "watch", spec, "--results", tmp_path / "results", "--every", "0.1")
    with subprocess.Popen(list(map(str, watch)), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout.readline().startswith("stable/rounds/1: ")
        touch(folder / f"current/concluded-{conclusion_key(procedure)}")
        said = {"sentence": "It is stable.", "verdict": "stable", "advice": "Nothing to do."}
        write_json(folder / "conclusion.json", said)
        lines = watching.communicate()[0].splitlines()
    assert watching.returncode == 0
    assert lines[-3:] == [
        "stable: It is stable.",
        "  verdict: stable. Nothing to do.",
        f"  report: {folder / 'report.html'}",
    ]


def touch(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def plan_rounds(procedure, folder, last):
    """Write the files of the rounds from the second one on, each the small study."""
    for number in range(2, last + 1):
        round_ = written_round(procedure.path, round_name("stable", number), changed(NO_RERUNS))
        touch(folder / f"planned/{number}.yaml")
        (folder / f"planned/{number}.yaml").write_text(write_round(round_, "look"))


def test_a_study_of_finished_trials_has_no_progress(call, tmp_path):
    rows = [f"{n},{0.1 * n},0.{9 - n}" for n in range(8)]
    (tmp_path / "trials.csv").write_text("\n".join(["trial,rate,validation/loss", *rows, ""]))
    spec = {
        "goal": "Which rate is best?",
        "workload": "my_model",
        "source": {"format": "csv", "trials": "trials.csv"},
        "objective": {"metric": "validation/loss", "mode": "min"},
    }
    done = call(*AS_A_MODULE, "status", write_spec(tmp_path / "found.yaml", spec))
    assert (done.returncode, done.stdout) == (1, "")
    assert "its trials are finished; none is trained" in done.stderr


@each_way
def test_a_call_without_a_command_names_them(call, way):
    done = call(*way)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: tuning-playbook")
    assert "reproduce" in done.stderr


def test_a_reader_that_has_read_enough_ends_it_quietly(tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({"search.trials": 2000}))
    command = [*AS_A_MODULE, "expand", str(spec)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_nothing_that_a_spec_says_tells_a_terminal_what_to_do(call, tmp_path):
    name = "\x1b[2J"
    spec = write_spec(
        tmp_path / "small.yaml",
        changed({"scientific": {"activation": ["relu", name]}, "fixed": {"optimizer": name}}),
    )
    done = call(*AS_A_MODULE, "check", spec)
    assert done.returncode == 1
    assert "\\x1b[2J" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
