"""The same work without Snakemake: `python -m tuning_playbook COMMAND`."""

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.search.plan import Plan, find_spec, pack_json, plan_study
from tuning_playbook.spec.shape import json_schema


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "schema":
            print(json.dumps(json_schema(), indent=2))
            return 0
        path = find_spec(options.spec, folder=Path("config/studies"))
        plan = plan_study(path)
        {"check": _check, "expand": _expand, "train": _train}[options.command](plan, options)
    except TuningPlaybookError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tuning_playbook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "check": "read a spec and say what it would train",
        "expand": "print a spec's trials, one JSON object a line",
        "train": "train a spec's trials in this process, keeping those that are finished",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("spec", help="the study's name, or the path of its spec")
        command.add_argument("--results", type=Path, default=Path("results"))
        if name == "train":
            command.add_argument("--trial", action="append", help="only this id; may be repeated")
            command.add_argument("--threads", type=int, default=1)
    commands.add_parser("schema", help="print the JSON schema of a study spec, for editors")
    return parser


def _check(plan: Plan, options: argparse.Namespace) -> None:
    del options
    study = plan.study
    print(f"{study.path}: {len(plan.trials)} trials in {len(plan.packs)} jobs")
    for arm in study.arms:
        searched = ", ".join(dimension.name for dimension in arm.dimensions) or "nothing"
        print(f"  {arm.name}: {sum(i.arm == arm.name for i in plan.trials)} trials over {searched}")
    for arm_name, trial in plan.expansion.duplicates:
        print(f"  {arm_name}: a configuration equals trial {trial} and is trained once")


def _expand(plan: Plan, options: argparse.Namespace) -> None:
    del options
    for item in plan.trials:
        place = {"id": item.trial.id, "index": item.index, "arm": item.arm}
        print(json.dumps(place | {"searched": dict(item.searched)} | item.trial.to_json()))


def _train(plan: Plan, options: argparse.Namespace) -> None:
    from tuning_playbook.training.pack import (  # noqa: PLC0415 - only this command needs it
        request_from_json,
        train_pack,
    )

    logging.basicConfig(format="%(message)s")
    logging.getLogger("tuning_playbook").setLevel(logging.INFO)
    wanted = set(options.trial or [item.trial.id for item in plan.trials])
    unknown = wanted - {item.trial.id for item in plan.trials}
    if unknown:
        raise TuningPlaybookError(f"{plan.study.path} has no trial {', '.join(sorted(unknown))}")
    for pack in plan.packs.values():
        request = request_from_json(pack_json(plan, pack))
        trials = tuple(trial for trial in request.trials if trial.id in wanted)
        if trials:
            chosen = dataclasses.replace(request, trials=trials)
            train_pack(chosen, options.results / plan.study.name, threads=options.threads)


if __name__ == "__main__":
    sys.exit(main())
