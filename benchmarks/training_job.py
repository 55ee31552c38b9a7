"""Run the workflow's own program of a training job, as Snakemake would.

python -m benchmarks.training_job STUDY_FOLDER THREADS < request.json
"""

import json
import sys
from pathlib import Path

from tuning_playbook.jobs import train_pack
from tuning_playbook.planning.requests import write_requests
from tuning_playbook.trials.request import request_from_json

PACK, LOG = "pack", "train.log"


def main(study: Path, threads: int) -> None:
    """Train the pack whose request stands on the standard input."""
    write_requests(study, {PACK: request_from_json(json.load(sys.stdin))})
    output = study / "packs" / f"{PACK}.nc"
    train_pack.main([str(output), "--log", str(study / LOG), "--threads", str(threads)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
