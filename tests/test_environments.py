"""The environments of the rules hold the pins of the project, and nothing else."""

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

LOCKS = {"requirements.lock": 100, "tests/archive/validator.lock": 10, "envs/pip.lock": 1}
"""Each lock file, and how many packages it has at least."""


def pins(path):
    listed = YAML(typ="safe").load(path.read_text())["dependencies"]
    return {item for entry in listed if isinstance(entry, dict) for item in entry["pip"]}


def test_the_cpu_environment_has_the_projects_pins():
    assert pins(ROOT / "envs/cpu.yaml") == set(PROJECT["dependencies"])


def test_the_cuda_environment_differs_in_jax_alone():
    jax = {item for item in PROJECT["dependencies"] if item.startswith("jax==")}
    cuda = set(PROJECT["optional-dependencies"]["cuda"])
    assert pins(ROOT / "envs/cuda.yaml") == set(PROJECT["dependencies"]) - jax | cuda


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("word", ["index-url", "://", "find-links"])
def test_a_lock_file_names_no_package_index(lock, word):
    assert word not in (ROOT / lock).read_text()


@pytest.mark.parametrize(("lock", "least"), LOCKS.items())
def test_a_lock_file_has_a_hash_for_every_pin(lock, least):
    pins = re.findall(
        r"^[\w.-]+(?:\[.*\])?==.*(?:\n +.*)*", (ROOT / lock).read_text(), re.MULTILINE
    )
    assert len(pins) >= least
    assert all("--hash=sha256:" in pin for pin in pins)
