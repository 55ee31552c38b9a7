"""A job of two nodes: it starts its processes by srun, and Slurm tells each its place."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.test_nodes import JOB, request_for
from tests.slurm.cluster import free_ports, missing, running_cluster
from tests.workflow.project import wait_until
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.trial_files import (
    own_record,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_provenance

pytestmark = pytest.mark.workflow

# As the executor of Snakemake does, a step of one task runs the job, and the job starts another.
BATCH = """#!/bin/sh
srun --nodes=1 --ntasks=1 {python} -c '{job}' {request} {study}
"""


@pytest.fixture
def two_nodes(monkeypatch):
    """A cluster of two nodes, both of them this machine."""
    if reason := missing():
        pytest.skip(f"no Slurm cluster can be started here: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets have short paths
    try:
        with running_cluster(folder, "one", "two") as cluster:
            for name, value in cluster.environment.items():
                monkeypatch.setenv(name, value)
            yield cluster
    finally:
        shutil.rmtree(folder)


def test_a_job_on_two_nodes_trains_what_one_process_does(two_nodes, tmp_path, monkeypatch):
    # The names of these nodes are in nobody's list of hosts.
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", f"127.0.0.1:{free_ports(1)[0]}")
    request, study = request_for(tmp_path, 2), tmp_path / "two"
    (tmp_path / "request.json").write_text(json.dumps(request.to_json()))
    batch, output = tmp_path / "batch.sh", tmp_path / "output.txt"
    files = {"request": tmp_path / "request.json", "study": study}
    batch.write_text(BATCH.format(python=sys.executable, job=JOB, **files))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    asked = ("--nodes=2", "--ntasks=2", "--cpus-per-task=1", "--mem=8000")
    job = two_nodes.call("sbatch", "--parsable", *asked, f"--output={output}", batch)
    wait_until(lambda: not two_nodes.call("squeue", "-h", "-j", job))
    (trial,) = request.trials
    folder = trial_folder(study, trial)
    assert read_provenance(folder)["nodes"] == 2, output.read_text()
    together = own_record(study, trial)
    (alone,) = train_pack(request_for(tmp_path, 1), tmp_path / "one").values()
    assert alone.evaluations.values
    for name, values in alone.evaluations.values.items():
        np.testing.assert_allclose(together.evaluations.values[name], values, rtol=1e-5)
