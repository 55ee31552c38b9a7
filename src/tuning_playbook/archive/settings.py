"""The configuration of archives; the Snakefile reads it, so it imports little."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tuning_playbook.errors import SpecError

Checkpoints = Literal["all", "best", "none"]
"""The trials whose best checkpoints an archive contains: all, the best of each arm, or none."""

KNOWN: tuple[Checkpoints, ...] = get_args(Checkpoints)


@dataclass(frozen=True)
class ArchiveSettings:
    """How archives are made.

    Attributes:
        checkpoints: The trials whose best checkpoints are included.
        author: The author to name; empty for none.
        license: The licence of the results, as an SPDX identifier or an address; empty if none is
            stated.
        hosts: Whether to publish the names of machines.
    """

    checkpoints: Checkpoints = "best"
    author: str = ""
    license: str = ""
    hosts: bool = False


def archive_settings(config: Mapping[str, Any]) -> ArchiveSettings:
    """Return how this run makes archives.

    Raises:
        SpecError: A key has a value that it does not accept.
    """
    hosts = str(config.get("hosts", False)).lower()
    if hosts not in ("true", "false"):
        raise SpecError(f"configuration key 'hosts' is true or false, not '{config['hosts']}'")
    return ArchiveSettings(
        checkpoints=_checkpoints(config),
        author=_text(config, "author"),
        license=_license(config),
        hosts=hosts == "true",
    )


def _checkpoints(config: Mapping[str, Any]) -> Checkpoints:
    given = config.get("checkpoints", "best")
    given = "none" if given is None else given
    for known in KNOWN:
        if given == known:
            return known
    raise SpecError(f"configuration key 'checkpoints' is all, best or none, not '{given}'")


def _text(config: Mapping[str, Any], key: str) -> str:
    given = config.get(key, "")
    if not isinstance(given, str) or not given.isprintable():
        raise SpecError(f"configuration key '{key}' is one line of text, not {given!r}")
    return given.strip()


def _license(config: Mapping[str, Any]) -> str:
    given = _text(config, "license")
    if not re.fullmatch(r"[A-Za-z0-9.+-]*|https?://[!-~]+", given):
        raise SpecError(
            "configuration key 'license' is an SPDX identifier, as CC-BY-4.0, or an address, "
            f"not '{given}'"
        )
    return given
