"""The code in an archive is what stands in the checkout, and what git knows of it is told."""

import subprocess

import pytest

from tuning_playbook.archive.code import ROOT, read_code

FILES = {
    "src/tuning_playbook/__main__.py": "print(1)\n",
    "workflow/Snakefile": "rule all:\n",
    "config/secret.yaml": "password: 1\n",
    ".gitignore": "/config/secret.yaml\n__pycache__/\n",
    "src/__pycache__/main.pyc": "",
}


@pytest.fixture
def checkout(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "slurm").symlink_to("workflow")
    return tmp_path


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def committed(checkout):
    git(checkout, "init")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-m", "all")
    return checkout


def test_a_clean_checkout_is_its_commit(committed):
    code = read_code(committed)
    assert len(code.commit) == 40
    assert (code.changed, code.diff, code.untracked) == (False, b"", ())
    tracked = {".gitignore", "src/tuning_playbook/__main__.py", "workflow/Snakefile"}
    assert code.files.keys() == tracked


def test_changes_and_new_sources_are_kept_and_told(committed):
    (committed / "src/tuning_playbook/__main__.py").write_text("print(2)\n")
    (committed / "src/new.py").write_text("")
    (committed / "notes.txt").write_text("my password")
    code = read_code(committed)
    assert code.changed
    assert b"+print(2)" in code.diff
    assert code.untracked == ("src/new.py",)
    assert "notes.txt" not in code.files


def test_without_git_it_is_the_source_folders(checkout):
    code = read_code(checkout)
    assert (code.commit, code.changed) == ("", False)
    assert code.files.keys() == {"src/tuning_playbook/__main__.py", "workflow/Snakefile"}


def test_what_an_archive_keeps_of_this_checkout_is_whole():
    kept = read_code().files
    modules = (path for path in (ROOT / "src").rglob("*.py"))
    assert {path.relative_to(ROOT).as_posix() for path in modules} <= kept.keys()
