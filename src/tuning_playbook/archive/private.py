"""Remove private information from an archive: names of machines, and folders on them."""

import html
import json
import re
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

import xarray as xr
from markupsafe import escape

from tuning_playbook.archive.zip_layout import Content
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.trials.trial_json import OWN_HASH, trial_json

TEXTS = (".cff", ".csv", ".html", ".json", ".md", ".svg", ".yaml", ".yml")

HOST_OF_REPORT = re.compile(r"(<dt>host</dt><dd>)[^<]*")


def without_places(content: bytes, places: Mapping[str, str]) -> bytes:
    """Return a text with the folders of this machine replaced by their names in the archive.

    Args:
        content: The text.
        places: The replacement for each absolute path of a folder.
    """
    text = content.decode()
    for place in sorted(places, key=len, reverse=True):
        in_shell = shlex.quote(place).strip("'")
        forms = [
            form
            for given in (place, in_shell)
            for form in (given, html.escape(given), str(escape(given)), json.dumps(given)[1:-1])
        ]
        for written in dict.fromkeys(forms):
            text = re.sub(rf"(?<![\w./-]){re.escape(written)}(?![\w-])", places[place], text)
    return text.encode()


def without_host(record: bytes) -> bytes:
    """Return a trial.json without the name of the machine."""
    content = json.loads(record)
    content["provenance"].pop("host", None)
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def with_own_hash(record: bytes) -> bytes:
    """Return a trial.json that was changed with a hash of its new content."""
    content = json.loads(record)
    return trial_json(content).encode() if OWN_HASH in content else record


def report_without_host(report: bytes) -> bytes:
    """Return a report without the names of the machines."""
    return HOST_OF_REPORT.sub(r"\1withheld", report.decode()).encode()


def resources_without_host(path: Path) -> bytes:
    """Return a `resources.nc` without the names of the machines."""
    with tempfile.TemporaryDirectory() as folder, xr.open_dataset(path) as dataset:
        copy = Path(folder) / path.name
        write_dataset(copy, dataset.load().drop_vars("host", errors="ignore"))
        return copy.read_bytes()


def naming_places(files: Mapping[str, Content], places: Mapping[str, str]) -> list[str]:
    """Return the names of the files that still contain the path of a folder of this machine."""
    # A path of one part, such as /root, occurs in many texts with another meaning.
    marks = [place.encode() for place in places if place.count("/") > 1]
    found = []
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        if any(mark in data for mark in marks):
            found.append(name)
    return found
