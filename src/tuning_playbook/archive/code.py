"""The code that made a study, as an archive keeps it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.archive.zip_layout import Content

ROOT = Path(__file__).parents[3]
"""The checkout that this package stands in."""

PARTS = ("Snakefile", "workflow", "src", "profiles", "envs")
FILES = ("pyproject.toml", "requirements.lock", "README.md", "LICENSE", "CITATION.cff")
"""What is kept of a checkout without git."""

MADE_BY_RUNNING = ("__pycache__", ".egg-info")
ENTRY_POINT = "src/tuning_playbook/__main__.py"


@dataclass(frozen=True)
class Code:
    """The code of a checkout.

    Attributes:
        files: As it stands, by paths within the checkout; links are left out.
        commit: The git commit it was checked out of; empty where that is not known.
        diff: How it differs from that commit, as `git diff` writes it; empty where it does not.
        untracked: Files of its source folders that git does not know.
    """

    files: dict[str, Content]
    commit: str
    diff: bytes
    untracked: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Return whether it is other than its commit."""
        return bool(self.commit) and bool(self.diff or self.untracked)


def read_code(root: Path = ROOT) -> Code:
    """Return the code in a checkout: what git tracks, or its source folders without git."""
    tracked = _names(root, "ls-files", "-z")
    if ENTRY_POINT not in tracked:
        return Code(_existing(root, _untold(root)), "", b"", ())
    untracked = _names(root, "ls-files", "-z", "--others", "--exclude-standard", "--", *PARTS)
    return Code(
        files=_existing(root, [*tracked, *untracked]),
        commit=_git(root, "rev-parse", "HEAD").decode().strip(),
        diff=_git(root, "diff", "--binary", "--no-color", "--no-ext-diff", "HEAD", "--", "."),
        untracked=tuple(sorted(untracked)),
    )


def _untold(root: Path) -> list[str]:
    folders = [path for part in PARTS for path in (root / part, *(root / part).rglob("*"))]
    found = [*folders, *(root / name for name in FILES)]
    names = [path.relative_to(root).as_posix() for path in found]
    return [name for name in names if not any(mark in name for mark in MADE_BY_RUNNING)]


def _existing(root: Path, names: list[str]) -> dict[str, Content]:
    paths = {name: root / name for name in names}
    return {name: path for name, path in paths.items() if path.is_file() and not path.is_symlink()}


def _names(root: Path, *arguments: str) -> list[str]:
    return [name for name in _git(root, *arguments).decode().split("\0") if name]


def _git(root: Path, *arguments: str) -> bytes:
    """Return what git says; nothing where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, cwd=root)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
