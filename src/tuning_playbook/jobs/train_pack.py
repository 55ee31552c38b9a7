"""Train the trials of one pack: what a job of the rule `train_pack` runs.

    python -m tuning_playbook.jobs.train_pack results/<study>/packs/<pack>.nc --log LOG

The request stands in the study's `requests.jsonl`: that of a large pack is longer than the
command line of a process may be.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.jobs.job import USUAL, hashed, logged
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.requests import read_request

PATIENCE = 60.0
"""Seconds that a shared file system may take to show a file, as `latency-wait` for Slurm has it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a pack and write its file.

    Raises:
        SystemExit: It failed for a reason that the user can mend.
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
