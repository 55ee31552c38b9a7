"""Who signed an archive: a detached signature beside it, which OpenSSH makes and checks.

    ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n tuning-playbook optimizer_choice.zip

writes `optimizer_choice.zip.sig`. To check it, one needs a file of trusted keys, like `git` for
signed commits: lines of a name and a public key.

Source: ssh-keygen(1), ALLOWED SIGNERS.
"""

import subprocess
from pathlib import Path

from tuning_playbook.errors import ArchiveError

NAMESPACE = "tuning-playbook"
"""The purpose of the signature, so that no signature for another purpose is accepted."""

SUFFIX = ".sig"


def who_signed(archive: Path, signers: Path | None) -> str:
    """Return what is known about the maker of an archive, in a sentence.

    Args:
        archive: The archive's file.
        signers: The trusted keys; None to check no signature.

    Raises:
        ArchiveError: A signature must be checked, and there is none, or none by a trusted key.
    """
    signature = archive.with_name(archive.name + SUFFIX)
    if signers is None:
        if signature.exists():
            return (
                "who made it is not known: name the keys that you trust with --signers, to check "
                f"{signature.name}"
            )
        return "who made it is not known: nobody signed it"
    for path, what in ((signature, "signature"), (signers, "file of trusted keys")):
        if not path.is_file():
            raise ArchiveError(f"{path}: there is no such {what}")
    given = ["-s", str(signature), "-f", str(signers)]
    found = _ask(archive, ["find-principals", *given])
    names = found.stdout.split("\n")[0].strip()
    if found.returncode or not names:
        raise ArchiveError(f"{signature}: it is not by any key in {signers}")
    checked = _ask(archive, ["verify", *given, "-I", names, "-n", NAMESPACE])
    if checked.returncode:
        raise ArchiveError(f"{signature}: it is not a signature of this archive by {names}")
    return f"signed by {names}"


def _ask(archive: Path, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    if not archive.is_file():
        raise ArchiveError(f"{archive}: there is no such archive")
    try:
        with archive.open("rb") as content:
            return subprocess.run(
                ["ssh-keygen", "-Y", *arguments],
                stdin=content,
                capture_output=True,
                text=True,
                check=False,
            )
    except FileNotFoundError:
        raise ArchiveError(
            "ssh-keygen is not installed, and checks signatures: install OpenSSH 8.2 or later"
        ) from None
