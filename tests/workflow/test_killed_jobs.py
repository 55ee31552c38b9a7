"""What a run says in the end of a training job that was killed, and so says nothing itself."""

import re
from pathlib import Path

import pytest

from tests.workflow.background import in_background
from tests.workflow.my_model import HOSTILE

pytestmark = pytest.mark.workflow

BEGIN = "    def init(self, key, hyperparameters):\n"
KILL = """\
        trains = "tuning_playbook.jobs.train_pack" in __import__("sys").orig_argv
        if trains and hyperparameters["flavour"] != "plain":
            __import__("os").kill(__import__("os").getpid(), 9)
"""
"""In the job alone: what kills the process that looks at it beforehand is refused by then."""

STUDY = {
    "workload": "my_model:MyModel",
    "nuisance": {},
    "fixed": {"optimizer": "sgd"},
    "search": {
        "algorithm": "list",
        "trials": [
            {"learning_rate": 0.01, "flavour": HOSTILE},
            {"learning_rate": 0.02, "flavour": "plain"},
        ],
    },
}


@in_background
def killed(workshop):
    """A quiet run of two jobs, of which one is killed twice."""
    project = workshop.new_project("killed")
    model = (Path(__file__).parent / "my_model.py").read_text()
    (project.root / "config/studies/my_model.py").write_text(model.replace(BEGIN, BEGIN + KILL))
    project.write_study("killed", STUDY)
    options = ("--quiet", "rules", "progress", "--keep-going", "--retries", 1, "--cores", 2)
    return project.run(*options, "study_dataset", "--config", "study=killed")


def test_the_trial_of_a_killed_job_is_named_once_with_what_to_do(killed):
    assert killed.status == 1
    told = re.findall(
        r"^  results/killed/packs/(\w{10})\.nc \((.*)\): the job was killed, .* to do: (.*)$",
        killed.text,
        re.MULTILINE,
    )
    ((pack, trials, remedy),) = told
    assert trials == pack
    assert remedy.startswith("ask for fewer lanes (resources.lanes), fewer cores or more memory")
    assert remedy.endswith(f"; see its log, results/killed/logs/train/{pack}.log.")
    assert killed.text.count("These trials have no result") == 1


def test_what_could_be_trained_is_kept(killed):
    (trained,) = (killed.results / "killed/packs").glob("*.nc")
    assert trained.stem not in killed.text[killed.text.index("These trials have no result") :]
