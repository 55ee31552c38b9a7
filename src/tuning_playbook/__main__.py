"""The same work without Snakemake: `tuning-playbook COMMAND`, or `python -m tuning_playbook`."""

import argparse
import contextlib
import json
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from tuning_playbook.analysis.known_plan import known_plan, outdated
from tuning_playbook.errors import (
    INTERRUPTED,
    ChangedDuringRunError,
    InterruptedTrainingError,
    TuningPlaybookError,
    printable,
)
from tuning_playbook.files import write_atomically
from tuning_playbook.planning.artefacts import SETTLED
from tuning_playbook.planning.budget_plan import read_budget
from tuning_playbook.planning.chain import Link, plan_chain
from tuning_playbook.planning.class_signatures import check_class
from tuning_playbook.planning.job_sizes import available_cores, divided_by, with_division
from tuning_playbook.planning.plan import Plan, find_spec, plan_study, request_of, with_proposals
from tuning_playbook.procedures.planned import first_plan, most_of
from tuning_playbook.procedures.procedure_state import concluded_of, is_concluded, planned_rounds
from tuning_playbook.report.budget_lines import (
    budget_lines,
    budget_plan_lines,
    doubt_lines,
    evaluation_lines,
)
from tuning_playbook.report.cannot_tell_lines import cannot_tell_lines
from tuning_playbook.report.import_lines import import_lines
from tuning_playbook.report.taken_lines import taken_lines
from tuning_playbook.study.schema import json_schema

UNCONFIRMED = 3
"""Exit status where nothing is wrong with an archive, but not all of it can be checked here."""

if TYPE_CHECKING:
    from tuning_playbook.dataset.study_status import StudyStatus


