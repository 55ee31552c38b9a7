"""Data that ships with a package is checked before it is used."""

from pathlib import Path

import pytest

from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads import mnist5k, scipy_text
from tuning_playbook.workloads.shipped import shipped_file


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(WorkloadError, match="'no_such_package', which is not installed"):
        shipped_file("no_such_package", "data.csv")


def test_other_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "mnist_5k.csv.gz"
    damaged.write_bytes(mnist5k.mnist5k_file().read_bytes() + b"\0")
    monkeypatch.setattr(mnist5k, "mnist5k_file", lambda: damaged)
    with pytest.raises(WorkloadError, match=r"mnist_5k.csv.gz is not the data .* sha256 is"):
        mnist5k.load_mnist5k()


def test_other_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "_stats_py.py"
    other.write_text('"""Something else."""\n')
    monkeypatch.setattr(scipy_text, "text_files", lambda: [other])
    with pytest.raises(WorkloadError, match="install the version that requirements"):
        scipy_text.load_windows(128)
