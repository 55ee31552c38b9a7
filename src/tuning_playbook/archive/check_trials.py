"""Check the trials of an unpacked archive: each is what its fingerprint and its hashes say."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.manifest import SUFFIX, check_manifest
from tuning_playbook.trials.trial import ID_DIGITS, digest


def read_records(results: Path) -> dict[str, dict[str, Any]]:
    """Return the trial.json of every trial by the name of its folder."""
    paths = sorted((results / "trials").glob("*/trial.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def check_trials(results: Path, records: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the records, the numbers and the checkpoints of the trials."""
    for name, record in records.items():
        place = f"trials/{name}"
        fingerprint = digest(record["trial"])
        if record["fingerprint"] != fingerprint or fingerprint[:ID_DIGITS] != name:
            yield f"{place}/trial.json: the fingerprint is not that of the configuration"
        metrics = results / place / "metrics.npz"
        if not metrics.is_file():
            yield f"{place}/metrics.npz: it is missing"
        elif _sha256(metrics) != record["metrics_sha256"]:
            yield f"{place}/metrics.npz: it is not what trial.json recorded"
    for manifest in sorted(results.glob(f"**/checkpoints/*{SUFFIX}")):
        try:
            check_manifest(manifest.parent, manifest.stem)
        except ArtefactError:
            folder = manifest.with_suffix("").relative_to(results).as_posix()
            yield f"{folder}: it is not the checkpoint that was saved"
    models = results / "models.json"
    for model in json.loads(models.read_text()).values() if models.is_file() else ():
        path = results / model["path"]
        if path.is_file() and _sha256(path) != model["sha256"]:
            yield f"{model['path']}: it is not the model that models.json recorded"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
