"""Adopting a launch with one command."""

import pytest

from tests.workflow.conftest import IN_ONE_JOB

pytestmark = pytest.mark.workflow

CONFIG = ("--config", "study=small")


def test_a_provisional_launch_is_adopted_by_force_only_and_read_by_the_next_study(trained):
    baselines, record = (trained.root / "config" / name for name in ("baselines", "launches.csv"))
    before = (baselines / "digits_mlp.yaml").read_bytes()
    refused = trained.run("--cores", 1, "adopt_baseline", *CONFIG)
    assert refused.status == 1
    assert "LaunchError: small: not adopted. Its launch is decided 'provisional'" in refused.text
    assert "Traceback" not in refused.text
    assert (baselines / "digits_mlp.yaml").read_bytes() == before
    assert not record.exists()
    for _ in range(2):
        adopted = trained.run("--cores", 1, "adopt_baseline", *CONFIG, "force=true")
        assert adopted.status == 0, adopted.text
    assert len(record.read_text().splitlines()) == 2
    assert set(trained.plan().rules) == {"write_tracking"}
    incumbent = {"baseline": "config/baselines/digits_mlp.yaml"}
    trained.write_study("next", IN_ONE_JOB | incumbent)
    assert trained.plan(study="next").rules["train_reruns"] == 2
