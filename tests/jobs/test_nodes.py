"""A job of two nodes, whose processes meet over the loopback here."""

import dataclasses
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
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.resume_states import resume_steps
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_provenance

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
import json, sys
from pathlib import Path
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
request = request_from_json(json.loads(Path(sys.argv[1]).read_text()))
train_pack(request, Path(sys.argv[2]), nodes=2)
"""


def request_for(folder, nodes):
    plan = plan_of(folder, CHANGES | {"resources.nodes": nodes})
    (pack,) = plan.packs.values()
    return request_of(plan, pack.trials)


def stop_in_the_middle(request, folder):
    """Begin a job, and tell it to stop when its processes have found each other."""
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps(request.to_json()))
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
    (alone,) = train_pack(request_for(tmp_path, 1), tmp_path / "one").values()
    together = request_for(tmp_path, 2)
    (record,) = train_pack(together, tmp_path / "two", nodes=2).values()
    assert record.status == "completed"
    loss = record.evaluations.values["train/loss"]
    assert loss[-1] < loss[0]
    for found, curves in (
        (record.evaluations, alone.evaluations),
        (record.logged, alone.logged),
    ):
        assert curves.values
        for name, values in curves.values.items():
            np.testing.assert_allclose(found.values[name], values, rtol=1e-5)
    folder = trial_folder(tmp_path / "two", together.trials[0])
    facts = read_provenance(folder)
    assert (facts["devices"], facts["nodes"]) == (2, 2)

    again = tmp_path / "again"
    stop_in_the_middle(together, again)
    (step,) = resume_steps(trial_folder(again, together.trials[0]) / "checkpoints")
    assert 0 < step < 40
    train_pack(together, again, nodes=2)
    numbers = trial_folder(again, together.trials[0]) / NUMBERS
    assert numbers.read_bytes() == (folder / NUMBERS).read_bytes()


def test_the_last_words_of_a_process_are_those_of_the_job(tmp_path):
    request = request_for(tmp_path, 2)
    (trial,) = request.trials
    planned = dataclasses.replace(trial, versions={**trial.versions, "engine": "another"})
    with pytest.raises(NodesError, match=r"2 nodes ended.* ChangedDuringRunError: the engine of"):
        train_pack(request.asking_for([planned]), tmp_path, nodes=2)
