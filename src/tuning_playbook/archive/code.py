"""The code that made a study, as stored in an archive."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.archive.zip_layout import Content

ROOT = Path(__file__).parents[3]
"""The checkout that contains this package."""

PARTS = ("Snakefile", "workflow", "src", "profiles", "envs")
FILES = ("pyproject.toml", "requirements.lock", "README.md", "LICENSE", "CITATION.cff")
"""The files kept from a checkout without git."""

MADE_BY_RUNNING = ("__pycache__", ".egg-info")
ENTRY_POINT = "src/tuning_playbook/__main__.py"


@dataclass(frozen=True)
class Code:
    """The code of a checkout.

    Attributes:
        files: Its current files, by paths within the checkout; links are left out.
        commit: The git commit of the checkout; empty if it is not known.
        diff: The changes since that commit, as `git diff` writes them; empty if there are none.
        untracked: Files in its source folders that git does not track.
    """

    files: dict[str, Content]
    commit: str
    diff: bytes
    untracked: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Return whether the code differs from its commit."""
        return bool(self.commit) and bool(self.diff or self.untracked)


def read_code(root: Path = ROOT) -> Code:
    """Return the code in a checkout: the files tracked by git, or the source folders without it."""
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
    """Return git's output; empty if there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, cwd=root)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
