"""The program of a training job, as the rule `train_pack` calls it."""

import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import InterruptedTrainingError
from tuning_playbook.jobs import train_pack
from tuning_playbook.jobs.job import options_of, resources_of
from tuning_playbook.planning.plan import requests_of
from tuning_playbook.planning.requests import write_requests
from tuning_playbook.trials.pack_file import read_pack


def test_it_trains_the_trials_of_its_pack_and_logs_them(tmp_path):
    plan = plan_of(tmp_path, {"resources.trials_per_job": 2})
    write_requests(tmp_path, requests_of(plan))
    pack = next(iter(plan.packs.values()))
    output, log = tmp_path / f"packs/{pack.id}.nc", tmp_path / "train.log"
    train_pack.main([str(output), "--log", str(log)])
    assert list(read_pack(output)) == [trial.id for trial in pack.trials]
    assert "to train 2 trials" in log.read_text()
    assert f"{pack.trials[0].id} completed" in log.read_text()


def test_a_pack_that_is_not_asked_for_is_one_message_and_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(train_pack, "PATIENCE", 0.0)
    log = tmp_path / "train.log"
    with pytest.raises(SystemExit, match=r"^ChangedDuringRunError: .* has no pack 0123456789: "):
        train_pack.main([str(tmp_path / "packs/0123456789.nc"), "--log", str(log)])
    assert len(log.read_text().splitlines()) == 1


def test_a_job_that_is_told_to_stop_ends_with_a_status_of_its_own(tmp_path, monkeypatch):
    """Another than that of a crash, so that a scheduler can be told to queue such jobs again."""
    plan = plan_of(tmp_path)
    write_requests(tmp_path, requests_of(plan))

    def stop(*_, **__):
        raise InterruptedTrainingError("stopped after step 7; it is saved")

    monkeypatch.setattr(train_pack, "train_pack", stop)
    log, pack = tmp_path / "train.log", next(iter(plan.packs))
    with pytest.raises(SystemExit) as ended:
        train_pack.main([str(tmp_path / f"packs/{pack}.nc"), "--log", str(log)])
    assert ended.value.code == os.EX_TEMPFAIL
    (line,) = log.read_text().splitlines()
    assert line.endswith("WARNING stopped after step 7; it is saved")


@pytest.mark.parametrize(
    ("resources", "options"),
    [
        ({}, ""),
        ({"mem_mb": 8000, "gpu": 0, "nodes": 1}, ""),
        ({"gpu": 1}, "--gpus 1"),
        ({"devices": 2}, "--devices 2"),
        ({"gpu": 4, "nodes": 2, "devices": 2}, "--devices 2 --gpus 2 --nodes 2"),
    ],
)
def test_what_is_usual_is_not_said(resources, options):
    given = SimpleNamespace(**resources)
    assert options_of(given) == options
    told = vars(train_pack.parser().parse_args(["o", "--log", "l", *shlex.split(options)]))
    wanted = resources_of(SimpleNamespace(threads=1, resources=given))
    assert {name: told[name] for name in wanted} == wanted


def test_it_knows_no_study():
    """So it begins soon."""
    code = "import sys, tuning_playbook.jobs.train_pack; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "xarray", "jax", "ruamel.yaml"} & set(done.stdout.split())
