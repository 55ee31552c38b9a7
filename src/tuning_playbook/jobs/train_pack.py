"""Train the trials of one pack: what a job of the rule `train_pack` runs.

    python -m tuning_playbook.jobs.train_pack results/<study>/packs/<pack>.nc --log LOG

The request is in the study's `requests.jsonl`, because a large pack's request may be longer than a
command line can be.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.jobs.job import USUAL, hashed, logged
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.requests import read_request

PATIENCE = 60.0
"""Seconds to wait for a file on a shared file system, like `latency-wait` for Slurm."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a pack and write its file.

    Raises:
        SystemExit: It failed for a reason that the user can fix.
    """
    options = parser().parse_args(arguments)
    study = options.output.parents[1]  # <study>/packs/<pack>.nc
    with logged(options.log), hashed(study, (), [options.output]):
        request = read_request(study, options.output.stem, patience=PATIENCE)
        train_pack(
            request,
            study,
            options.output,
            threads=options.threads,
            devices=options.devices,
            gpus=options.gpus,
            nodes=options.nodes,
        )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; missing options have the values of `job.USUAL`."""
    options = argparse.ArgumentParser(prog="python -m tuning_playbook.jobs.train_pack")
    options.add_argument("output", type=Path)
    options.add_argument("--log", required=True)
    options.add_argument("--threads", type=int, default=1)
    for name, usual in USUAL.items():
        options.add_argument(f"--{name}", type=int, default=usual)
    return options


if __name__ == "__main__":
    main()
