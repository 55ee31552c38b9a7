"""No two processes train a trial at the same time."""

import subprocess
import sys

import pytest

from tests.specs import plan_of
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.claims import CLAIMS, claimed
from tuning_playbook.trials.request import request_from_json

HOLD = """
import sys
from pathlib import Path
from tuning_playbook.trials.claims import claimed
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
request, study = request_from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
with claimed(request.trials, study):
    print("claimed", flush=True)
    sys.stdin.read()
    train_pack(request, study, threads=1)
"""


@pytest.fixture
def pack(tmp_path):
    plan = plan_of(tmp_path, {"resources.trials_per_job": 8, "search.trials": 2})
    (pack,) = plan.packs.values()
    return pack_json(plan, pack)


@pytest.fixture
def holder(pack, tmp_path):
    """A process that has the trials of the pack, and trains them when its input ends."""
    (tmp_path / "request.json").write_text(pack)
    command = [sys.executable, "-c", HOLD, tmp_path / "request.json", tmp_path / "study"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_a_job_waits_for_another_with_the_same_trials_and_keeps_what_that_has_trained(
    pack, holder, tmp_path, caplog
):
    caplog.set_level("INFO", "tuning_playbook")
    holder.stdin.close()
    results = train_pack(request_from_json(pack), tmp_path / "study", threads=1)
    assert len(results) == 2
    assert "waiting for another process that trains" in caplog.text
    assert "kept 2 trials" in caplog.text


def test_a_claim_ends_with_its_process_however_that_ends(pack, holder, tmp_path):
    holder.kill()
    with claimed(request_from_json(pack).trials, tmp_path / "study"):
        pass


def test_other_trials_of_the_study_are_free_meanwhile(pack, holder, tmp_path):
    other = plan_of(tmp_path / "other", {"search.seed": 1, "search.trials": 2})
    with claimed([item.trial for item in other.trials], tmp_path / "study"):
        assert holder.poll() is None


def test_the_file_of_the_claims_stays_empty(pack, tmp_path):
    with claimed(request_from_json(pack).trials, tmp_path):
        assert (tmp_path / CLAIMS).stat().st_size == 0
