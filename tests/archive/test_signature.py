"""A detached signature says who made an archive; nothing in the archive could."""

import shutil
import subprocess

import pytest

from tuning_playbook.archive.signature import NAMESPACE, who_signed
from tuning_playbook.errors import ArchiveError

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")


def ssh_keygen(*arguments):
    subprocess.run(["ssh-keygen", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "study.zip"
    path.write_bytes(b"an archive")
    return path


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
    return path


def signers_of(tmp_path, key, name="ada@example.org"):
    path = tmp_path / f"signers-{key.name}"
    path.write_text(f"{name} {key.with_suffix('.pub').read_text()}")
    return path


def sign(archive, key, namespace=NAMESPACE):
    ssh_keygen("-Y", "sign", "-f", key, "-n", namespace, archive)


def test_without_one_nobody_is_known(archive):
    assert who_signed(archive, None) == "who made it is not known: nobody signed it"


def test_one_that_is_not_checked_says_nothing(archive, key):
    sign(archive, key)
    assert who_signed(archive, None).startswith("who made it is not known: name the keys")


def test_one_by_a_trusted_key_names_its_owner(archive, key, tmp_path):
    sign(archive, key)
    assert who_signed(archive, signers_of(tmp_path, key)) == "signed by ada@example.org"


def test_a_changed_archive_is_not_what_was_signed(archive, key, tmp_path):
    sign(archive, key)
    archive.write_bytes(b"another archive")
    with pytest.raises(ArchiveError, match="it is not a signature of this archive by ada"):
        who_signed(archive, signers_of(tmp_path, key))


def test_a_key_that_is_not_trusted_is_refused(archive, key, tmp_path):
    other = tmp_path / "other"
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-f", other)
    sign(archive, other)
    with pytest.raises(ArchiveError, match="it is not by any key in"):
        who_signed(archive, signers_of(tmp_path, key))


def test_a_signature_for_another_purpose_is_none(archive, key, tmp_path):
    sign(archive, key, namespace="git")
    with pytest.raises(ArchiveError, match="not a signature of this archive"):
        who_signed(archive, signers_of(tmp_path, key))


def test_a_signature_that_is_asked_for_has_to_be_there(archive, key, tmp_path):
    with pytest.raises(ArchiveError, match="there is no such signature"):
        who_signed(archive, signers_of(tmp_path, key))
