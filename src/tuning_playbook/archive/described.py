"""An archive's description of itself, in the terms of every standard."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.archive.machine import SAME_BITS

Record = Mapping[str, Any]
"""A trial.json."""

README = """\
# {title}

    {goal}

- `results/report.html`: the report, for a browser
- `results/study.nc`, `results/reruns.nc`: all trials and reruns; `xarray.open_dataset` reads them
- `results/replicates.nc`, where it is there: the trials of repeats of the whole search
- `results/`: packs, checklist, decision, plots; configuration and numbers of each trial
- `spec/`: the study's spec
- `code/`: the code as it stood, with the packages that it needs (`requirements.lock`)
- `ro-crate-metadata.json`: what each file is, and which job made it from what (RO-Crate)
- `archive.json`, `environment.json`: workload, data and their licence; software and machine

This is the payload of a BagIt bag: `sha256sum -c manifest-sha256.txt` in the folder above checks
every file. With the package in `code/` installed, `python -m tuning_playbook verify` checks that
each result follows from what it was made of, and `python -m tuning_playbook reproduce` trains
trials again.
"""


@dataclass(frozen=True)
class Described:
    """A study as people see it who find its archive.

    Attributes:
        study: Its name.
        goal: The question that it answers.
        spec: The names of its spec and of the files beside it.
        author: The named author; empty if there is none.
        license: The licence of the results: an SPDX identifier or an address; empty if none is
            stated.
        published: When the last of its results was made, in ISO 8601.
        commit: The commit of the code; empty if it is not known.
        snakemake: The version of Snakemake.
    """

    study: str
    goal: str
    spec: tuple[str, ...]
    author: str
    license: str
    published: str
    commit: str
    snakemake: str

    @property
    def title(self) -> str:
        """Return the study's title for citations."""
        return f"Hyperparameter study {self.study}"

    @property
    def readme(self) -> str:
        """Return a text that explains to a stranger which file is where."""
        return README.format(title=self.title, goal=" ".join(self.goal.split()))


def times(records: Iterable[Record]) -> tuple[str, str] | None:
    """Return when the training of some trials began and ended; None if there are none."""
    provenances = [record["provenance"] for record in records]
    if not provenances:
        return None
    return (
        min(provenance["started"] for provenance in provenances),
        max(provenance["finished"] for provenance in provenances),
    )


def software(records: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """Return the software that trials were trained with, by address: name and version."""
    found = {}
    for record in records:
        provenance = record["provenance"]
        version = provenance["python"]
        found[f"https://docs.python.org/release/{version}/"] = ("Python", version)
        for name, version in sorted(provenance["versions"].items()):
            found[f"https://pypi.org/project/{name}/{version}/"] = (name, version)
    return found


def environments(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the machines and software that trials were trained on, with counts."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        facts = {name: record["provenance"].get(name) for name in (*SAME_BITS, "versions")}
        key = json.dumps(facts, sort_keys=True)
        found.setdefault(key, facts | {"trials": 0})["trials"] += 1
    return [found[key] for key in sorted(found)]
