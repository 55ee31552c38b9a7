"""What the training jobs of a study are asked for, in one file that each finds its line in.

A study that is planned writes it and a training job reads it: neither a spec nor a plan is known
here, as a training job knows neither.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.files import write_atomically

NAME = "requests.jsonl"


def write_requests(study: Path, requests: Mapping[str, str]) -> None:
    """Write the requests of a study's packs, unless they stand there already.

    Args:
        study: The study's folder of results.
        requests: Those of its packs, by their ids, each as `plan.pack_json` writes it.
    """
    path = study / NAME
    content = "".join(_line(pack, request) for pack, request in requests.items()).encode()
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def read_request(study: Path, pack: str) -> str:
    """Return the request of a pack, as `training.pack.request_from_json` takes it.

    Args:
        study: The study's folder of results.
        pack: Its id.

    Raises:
        ChangedDuringRunError: The study has no such pack, or none that Snakemake told of.
    """
    path = study / NAME
    begin = _line(pack, "").partition("}")[0]
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(begin):
                    return json.dumps(json.loads(line)["request"])
    raise ChangedDuringRunError(
        f"{path} has no pack {pack}: the spec, or the code or data behind it, changed after this "
        "job was planned; run snakemake again, without --no-hooks"
    )


def _line(pack: str, request: str) -> str:
    return f'{{"pack":"{pack}","request":{request}}}\n'
