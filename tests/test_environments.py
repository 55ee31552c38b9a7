"""The environments of the rules hold the pins of the project, and nothing else."""

import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(path):
    listed = YAML(typ="safe").load(path.read_text())["dependencies"]
    return {item for entry in listed if isinstance(entry, dict) for item in entry["pip"]}


def test_the_cpu_environment_has_the_projects_pins():
    assert pins(ROOT / "envs/cpu.yaml") == set(PROJECT["dependencies"])


def test_the_cuda_environment_differs_in_jax_alone():
    jax = {item for item in PROJECT["dependencies"] if item.startswith("jax==")}
    cuda = set(PROJECT["optional-dependencies"]["cuda"])
    assert pins(ROOT / "envs/cuda.yaml") == set(PROJECT["dependencies"]) - jax | cuda


@pytest.mark.parametrize("word", ["index-url", "://", "find-links"])
def test_the_lock_file_names_no_package_index(word):
    assert word not in (ROOT / "requirements.lock").read_text()


def test_the_lock_file_has_a_hash_for_every_pin():
    blocks = (ROOT / "requirements.lock").read_text().split("\n\n")[-1]
    requirements = [line for line in blocks.splitlines() if "==" in line]
    assert len(requirements) > 100
    assert all(line.endswith("\\") for line in requirements)
