"""The requests for the training jobs of a study, in one file with a line for each job.

Planning a study writes the file and a training job reads it. This module knows neither specs nor
plans, because a training job does not.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from tuning_playbook.errors import ArtefactError, ChangedDuringRunError
from tuning_playbook.files import write_atomically
from tuning_playbook.trials.request import PackRequest, request_from_json
from tuning_playbook.trials.trial import pack_id

NAME = "requests.jsonl"


def write_requests(study: Path, requests: Mapping[str, PackRequest]) -> None:
    """Write the requests of a study's packs, unless the file has them already.

    Args:
        study: The study's folder of results.
        requests: Those of its packs, by their ids.
    """
    path = study / NAME
    content = "".join(_line(pack, request) for pack, request in requests.items()).encode()
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def read_request(study: Path, pack: str, *, patience: float = 0.0) -> PackRequest:
    """Return the request of a pack.

    Args:
        study: The study's folder of results.
        pack: Its id.
        patience: Seconds to wait for a shared file system to show what was written.

    Raises:
        ArtefactError: The request has other trials than those in the name of the pack.
        ChangedDuringRunError: The study has no such pack, or Snakemake did not announce it.
    """
    path = study / NAME
    deadline = time.monotonic() + patience
    while (found := _find(path, pack)) is None:
        if time.monotonic() >= deadline:
            raise ChangedDuringRunError(
                f"{path} has no pack {pack}: the spec, or the code or data behind it, changed "
                "after this job was planned; run snakemake again, without --no-hooks"
            )
        time.sleep(1.0)
    if pack_id(sorted(trial.id for trial in found.trials)) != pack:
        raise ArtefactError(
            f"{path}: it asks for other trials than those of the pack {pack}, so it was edited; "
            "run snakemake again, which writes it anew"
        )
    return found


def _find(path: Path, pack: str) -> PackRequest | None:
    begin = f'{{"pack":{json.dumps(pack)},'
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(begin):
                    return request_from_json(json.loads(line))
    return None


def _line(pack: str, request: PackRequest) -> str:
    content = {"pack": pack, **request.to_json()}
    return json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n"
