"""Check an archive's descriptions of itself: its RO-Crate, its citation, its environment."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ruamel.yaml import YAML

from tuning_playbook.archive.described import Record, environments, software, times

CRATE, CITATION, ENVIRONMENT = "ro-crate-metadata.json", "CITATION.cff", "environment.json"
UNDESCRIBED = ("code/", "results/trials/", CRATE)
"""What a crate describes only as a folder, and the crate itself."""


def check_account(payload: Path, records: Mapping[str, Record]) -> Iterator[str]:
    """Yield the wrong statements of the RO-Crate, the citation or the environment.

    Args:
        payload: The folder of the bag's payload.
        records: The trial.json of every trial, by id.
    """
    graph = json.loads((payload / CRATE).read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    names = {path.relative_to(payload).as_posix() for path in payload.rglob("*")}
    for identity, entity in entities.items():
        name = unquote(identity).rstrip("/")
        if {"File", "Dataset"} & set(_list(entity["@type"])) and name not in (*names, "."):
            yield f"{CRATE}: it tells of {name}, which is not there"
    told = {unquote(identity) for identity in entities}
    for name in sorted(names - told):
        if not name.startswith(UNDESCRIBED) and (payload / name).is_file():
            yield f"{CRATE}: it says nothing of {name}"
    for trial in sorted(records):
        if f"results/trials/{trial}/" not in told:
            yield f"{CRATE}: it says nothing of trial {trial}"
    for identity, entity in entities.items():
        if "CreateAction" in _list(entity["@type"]):
            yield from _check_action(identity, entity, records)
    environment = json.loads((payload / ENVIRONMENT).read_text())
    if environment["trained_in"] != environments(records.values()):
        yield f"{ENVIRONMENT}: it is not what the trials recorded"
    root = entities["./"]
    cited = YAML(typ="safe", pure=True).load((payload / CITATION).read_text())
    if (cited["title"], str(cited["date-released"])) != (root["name"], root["datePublished"][:10]):
        yield f"{CITATION}: its title and its date are not those of {CRATE}"


def _check_action(
    identity: str, action: Mapping[str, Any], records: Mapping[str, Record]
) -> Iterator[str]:
    """Yield how a crate's description of a training job differs from its trials' records."""
    made = [unquote(item["@id"]).rstrip("/") for item in _list(action.get("result", []))]
    trained = [records[name.split("/")[-1]] for name in made if name.startswith("results/trials/")]
    if not trained:
        return
    if (action.get("startTime"), action.get("endTime")) != times(trained):
        yield f"{CRATE}: {identity} ran at another time than its trials were trained"
    instruments = {item["@id"] for item in _list(action["instrument"])}
    if (
        instruments - software(trained).keys() == instruments
        or software(trained).keys() - instruments
    ):
        yield f"{CRATE}: {identity} names other software than its trials were trained with"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
