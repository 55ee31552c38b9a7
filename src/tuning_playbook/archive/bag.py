"""The BagIt bag in an archive: hashes of every file, which generic tools can check.

Source: RFC 8493, The BagIt File Packaging Format (V1.0), with SHA-256 manifests.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tuning_playbook.archive.zip_layout import Content

DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PAYLOAD = "data/"
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def make_bag(payload: Mapping[str, Content]) -> dict[str, Content]:
    """Return the files of a bag, by their paths in it.

    Args:
        payload: The content of the bag, by paths within its `data/`.
    """
    files = {f"{PAYLOAD}{name}": content for name, content in payload.items()}
    manifest = _manifest({name: _sha256(content) for name, content in files.items()})
    tags = {DECLARATION: BAGIT, INFO: _info(files.values()), MANIFEST: manifest}
    tag_manifest = _manifest({name: _sha256(content) for name, content in tags.items()})
    return files | tags | {TAG_MANIFEST: tag_manifest}


def check_bag(folder: Path) -> Iterator[str]:
    """Yield what is wrong with an unpacked bag: files changed, missing or added."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path for path in sorted(paths)}
    payload = {name: path for name, path in found.items() if name.startswith(PAYLOAD)}
    tags = {name: path for name, path in found.items() if name not in payload}
    tag_manifest = tags.pop(TAG_MANIFEST, None)
    if DECLARATION not in tags or tags[DECLARATION].read_bytes() != BAGIT:
        yield f"{DECLARATION}: it is missing, or does not say that this is a BagIt bag"
    yield from _compare(tag_manifest, tags, TAG_MANIFEST)
    other = list(_compare(tags.get(MANIFEST), payload, MANIFEST))
    yield from other
    if not other and (INFO not in tags or tags[INFO].read_bytes() != _info(payload.values())):
        yield f"{INFO}: it is missing, or does not say how much the payload is"


def _compare(manifest: Path | None, found: Mapping[str, Path], name: str) -> Iterator[str]:
    if manifest is None:
        yield f"{name}: it is missing"
        return
    content = manifest.read_bytes()
    expected = _read_manifest(content)
    if _manifest(expected) != content:
        yield f"{name}: it is not a sorted list of SHA-256 hashes and files"
    for file in sorted(expected.keys() | found.keys()):
        if file not in found:
            yield f"{file}: it is missing"
        elif file not in expected:
            yield f"{file}: it was added; {name} does not list it"
        elif _sha256(found[file]) != expected[file]:
            yield f"{file}: it was changed; its SHA-256 is not that of {name}"


def _info(payload: Collection[Content]) -> bytes:
    """Return a payload's numbers of bytes and files, which reveal a truncated bag."""
    sizes = [len(c) if isinstance(c, bytes) else c.stat().st_size for c in payload]
    return f"Payload-Oxum: {sum(sizes)}.{len(sizes)}\n".encode()


def _manifest(hashes: Mapping[str, str]) -> bytes:
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def _read_manifest(content: bytes) -> dict[str, str]:
    lines = content.decode(errors="replace").splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {name: digest for digest, _, name in pairs}


def _sha256(content: Content) -> str:
    data = content if isinstance(content, bytes) else content.read_bytes()
    return hashlib.sha256(data).hexdigest()
