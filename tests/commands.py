"""Commands of a user's for the tests: a NumPy script, its YAML file and a study of it."""

import json
import subprocess
import sys
from copy import deepcopy

from ruamel.yaml import YAML

from tests.specs import changed, write_spec
from tuning_playbook.planning.plan import plan_study

SCRIPT = """\
import argparse
import json

import numpy as np

parser = argparse.ArgumentParser()
for name, kind in (("lr", float), ("wd", float), ("seed", int), ("steps", int), ("out", str)):
    parser.add_argument(f"--{name}", type=kind)
options = parser.parse_args()
draws = np.random.default_rng(options.seed)
target = np.arange(8.0)
weights = draws.normal(size=8)
with open(options.out, "a") as log:
    for step in range(options.steps + 1):
        if step % 25 == 0:
            error = float(np.mean((weights - target) ** 2))
            log.write(json.dumps({"step": step, "val": {"error": error}}) + "\\n")
        gradient = (weights - target) / 4 + draws.normal(size=8) / 10
        weights = weights - options.lr * (gradient + options.wd * weights)
        log.write(json.dumps({"step": step, "train/loss": float(gradient @ gradient)}) + "\\n")
"""
"""It minimises a quadratic function by noisy steps, and logs two kinds of rows."""

DESCRIPTION = {
    "command": [
        sys.executable,
        "train.py",
        "--lr={learning_rate}",
        "--wd={weight_decay}",
        "--seed={seed}",
        "--steps={max_train_steps}",
        "--out={folder}/log.jsonl",
    ],
    "hyperparameters": {
        "learning_rate": {"default": 0.001, "low": 0.0, "low_open": True},
        "weight_decay": {"default": 0.0, "low": 0.0, "off": 0.0},
    },
    "metrics": {"error": "mean squared error"},
    "measurements": {
        "file": "log.jsonl",
        "step": "step",
        "validation/error": "val/error",
        "train_loss": "train/loss",
    },
    "files": ["train.py"],
}

STUDY = {
    "goal": "Which weight decay is best?",
    "workload": "trainer.yaml",
    "objective": {"metric": "validation/error", "mode": "min"},
    "training": {"max_train_steps": 100, "batch_size": 1, "eval_every": 25},
    "nuisance": {"learning_rate": {"log_uniform": [1.0e-2, 1.0]}},
    "search": {"algorithm": "halton", "trials": 2},
    "reruns": {"seeds": 0},
}

SHORT = """\
import sys

out, *rest = sys.argv[1:]


def tell(text, end="\\n"):
    with open(out, "a") as log:
        log.write(text + end)


"""
"""The beginning of a script that does one thing: `tell` writes a line of measurements."""


def write_command(folder, script=SCRIPT, changes=None, description=None):
    """Write a script and the YAML file of its command; return the path of that."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(script)
    content = changed(changes or {}, deepcopy(DESCRIPTION if description is None else description))
    with (folder / "trainer.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    return folder / "trainer.yaml"


def write_study(folder, changes=None, name="own"):
    """Write a study of the command; return its path."""
    return write_spec(folder / f"{name}.yaml", changed(changes or {}, STUDY))


def plan_of(folder, changes=None, script=SCRIPT, command=None):
    """Return the plan of a study of a command, both with changes."""
    write_command(folder, script, command)
    return plan_study(write_study(folder, changes))


def short(body):
    """Return a script that does what `body` says, and the changes of a command that runs it.

    It gets the file of its measurements, the learning rate and the seed.
    """
    arguments = ["{folder}/log.jsonl", "{learning_rate}", "{weight_decay}", "{seed}", "{folder}"]
    return SHORT + body, {
        "command": [sys.executable, "train.py", *arguments],
        "measurements": {"file": "log.jsonl", "step": "step", "validation/error": "error"},
    }


def by_hand(command, trial, folder):
    """Run a command as a person would, with the arguments of a trial; return its rows by step."""
    values = {
        **trial.hyperparameters,
        "seed": trial.seed,
        "max_train_steps": trial.max_train_steps,
        "folder": folder,
    }
    arguments = [text.format(**values) for text in command.arguments]
    folder.mkdir(parents=True)
    subprocess.run(arguments, cwd=command.path.parent, check=True)
    rows = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return {row["step"]: row["val"]["error"] for row in rows if "val" in row}
