"""The examples of docs/workloads.md are right classes, and learn."""

import dataclasses
import importlib.util
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from tests.engine.quadratic import make_trial
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.engine.stream import stream_of
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.class_check import all_mistakes, default_signature
from tuning_playbook.jobs.load_workload import check_protocol, load_data
from tuning_playbook.jobs.versions import version_of_data
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.manifest import BEST

PAGE = (Path(__file__).parents[1] / "docs/workloads.md").read_text().partition("## Examples")[2]
EXAMPLES = dict(re.findall(r"^### (.+?)\n.*?```python\n(.+?)```", PAGE, re.DOTALL | re.MULTILINE))
LEARNING_RATE = {"Sine": 0.03, "Tumours": 0.03}
LONGEST = 30
"""Lines of a class; imports and a network of its own stand before it."""


@pytest.fixture(scope="module")
def names():
    """What the examples define; each stands on those before it."""
    found = {}
    for title, code in EXAMPLES.items():
        if title != "Equinox" or importlib.util.find_spec("equinox"):
            exec(compile(code, title, "exec"), found)
    return found


@pytest.fixture
def workload(request, names, tmp_path):
    if request.param not in names:
        pytest.skip("equinox is not installed")
    kind = names[request.param]
    if "folder" not in inspect.signature(kind).parameters:
        return kind()
    text = b"".join(b"to be, or not to be: that is question %d. " % n for n in range(2000))
    (tmp_path / "text.bin").write_bytes(text)
    return kind(tmp_path)


def classes():
    """The name of the workload of each example: its last class."""
    return [re.findall(r"^class (\w+)", code, re.MULTILINE)[-1] for code in EXAMPLES.values()]


def trial_of(workload):
    kind = type(workload).__name__
    declared = workload.hyperparameters
    own = {item.name: item.default for item in declared}
    adam = {"optimizer": "adam", "b1": 0.9, "b2": 0.999, "epsilon": 1e-8}
    trial = make_trial(learning_rate=LEARNING_RATE.get(kind, 0.003), **adam)
    values = {n: v for n, v in trial.hyperparameters.items() if n not in ("noise", "bias")}
    traced = {item.name for item in declared if item.traced(item.default)}
    return dataclasses.replace(
        trial,
        hyperparameters=values | own,
        traced=tuple(sorted({*trial.traced, *traced})),
        batch_size=32,
    )


def test_there_is_one_of_each_kind():
    assert list(EXAMPLES) == [
        "Flax Linen",
        "Flax NNX",
        "Equinox",
        "Plain JAX",
        "Tabular data, with the area under the ROC curve",
        "A language model from a stream",
    ]


@pytest.mark.parametrize("title", EXAMPLES)
def test_each_is_short(title):
    (body,) = re.findall(r"^class \w+(?!.*^class ).*", EXAMPLES[title], re.DOTALL | re.MULTILINE)
    assert len([line for line in body.splitlines() if line.strip()]) <= LONGEST


@pytest.mark.parametrize("workload", classes(), indirect=True)
def test_each_is_right_learns_and_comes_back_from_its_checkpoint(workload, tmp_path):
    kind = type(workload).__name__
    check_protocol(kind, workload)
    splits = load_data(kind, workload)
    assert all_mistakes(workload, splits, [default_signature(workload, 32)]) == []
    assert version_of_data(workload, splits) == version_of_data(workload, splits)
    trial = trial_of(workload)
    data = place_data(splits, trial.batch_size, 0)
    examples = len(next(iter(splits["train"].values()))) if "train" in splits else 0
    program = Program(trial, workload, data, examples)
    keep = CheckpointSelection("validation/loss", "min", keep=1)
    (finished,) = train_group(program, [trial], keep, stream=stream_of(workload)).finished
    loss = finished.record.evaluations.values["validation/loss"]
    assert finished.record.status == "completed"
    assert loss[-1] < 0.9 * loss[0]
    if kind == "Tumours":
        assert finished.record.evaluations.values["validation/auc"][-1] > 0.97
    ((step, variables),) = finished.best
    checkpoints.save(tmp_path / "kept", BEST, {f"step_{step}": variables})
    found = checkpoints.restore(tmp_path / "kept", BEST, like=variables)[f"step_{step}"]
    at_best = program.evaluate(found, program.arguments([trial])[1], step)
    np.testing.assert_array_equal(at_best["validation"]["loss"], loss.min())
