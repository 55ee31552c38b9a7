"""The commands, called as a user types them."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.specs import changed, write_spec

ROOT = Path(__file__).parents[1]
AS_A_SCRIPT = ("tuning-playbook",)
AS_A_MODULE = (sys.executable, "-m", "tuning_playbook")

each_way = pytest.mark.parametrize("way", [AS_A_SCRIPT, AS_A_MODULE], ids=["script", "module"])


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
def test_a_spec_is_checked(call, way, tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({}))
    done = call(*way, "check", spec, "--results", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
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
    (line,) = done.stderr.splitlines()
    assert line.partition("Error: ")[2].startswith(f"{spec}:")
    assert message in line


@each_way
def test_a_call_without_a_command_names_them(call, way):
    done = call(*way)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: tuning-playbook")
    assert "reproduce" in done.stderr
