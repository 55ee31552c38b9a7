"""A job of two nodes, whose processes meet over the loopback here."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.specs import plan_of
from tuning_playbook.errors import NodesError
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
from tuning_playbook.trials.resume_states import resume_steps
from tuning_playbook.trials.trial_files import read_provenance, trial_folder

CHANGES = {
    "training": {"max_train_steps": 40, "batch_size": 32, "eval_every": 10},
    "search.trials": 1,
    "fixed": {
        "optimizer": "momentum",
        "depth": 1,
        "width": 16,
        "normalization": "batch",
        "dropout": 0.2,
    },
}
JOB = """
import sys
from pathlib import Path
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
train_pack(request_from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), nodes=2)
"""


def request(folder, nodes):
    plan = plan_of(folder, CHANGES | {"resources.nodes": nodes})
    return pack_json(plan, next(iter(plan.packs.values())))


def stop_in_the_middle(text, folder):
    """Begin a job, and tell it to stop when its processes have found each other."""
    folder.mkdir()
    (folder / "request.json").write_text(text)
    command = [sys.executable, "-c", JOB, str(folder / "request.json"), str(folder)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    ) as job:
        assert "Gloo" in job.stdout.readline()  # both say so at once, over each other
        time.sleep(0.5)
        job.send_signal(signal.SIGTERM)
        _, errors = job.communicate(timeout=120)
    assert job.returncode != 0
    assert "InterruptedTrainingError: stopped" in errors


def test_two_nodes_train_what_one_does_and_go_on_where_they_were_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # knows nothing of neighbours
    (alone,) = train_pack(request_from_json(request(tmp_path, 1)), tmp_path / "one")
    text = request(tmp_path, 2)
    together = request_from_json(text)
    (result,) = train_pack(together, tmp_path / "two", nodes=2)
    assert result.status == "completed"
    assert result.metrics["loss"][-1, 0] < result.metrics["loss"][0, 0]
    found = {**result.metrics, **result.series}
    for metric, values in {**alone.metrics, **alone.series}.items():
        np.testing.assert_allclose(found[metric], values, rtol=1e-5)
    folder = trial_folder(tmp_path / "two", together.trials[0])
    facts = read_provenance(folder)
    assert (facts["devices"], facts["nodes"]) == (2, 2)

    again = tmp_path / "again"
    stop_in_the_middle(text, again)
    (step,) = resume_steps(trial_folder(again, together.trials[0]) / "checkpoints")
    assert 0 < step < 40
    train_pack(together, again, nodes=2)
    metrics = trial_folder(again, together.trials[0]) / "metrics.npz"
    assert metrics.read_bytes() == (folder / "metrics.npz").read_bytes()


def test_the_last_words_of_a_process_are_those_of_the_job(tmp_path):
    content = json.loads(request(tmp_path, 2))
    content["trials"][0]["versions"]["engine"] = "another"
    with pytest.raises(NodesError, match=r"2 nodes ended.* ChangedDuringRunError: the engine of"):
        train_pack(request_from_json(json.dumps(content)), tmp_path, nodes=2)
