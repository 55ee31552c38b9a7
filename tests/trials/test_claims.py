"""No two processes train a trial at the same time."""

import json
import subprocess
import sys

import pytest

from tests.specs import plan_of
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.claims import CLAIMS, claimed, claimed_now

HOLD = """
import json, sys
from pathlib import Path
from tuning_playbook.trials.claims import claimed
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
request = request_from_json(json.loads(Path(sys.argv[1]).read_text()))
study = Path(sys.argv[2])
with claimed(request.trials, study):
    print("claimed", flush=True)
    sys.stdin.read()
    train_pack(request, study, threads=1)
"""


@pytest.fixture
def request_of_two(tmp_path):
    plan = plan_of(tmp_path, {"resources.trials_per_job": 8, "search.trials": 2})
    (pack,) = plan.packs.values()
    return request_of(plan, pack.trials)


@pytest.fixture
def holder(request_of_two, tmp_path):
    """A process that has the trials of the pack, and trains them when its input ends."""
    (tmp_path / "request.json").write_text(json.dumps(request_of_two.to_json()))
    command = [sys.executable, "-c", HOLD, tmp_path / "request.json", tmp_path / "study"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_a_job_waits_for_another_with_the_same_trials_and_keeps_what_that_has_trained(
    request_of_two, holder, tmp_path, caplog
):
    caplog.set_level("INFO", "tuning_playbook")
    holder.stdin.close()
    records = train_pack(request_of_two, tmp_path / "study", threads=1)
    assert len(records) == 2
    assert f"waiting for process {holder.pid}, which trains" in caplog.text
    assert "kept 2 trials" in caplog.text


def test_a_claim_ends_with_its_process_however_that_ends(request_of_two, holder, tmp_path):
    holder.kill()
    with claimed(request_of_two.trials, tmp_path / "study"):
        pass


def test_other_trials_of_the_study_are_free_meanwhile(holder, tmp_path):
    other = plan_of(tmp_path / "other", {"search.seed": 1, "search.trials": 2})
    with claimed([item.trial for item in other.trials], tmp_path / "study"):
        assert holder.poll() is None


def test_whoever_looks_sees_which_trials_some_process_has(request_of_two, holder, tmp_path):
    other = plan_of(tmp_path / "other", {"search.seed": 1, "search.trials": 2}).trials[0].trial
    mine = {trial.id for trial in request_of_two.trials}
    asked = [trial.id for trial in (*request_of_two.trials, other)]
    assert claimed_now(asked, tmp_path / "study") == mine
    holder.kill()
    holder.wait()
    assert claimed_now(asked, tmp_path / "study") == frozenset()


def test_nothing_is_claimed_in_a_study_that_never_ran(request_of_two, tmp_path):
    assert (
        claimed_now([trial.id for trial in request_of_two.trials], tmp_path / "nowhere")
        == frozenset()
    )


def test_the_file_of_the_claims_stays_empty(request_of_two, tmp_path):
    with claimed(request_of_two.trials, tmp_path):
        assert (tmp_path / CLAIMS).stat().st_size == 0
