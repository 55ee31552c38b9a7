"""Data that ships inside an installed package, checked before it is used."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from tuning_playbook.errors import WorkloadError


def shipped_file(package: str, path: str) -> Path:
    """Return where a file of an installed package stands; the package is not imported.

    Raises:
        WorkloadError: The package is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WorkloadError(f"the data ships with the package '{package}', which is not installed")
    return Path(found.submodule_search_locations[0], path)


def check_sha256(data: bytes, expected: str, source: str) -> None:
    """Check that data is what every number of the workload was measured on.

    Args:
        data: As it was read.
        expected: Its SHA-256, in hexadecimal digits.
        source: What it is, for the message.

    Raises:
        WorkloadError: It is something else.
    """
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise WorkloadError(
            f"{source} is not the data that this workload is defined on: its sha256 is {actual}, "
            f"not {expected}; install the version that requirements.lock pins"
        )
