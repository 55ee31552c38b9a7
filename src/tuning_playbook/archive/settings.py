"""What the configuration says of archives; the Snakefile reads it, so it imports little."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tuning_playbook.errors import SpecError

Checkpoints = Literal["all", "best", "none"]
"""Of which trials an archive holds the best checkpoints: the best of each arm, all, or none."""

KNOWN: tuple[Checkpoints, ...] = get_args(Checkpoints)


@dataclass(frozen=True)
class ArchiveSettings:
    """How archives are made.

    Attributes:
        checkpoints: Of which trials the best checkpoints are kept.
        author: Who is to be named as the author; empty for nobody.
        license: Under which the results are handed on, as an SPDX identifier or an address; empty
            where nothing is said of it.
        hosts: Whether the names of machines are told.
    """

    checkpoints: Checkpoints = "best"
    author: str = ""
    license: str = ""
    hosts: bool = False


def archive_settings(config: Mapping[str, Any]) -> ArchiveSettings:
    """Return how the archives of this run are made.

    Raises:
        SpecError: A value is not one that its key takes.
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
