import dataclasses
import errno
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from flax import nnx

from tests.jobs.damage import flip_a_bit
from tuning_playbook.errors import ArtefactError, StorageError
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


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Layer:
    """A module as Equinox makes them: a pytree whose arrays are attributes."""

    weight: Any
    bias: Any


class Pair(NamedTuple):
    second: Any
    first: Any


def variables_of(start):
    layers = [Layer(np.full((2, 3), start + n, np.float32), np.zeros(n + 1)) for n in range(12)]
    state = nnx.state(nnx.BatchNorm(3, rngs=nnx.Rngs(0)))
    state = jax.tree.map(lambda leaf: np.asarray(leaf) + start, state)
    made = {"layers": layers, "pair": Pair(np.full(2, start), np.zeros(1)), "none": None}
    return {"params": made, "state": state, "b": (np.full(3, start), {})}


def test_variables_that_are_more_than_dicts_come_back_as_what_they_were(tmp_path):
    saved = {f"step_{n}": variables_of(float(n)) for n in (9, 10)}
    checkpoints.save(tmp_path, BEST, saved)
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), variables_of(0.0))
    found = checkpoints.restore(tmp_path, BEST, like=like)
    assert jax.tree.structure(found) == jax.tree.structure(saved)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, found, saved)))


@pytest.mark.parametrize("other", ["shape", "name"])
def test_other_variables_than_were_saved_are_refused(tmp_path, other):
    checkpoints.save(tmp_path, BEST, {"step_1": variables_of(1.0)})
    like = variables_of(0.0)
    if other == "shape":
        like["params"]["layers"][0].weight = np.zeros((3, 3), np.float32)
    else:
        like["params"]["more"] = np.zeros(2)
    with pytest.raises(ArtefactError, match=r"best: holds other arrays than 'like' has"):
        checkpoints.restore(tmp_path, BEST, like=like)


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


def full(*arguments, **options):
    """What Orbax raises where the disk is full."""
    raise ValueError("RESOURCE_EXHAUSTED: Error writing file: No space left on device")


def broken(*arguments, **options):
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(("error", "said"), [(full, "No space left"), (broken, "Input/output")])
def test_storage_that_fails_is_told_with_the_path(tmp_path, monkeypatch, error, said):
    checkpoints.save(tmp_path, BEST, TREE)
    with monkeypatch.context() as patched:
        patched.setattr(ocp.StandardCheckpointer, "restore", error)
        with pytest.raises(StorageError, match=rf"{tmp_path / BEST}: .*{said}.*run snakemake"):
            checkpoints.restore(tmp_path, BEST)
        patched.setattr(ocp.StandardCheckpointer, "save", error)
        with pytest.raises(StorageError, match=rf"{tmp_path / BEST}: .*{said}.*run snakemake"):
            checkpoints.save(tmp_path, BEST, TREE)
    assert not list(tmp_path.glob("*.sha256"))
    checkpoints.save(tmp_path, BEST, TREE)
