"""A hundred kills of whole runs, at random moments: `make kills`, or KILLS=20 make kills.

Trials save their states every half second here, so that many kills fall into that. It takes hours
of processor time; `tests/jobs/test_kill.py` kills single jobs.
"""

import os
import shutil

import numpy as np
import pytest

from tests.faults import damages, kills
from tests.workflow.background import Workshop
from tests.workflow.conftest import IN_ONE_JOB

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("KILLS", "100"))
FOR_EACH_STUDY = 10
LONGEST = 60.0
"""Seconds of processor time: what a whole run takes, about."""

LONG = IN_ONE_JOB | {
    "training": {"max_train_steps": 15_000, "batch_size": 32, "eval_every": 300},
    "search.trials": 3,
}


def test_nothing_is_lost_or_other_than_without_kills(tmp_path):
    project = Workshop(tmp_path).new_project("kills")
    kills.save_often(project)
    project.write_study("long", LONG)
    project.snakemake(study="long")
    expected = damages.contents(project.results, "long")
    seen, rng = kills.Killed(), np.random.default_rng(0)
    while (left := KILLS - seen.kills.total()) > 0:
        for folder in (project.results, project.root / ".snakemake"):
            shutil.rmtree(folder)
        most = min(left, FOR_EACH_STUDY)
        kills.kill_runs(project, "long", rng, seen, kills=most, longest=LONGEST)
        others = damages.different(project.results, expected, damages.MEASURED_TIMES, "long")
        print(seen.kills, seen.during, f"most repeated: {max(seen.lost, default=0):.1f} s")
        assert (others, seen.wrong) == ([], [])