def say(line: str, file: TextIO | None = None) -> None:
    """Print a line; nothing in it is obeyed by a terminal."""
    print(printable(line), file=file or sys.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        status = _run(_parser().parse_args(_joined(given)))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has read enough, as `| head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - what is left goes nowhere
        return 0
    except TuningPlaybookError as error:
        say(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except InterruptedTrainingError as error:
        say(str(error), file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    without_plan = {
        "schema": _schema,
        "verify": _verify,
        "reproduce": _reproduce,
        "leftovers": _leftovers,
        "compare": _compare,
        "optuna": _optuna,
    }
    if options.command in without_plan:
        return without_plan[options.command](options)
    if options.command == "check" and options.budget is not None:
        # Before the workload is asked, which may take long.
        options.budget = read_budget(options.budget)
    path = find_spec(options.spec, folder=Path("config/studies"))
    if options.command == "check":
        _check(path, options)
        return 0
    looking = {"status": _status, "watch": _watch}
    if options.command in looking:
        looking[options.command](path, options)
        return 0
    plan = _plan(path, options)
    if options.command == "train":
        check_class(plan)
    with_plan = {"expand": _expand, "train": _train}
    with_plan[options.command](plan, options)
    return 0


def _plan(path: Path, options: argparse.Namespace) -> Plan:
    """Return the plan of a study, with what the results that are there tell of its trials."""
    link = plan_chain([path])[path.stem]
    plan = _settled(link, options.results) if link.earlier else link.plan
    return _with_proposals(_first_round(link, options) if link.procedure else plan, options)


def _with_proposals(plan: Plan, options: argparse.Namespace) -> Plan:
    """Return a plan with its division into jobs, and the trials that its rounds have proposed."""
    name = plan.study.name
    folder = options.results / name
    division = divided_by(options.results, name, available_cores(), trials_per_job=0)
    plan = with_division(plan, division)
    proposals = [folder / item.proposal for item in plan.rounds.values()]
    return with_proposals(plan, [file for file in proposals if file.exists()])


def _first_round(link: Link, options: argparse.Namespace) -> Plan:
    """Return the plan of a procedure's first round, and say what the whole may cost."""
    path = link.plan.study.path
    settled = options.results / path.stem / SETTLED
    spec = settled if link.earlier else path
    if not spec.exists():
        raise TuningPlaybookError(
            f"{path}: takes values from {', '.join(link.names)}, and its rounds follow from them: "
            f"run snakemake --config study={path} first, or say where with --results"
        )
    _, _, plan = first_plan(spec)
    if options.command == "check":
        rounds, trials = most_of(spec, plan)
        say(f"{path}: at most {rounds} rounds and {trials} trials; round 1 is:")
    return plan


def _settled(link: Link, results: Path) -> Plan:
    """Return the plan of a study as it was settled; else as the results of earlier ones have it."""
    path = link.plan.study.path
    settled = results / path.stem / SETTLED
    if settled.exists():
        with contextlib.suppress(ChangedDuringRunError):  # the spec was edited since then
            return plan_study(settled)
    plan = known_plan(link, results)
    if plan is None:
        raise TuningPlaybookError(
            f"{path}: takes values from {', '.join(link.names)}, and their results are not in "
            f"{results}: run snakemake --config study={path} first, or say where with --results"
        )
    return plan


class _Parser(argparse.ArgumentParser):
    """One whose exit status for a wrong call is that of any other bad input."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tuning-playbook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    check = add("check", "read a spec and say what it would train")
    expand = add("expand", "print a spec's trials, one JSON object a line")
    train = add("train", "train a spec's trials in this process, keeping those that are finished")
    status = add("status", "say how far a study is: what is done, running and to come")
    watch = add("watch", "say so again and again, until every trial is done or Ctrl-C")
    verify = add(
        "verify",
        "check an archive: every file, and that each result follows from what it was made of",
    )
    reproduce = add(
        "reproduce", "train trials of an archive again, and say whether the same bits come out"
    )
    leftovers = add(
        "leftovers",
        "list trials that no spec, launch or archive names any more, and remove them if asked to",
    )
    compare = add(
        "compare",
        "decide between two lists of reruns from anywhere: exit status 0 adopt, 3 reject, "
        "4 provisional, 1 bad input",
    )
    optuna = add("optuna", "write a study's trials as a journal that Optuna reads and goes on from")
    add("schema", "print the JSON schema of a study spec, for editors")

    for side in ("candidate", "baseline"):
        compare.add_argument(side, type=Path, help="CSV with the columns seed and objective")
    compare.add_argument("--mode", choices=["min", "max"], required=True)
    compare.add_argument("--min-improvement", type=_not_negative, default=0.0, metavar="X")
    compare.add_argument("--json", action="store_true", help="print a JSON object")
    for command in (check, expand, train, status, watch):
        command.add_argument("spec", help="the study's name, or the path of its spec")
    check.add_argument(
        "--budget",
        metavar="AMOUNT",
        help="also say what the playbook would make of so much, as 200trials, 12h or 90min",
    )
    optuna.add_argument("study", help="the study's name: the folder of its results")
    optuna.add_argument("journal", type=Path, help="the file to write, which must not exist")
    leftovers.add_argument("spec", nargs="+", help="names of studies, or paths of their specs")
    watch.add_argument(
        "--every", type=_positive, default=2.0, metavar="SECONDS", help="between two looks"
    )
    for command in (check, expand, train, status, watch, leftovers, optuna):
        command.add_argument("--results", type=Path, default=Path("results"))
    for command in (verify, reproduce):
        command.add_argument("archive", type=Path, help="the zip file of a study")
    verify.add_argument(
        "--signers",
        type=Path,
        metavar="FILE",
        help="the keys that you trust: check by which of them the archive is signed",
    )
    train.add_argument("--trial", action="append", help="only this id; may be repeated")
    reproduce.add_argument(
        "--trial", action="append", default=[], help="an id, or a place in the study; repeatable"
    )
    reproduce.add_argument("--sample", type=int, default=0, help="so many, drawn at random")
    reproduce.add_argument("--all", action="store_true", help="every trial and rerun")
    reproduce.add_argument("--data", default="", help="the folder of data, for a workload with one")
    reproduce.add_argument(
        "--trust", action="store_true", help="run the archive's own workload without asking"
    )
    for command in (train, reproduce):
        command.add_argument("--threads", type=int, default=1)
    leftovers.add_argument("--remove", action="store_true", help="remove what is listed")
    return parser


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a negative budget joined to its option.

    Otherwise argparse takes it for an option itself, and its message is about that.
    """
    joined: list[str] = []
    for argument in arguments:
        negative = argument.startswith("-") and argument[1:2].isdigit()
        if negative and joined[-1:] == ["--budget"]:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return value


def _positive(text: str) -> float:
    value = _not_negative(text)
    if not value:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _check(path: Path, options: argparse.Namespace) -> None:
    plan, taken = _as_far_as_known(path, options)
    check_class(plan)
    study = plan.study
    counts = plan.trials_per_arm
    to_come = sum(counts.values()) - len(plan.trials)
    more = f", and {to_come} to be proposed in rounds" if to_come else ""
    jobs = len(plan.packs) + sum(len(item.parts) for item in plan.rounds.values())
    for line in taken:
        say(f"  {line}")
    where = ", finished" if study.imported else f", in {jobs} jobs"
    say(f"{study.path}: {len(plan.trials)} trials{more}{where}")
    if study.spec.objective.target is not None:
        say(f"  ranked by: {study.spec.objective.written}")
    for arm in study.arms:
        searched = ", ".join(dimension.name for dimension in arm.dimensions) or "nothing"
        say(f"  {arm.name}: {counts[arm.name]} trials over {searched}")
    for arm_name, trial in plan.expansion.duplicates:
        say(f"  {arm_name}: a configuration equals trial {trial} and is trained once")
    for line in _checked_lines(plan, options):
        say(line)


def _checked_lines(plan: Plan, options: argparse.Namespace) -> Iterator[str]:
    """Yield what a study was read of, or what it costs, what it is advised, what it cannot tell."""
    if plan.study.imported:
        yield from import_lines(plan.study)
    else:
        yield from budget_lines(plan, options.results)
        yield from evaluation_lines(plan)
        yield from doubt_lines(plan)
        yield from (f"advice: {advice}" for advice in plan.advice)
        yield from cannot_tell_lines(plan, options.results)
    if options.budget is not None:
        yield from budget_plan_lines(plan, options.budget, options.results)


def _as_far_as_known(path: Path, options: argparse.Namespace) -> tuple[Plan, list[str]]:
    """Return the plan of a study, and in lines what it takes from the results of earlier ones."""
    chain = plan_chain([path])
    link = chain[path.stem]
    known = known_plan(link, options.results) if link.earlier else link.plan
    if known is None:
        listed = ", ".join(link.names)
        say(f"{path}: the results of {listed} are not known yet; a trial of theirs stands in")
    plan = _first_round(link, options) if link.procedure else known or link.plan
    plan = _with_proposals(plan, options)
    concluded = concluded_of(link, chain, options.results)
    again = outdated(link, chain, options.results, concluded)
    return plan, taken_lines(plan, known=known is not None, outdated=again)


def _schema(options: argparse.Namespace) -> int:
    del options
    say(json.dumps(json_schema(), indent=2))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from tuning_playbook.archive.signature import who_signed  # noqa: PLC0415 - likewise
    from tuning_playbook.archive.verify import verify  # noqa: PLC0415 - slow to import

    archive: Path = options.archive
    maker = who_signed(archive, options.signers)
    found = verify(archive)
    for problem in found.problems:
        say(f"{archive}: {problem}", file=sys.stderr)
    if found.problems:
        return 1
    for line in found.unconfirmed:
        say(f"{archive}: not confirmed: {line}", file=sys.stderr)
    counted = f"{found.files:,} files, {found.trials:,} trials and reruns"
    if found.unconfirmed:
        say(f"{archive}: nothing is wrong with it, but not all is confirmed; {counted}; {maker}")
        return UNCONFIRMED
    say(f"{archive}: whole; {counted}; {maker}")
    for line in found.notes:
        say(f"{archive}: {line}")
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from tuning_playbook.archive.reproduce import reproduce  # noqa: PLC0415 - slow to import

    same = reproduce(
        options.archive,
        named=options.trial,
        sample=options.sample,
        everything=options.all,
        data_folder=options.data,
        threads=options.threads,
        agree=lambda code: options.trust or _agrees(code),
    )
    return 0 if same else 1


def _agrees(code: str) -> bool:
    """Whether a person at a terminal agrees to run code of an archive; nobody else is asked."""
    if not sys.stdin.isatty():
        return False
    say(code)
    return input("Run it? [y/N] ").strip().lower() in ("y", "yes")


def _leftovers(options: argparse.Namespace) -> int:
    from tuning_playbook.archive.leftovers import (  # noqa: PLC0415 - only this command needs it
        find_leftovers,
        remove,
    )

    paths = [find_spec(spec, folder=Path("config/studies")) for spec in options.spec]
    launches = Path("config/launches.csv")
    # Every study is looked through before anything of one is removed.
    found = [find_leftovers(_plan(path, options), options.results, launches) for path in paths]
    trials, size = sum(len(item.trials) for item in found), sum(item.bytes for item in found)
    for leftovers in found:
        for folder in leftovers.trials:
            say(str(folder))
        if options.remove:
            remove(leftovers)
    say(f"{trials:,} trials, {size / 1e6:,.1f} MB{', removed' if options.remove else ''}")
    return 0


def _optuna(options: argparse.Namespace) -> int:
    import xarray as xr  # noqa: PLC0415 - slow to import

    from tuning_playbook.dataset.optuna_journal import (  # noqa: PLC0415 - slow to import
        optuna_journal,
    )

    path = options.results / options.study / "study.nc"
    if not path.exists():
        raise TuningPlaybookError(
            f"{path}: there is no such file: run snakemake --config study={options.study} first, "
            "or say where with --results"
        )
    if options.journal.exists():
        raise TuningPlaybookError(f"{options.journal}: it is there already; give another name")
    with xr.open_dataset(path) as study:
        write_atomically(options.journal, optuna_journal(study.load()))
    say(f"{options.journal}: the study '{options.study}', {study.sizes['trial']} trials")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from tuning_playbook.launches.compare_lists import (  # noqa: PLC0415 - slow to import
        EXIT_STATUS,
        compare_lists,
    )

    found = compare_lists(
        options.candidate,
        options.baseline,
        mode=options.mode,
        min_improvement=options.min_improvement,
    )
    say(json.dumps(found.to_json(), indent=1) if options.json else found.text)
    return EXIT_STATUS[found.decision]


def _expand(plan: Plan, options: argparse.Namespace) -> None:
    del options
    for item in plan.trials:
        place = {"id": item.trial.id, "index": item.index, "arm": item.arm}
        say(json.dumps(place | {"searched": dict(item.searched)} | item.trial.to_json()))


def _train(plan: Plan, options: argparse.Namespace) -> None:
    from tuning_playbook.jobs.pack import train_pack  # noqa: PLC0415 - only this command needs it

    if plan.study.imported:
        raise TuningPlaybookError(f"{plan.study.path}: its trials are finished; nothing to train")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("tuning_playbook").setLevel(logging.INFO)
    wanted = set(options.trial or [item.trial.id for item in plan.trials])
    unknown = wanted - {item.trial.id for item in plan.trials}
    if unknown:
        raise TuningPlaybookError(f"{plan.study.path} has no trial {', '.join(sorted(unknown))}")
    given = plan.study.spec.resources
    for pack in plan.packs.values():
        trials = tuple(trial for trial in pack.trials if trial.id in wanted)
        if trials:
            train_pack(
                request_of(plan, trials),
                options.results / plan.study.name,
                threads=options.threads,
                devices=given.devices,
                gpus=given.gpus,
                nodes=given.nodes,
            )


def _status(path: Path, options: argparse.Namespace) -> None:
    for line in _look(path, options)[0]:
        say(line)


def _watch(path: Path, options: argparse.Namespace) -> None:
    from tuning_playbook.report.watch import watch  # noqa: PLC0415 - only this command needs it

    # Planned anew at each look: results may have settled, proposed or planned further trials.
    watch(lambda: _look(path, options), every=options.every)


def _look(path: Path, options: argparse.Namespace) -> tuple[list[str], bool]:
    """Return how far a study or a procedure is, in lines, and whether nothing more is to come."""
    link = plan_chain([path])[path.stem]
    if link.procedure is None:
        lines, status = _seen(_plan(path, options), options)
        return lines, not status.left
    return _look_at_procedure(link, options)


def _look_at_procedure(link: Link, options: argparse.Namespace) -> tuple[list[str], bool]:
    """Return how far each round of a procedure is, and at last what it concludes."""
    from tuning_playbook.report.last_words import conclusion_words  # noqa: PLC0415 - slow to import

    name = link.plan.study.name
    plans = [_first_round(link, options)]
    for number in planned_rounds(link, options.results):
        file = options.results / name / f"planned/{number}.yaml"
        try:
            plans += [plan_study(file)] if number > 1 else []
        except TuningPlaybookError:
            if file.exists():  # else it is about to be planned anew
                raise
    seen = [_seen(_with_proposals(plan, options), options) for plan in plans]
    lines = [line for told, _ in seen for line in told]
    concluded = is_concluded(link, options.results)
    if concluded:
        lines += conclusion_words(options.results / name)
    # A conclusion does not say that its rounds are not trained again, as after a change of code.
    return lines, concluded and not any(status.running for _, status in seen)


def _seen(plan: Plan, options: argparse.Namespace) -> tuple[list[str], "StudyStatus"]:
    """Return how far a study is, in lines and as it was found."""
    from tuning_playbook.dataset.study_status import study_status  # noqa: PLC0415 - slow to import
    from tuning_playbook.planning.targets import StudyFiles  # noqa: PLC0415 - likewise
    from tuning_playbook.report.last_words import study_words  # noqa: PLC0415 - likewise
    from tuning_playbook.report.status_lines import status_lines  # noqa: PLC0415 - likewise

    if plan.study.imported:
        raise TuningPlaybookError(f"{plan.study.path}: its trials are finished; none is trained")
    status = study_status(plan, options.results)
    folder = options.results / plan.study.name
    reported = StudyFiles(plan, str(folder)).is_current("report", "report.html")
    words = study_words(folder) if reported else []
    return [*status_lines(status), *words], status


if __name__ == "__main__":
    sys.exit(main())
