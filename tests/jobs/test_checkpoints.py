import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.jobs.damage import flip_a_bit
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.trials.manifest import BEST

TREE = {
    "step_10": {"params": {"w": np.arange(12, dtype=np.float32).reshape(3, 4)}},
    "step_20": {"params": {"w": np.ones((3, 4), np.float32)}},
}


@pytest.fixture
def saved(tmp_path):
    checkpoints.save(tmp_path, BEST, TREE)
    return tmp_path


def test_a_checkpoint_comes_back_as_it_was_saved(saved):
    restored = checkpoints.restore(saved, BEST)
    for step, variables in TREE.items():
        np.testing.assert_array_equal(restored[step]["params"]["w"], variables["params"]["w"])


def test_a_checkpoint_has_few_files(saved):
    assert sum(path.is_file() for path in saved.rglob("*")) <= 15


def test_the_manifest_is_one_that_generic_tools_check(saved):
    command = ["sha256sum", "--check", "--strict", "../best.sha256"]
    assert subprocess.run(command, check=False, cwd=saved / "best").returncode == 0


def test_any_flipped_byte_is_found(saved):
    random = np.random.default_rng(0)
    files = [path for path in sorted((saved / "best").rglob("*")) if path.stat().st_size]
    for path in (path for path in files if path.is_file()):
        content = path.read_bytes()
        place = int(random.integers(len(content)))
        flip_a_bit(path, place)
        with pytest.raises(ArtefactError, match=f"{path.name}.*is not what was saved"):
            checkpoints.restore(saved, BEST)
        path.write_bytes(content)
    checkpoints.restore(saved, BEST)


def test_a_missing_or_added_file_is_found(saved):
    extra = saved / "best" / "extra"
    extra.write_text("x")
    with pytest.raises(ArtefactError, match="extra"):
        checkpoints.restore(saved, BEST)
    extra.unlink()
    (saved / "best" / "_METADATA").unlink()
    with pytest.raises(ArtefactError, match="_METADATA"):
        checkpoints.restore(saved, BEST)


def test_a_checkpoint_without_a_manifest_was_never_finished(saved):
    (saved / "best.sha256").unlink()
    with pytest.raises(ArtefactError, match="it was not finished"):
        checkpoints.restore(saved, BEST)


def test_saving_again_replaces(saved):
    checkpoints.save(saved, BEST, {"step_30": {"w": np.zeros(2, np.float32)}})
    assert set(checkpoints.restore(saved, BEST)) == {"step_30"}


def test_threads_may_save_at_the_same_time(tmp_path):
    names = [f"resume_{number}" for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: checkpoints.save(tmp_path, name, TREE), names))
    for name in names:
        assert set(checkpoints.restore(tmp_path, name)) == set(TREE)
