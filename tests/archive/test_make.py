"""What whoever made an archive is told of it."""

from types import SimpleNamespace

from tuning_playbook.archive.make import what_to_know


def told(tmp_path, *, changed=False, naming=()):
    archive = tmp_path / "small.zip"
    archive.write_bytes(bytes(2_400_000))
    code = SimpleNamespace(changed=changed, commit="0123456789abcdef")
    made = SimpleNamespace(code=code, naming=naming)
    return [line.replace(str(archive), "small.zip") for line in what_to_know(made, archive)]


def test_its_size(tmp_path):
    assert told(tmp_path) == ["small.zip: 2.4 MB"]


def test_that_its_code_is_no_commit(tmp_path):
    _, warning = told(tmp_path, changed=True)
    assert warning.startswith("WARNING: small.zip holds code that was changed since commit 012")


def test_which_files_name_folders_of_this_machine(tmp_path):
    _, *warnings = told(tmp_path, naming=("spec/a.py", "spec/b.py"))
    assert [name in line for name, line in zip(("a.py", "b.py"), warnings, strict=True)] == [
        True
    ] * 2
