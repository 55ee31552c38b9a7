"""Scripts of the forms that docs/commands.md shows, trained as commands."""

import json
import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.commands import plan_of, write_study
from tests.specs import write_spec
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import plan_study, request_of

DOCS = Path(__file__).parents[2] / "docs" / "commands.md"


def shown(beginning):
    """Return the example of YAML in the documentation that begins so."""
    examples = re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    (text,) = [item for item in examples if item.startswith(beginning)]
    return YAML(typ="safe").load(text)


def train(plan, study):
    request = request_of(plan, [item.trial for item in plan.trials])
    return list(train_pack(request, study).values())


LIKE_NANOGPT = """\
import json
import os

import numpy as np

out_dir, eval_interval, max_iters, lr_decay_iters = "out", 2000, 600000, 600000
init_from, learning_rate, weight_decay, batch_size = "scratch", 6e-4, 1e-1, 12
seed = 1337
exec(open("configurator.py").read())
checkpoint = os.path.join(out_dir, "ckpt.npz")
if os.path.exists(checkpoint):
    init_from = "resume"
from model import loss, gradient

draws = np.random.default_rng(seed)
weights, iter_num = draws.normal(size=4), 0
if init_from == "resume":
    saved = np.load(checkpoint)
    weights, iter_num = saved["weights"], int(saved["iter_num"])
while True:
    if iter_num % eval_interval == 0:
        losses = {"train": loss(weights), "val": 2 * loss(weights)}
        np.savez(checkpoint, weights=weights, iter_num=iter_num)
        row = {"step": iter_num, "train/loss": losses["train"], "val/loss": losses["val"]}
        with open(os.path.join(out_dir, "log.jsonl"), "a") as log:
            log.write(json.dumps(row) + "\\n")
    weights = weights - learning_rate * (gradient(weights) + weight_decay * weights)
    iter_num += 1
    if iter_num > max_iters:
        break
"""

CONFIGURATOR = """\
import sys
from ast import literal_eval

for arg in sys.argv[1:]:
    if "=" not in arg:
        exec(open(arg).read())
        continue
    key, value = arg[2:].split("=")
    try:
        value = literal_eval(value)
    except (SyntaxError, ValueError):
        pass
    assert type(value) is type(globals()[key]), key
    globals()[key] = value
"""

MODEL = """\
def loss(weights):
    return float(weights @ weights)


def gradient(weights):
    return 2 * weights
"""


def test_a_script_like_nanogpt(tmp_path):
    description = shown("command: [python, train.py, config/train_shakespeare_char.py")
    description["command"][0] = sys.executable
    write_spec(tmp_path / "trainer.yaml", description)
    for name, content in {
        "train.py": LIKE_NANOGPT,
        "configurator.py": CONFIGURATOR,
        "model.py": MODEL,
        "config/train_shakespeare_char.py": "batch_size = 64\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    changes = {"objective.metric": "validation/loss", "search.trials": 2}
    plan = plan_study(write_study(tmp_path, changes))
    for record in train(plan, tmp_path / "results"):
        assert record.status == "completed"
        assert record.evaluations.steps.tolist() == [0, 25, 50, 75, 100]
        train_loss, validation_loss = (
            record.evaluations.values[f"{split}/loss"] for split in ("train", "validation")
        )
        assert validation_loss.tolist() == (2 * train_loss).tolist()


def test_the_first_example_of_the_documentation(tmp_path):
    study, description = shown("# config/studies/decay.yaml"), shown("# config/studies/trainer")
    description["command"][0] = sys.executable
    write_spec(tmp_path / "trainer.yaml", description)
    study["search"]["trials"] = 1
    (tmp_path / "model").mkdir()
    (tmp_path / "model/layers.py").write_text("LAYERS = 2\n")
    (tmp_path / "train.py").write_text("""\
import json, sys
given = dict(item[2:].split("=", 1) for item in sys.argv[1:])
with open(given["out"], "a") as log:
    for step in range(0, int(given["steps"]) + 1, 100):
        row = {"val/error": float(given["lr"]) / (1 + step), "train/loss": float(given["wd"])}
        log.write(json.dumps({"step": step, **row}) + "\\n")
""")
    plan = plan_study(write_spec(tmp_path / "decay.yaml", study))
    records = train(plan, tmp_path / "results")
    assert [record.status for record in records] == ["completed", "completed"]
    by_trial = {item.trial.fingerprint: item.trial.hyperparameters for item in plan.trials}
    for record in records:
        given = by_trial[record.fingerprint]
        assert record.evaluations.steps.tolist() == list(range(0, 2001, 100))
        assert record.evaluations.values["validation/error"][0] == given["learning_rate"]
        assert set(record.evaluations.values["train/loss"].tolist()) == {given["weight_decay"]}


IN_PYTORCH = """\
import json
import os
import sys

import torch

folder, rate, decay, seed, steps = sys.argv[1], *map(float, sys.argv[2:])
torch.manual_seed(int(seed))
inputs = torch.linspace(-1, 1, 64)[:, None]
targets = torch.sin(3 * inputs)
model = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
for step in range(int(steps) + 1):
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    if step % 25 == 0:
        with open(os.path.join(folder, "log.jsonl"), "a") as log:
            log.write(json.dumps({"step": step, "val": {"error": loss.item()}}) + "\\n")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_script_in_pytorch(tmp_path):
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    arguments = ["{folder}", "{learning_rate}", "{weight_decay}", "{seed}", "{max_train_steps}"]
    command = {
        "command": [sys.executable, "train.py", *arguments],
        "measurements": {"file": "log.jsonl", "step": "step", "validation/error": "val/error"},
    }
    changes = {"search": {"algorithm": "list", "trials": [{"learning_rate": 0.01}]}}
    plan = plan_of(tmp_path, changes, IN_PYTORCH, command)
    (record,) = train(plan, tmp_path / "results")
    assert record.status == "completed"
    errors = record.evaluations.values["validation/error"]
    assert errors[-1] < errors[0] / 2
    (log,) = tmp_path.glob("results/trials/*/script/log.jsonl")
    rows = [json.loads(line)["val"]["error"] for line in log.read_text().splitlines()]
    assert errors.tolist() == rows
