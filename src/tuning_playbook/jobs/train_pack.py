"""Train the trials of one pack: what a job of the rule `train_pack` runs.

    python -m tuning_playbook.jobs.train_pack results/<study>/packs/<pack>.nc --log LOG

The request stands in the study's `requests.jsonl`: that of a large pack is longer than the
command line of a process may be.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.dataset.pack_file import write_pack
from tuning_playbook.jobs.job import USUAL, logged
from tuning_playbook.jobs.pack import request_from_json, train_pack
from tuning_playbook.planning.requests import read_request

PATIENCE = 60.0
"""Seconds that a shared file system may take to show a file, as `latency-wait` for Slurm has it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a pack, write its file, and log both.

    Raises:
        SystemExit: It failed for a reason that the user can mend.
    """
    options = parser().parse_args(arguments)
    with logged(options.log):
        study = options.output.parents[1]  # <study>/packs/<pack>.nc
        request = request_from_json(read_request(study, options.output.stem, patience=PATIENCE))
        results = train_pack(
            request,
            study,
            threads=options.threads,
            devices=options.devices,
            gpus=options.gpus,
            nodes=options.nodes,
        )
        write_pack(options.output, results)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line: what it does not say is as `job.USUAL` has it."""
    options = argparse.ArgumentParser(prog="python -m tuning_playbook.jobs.train_pack")
    options.add_argument("output", type=Path)
    options.add_argument("--log", required=True)
    options.add_argument("--threads", type=int, default=1)
    for name, usual in USUAL.items():
        options.add_argument(f"--{name}", type=int, default=usual)
    return options


if __name__ == "__main__":
    main()
