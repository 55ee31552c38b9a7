"""The example studies: each can be planned as it is."""

from pathlib import Path

import pytest

from tests.workloads.test_cifar10 import write_batch
from tuning_playbook.planning.plan import plan_study

STUDIES = Path("config/studies").resolve()


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_can_be_planned(path, tmp_path, monkeypatch):
    data = tmp_path / "data" / "cifar-10-batches-bin"
    data.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        write_batch(data / name, 300, seed=0)
    (tmp_path / "config").symlink_to(STUDIES.parent)
    monkeypatch.chdir(tmp_path)
    plan = plan_study(Path("config/studies") / path.name)
    assert len(plan.trials) == len(plan.study.arms) * plan.study.spec.search.trials
