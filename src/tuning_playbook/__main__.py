"""The same work without Snakemake: `tuning-playbook COMMAND`, or `python -m tuning_playbook`."""

import argparse
import json
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from tuning_playbook.errors import (
    INTERRUPTED,
    InterruptedTrainingError,
    TuningPlaybookError,
    nearest,
    printable,
)
from tuning_playbook.files import write_atomically, write_json
from tuning_playbook.planning.budget_plan import read_budget
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.class_signatures import check_class
from tuning_playbook.planning.plan import Plan, find_spec, request_of
from tuning_playbook.planning.probes import probes_of
from tuning_playbook.procedures.found_plan import found_plan, found_plans, found_procedure
from tuning_playbook.procedures.planned import has_rounds
from tuning_playbook.procedures.procedure_state import is_concluded
from tuning_playbook.report.check_lines import check_lines
from tuning_playbook.report.probe_lines import probe_status_lines
from tuning_playbook.study.schema import json_schema

UNCONFIRMED = 3
"""Exit status where nothing is wrong with an archive, but not all of it can be checked here."""

if TYPE_CHECKING:
    from tuning_playbook.dataset.study_status import StudyStatus


ENDED_BY_HAND = 130
"""Exit status after Ctrl-C, as shells have it."""


def say(line: str, file: TextIO | None = None) -> None:
    """Print a line, with the control characters in it escaped."""
    print(printable(line), file=file or sys.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        status = _run(_parser().parse_args(_joined(given)))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - discards the rest
        return 0
    except TuningPlaybookError as error:
        say(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except InterruptedTrainingError as error:
        say(str(error), file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        return ENDED_BY_HAND


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
        # Read it first: describing the workload may take long.
        options.budget = read_budget(options.budget)
    path = find_spec(options.spec, folder=Path("config/studies"))
    if options.command == "check":
        for line in check_lines(path, options.results, options.budget):
            say(line)
        return 0
    looking = {"status": _status, "watch": _watch}
    if options.command in looking:
        looking[options.command](path, options)
        return 0
    plan = found_plan(path, options.results)
    with_plan = {"expand": _expand, "train": _train, "profile": _profile}
    with_plan[options.command](plan, options)
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that exits with the same status for a wrong call as for any other bad input."""

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
    watch = add("watch", "print the status again and again, until every trial is done or Ctrl-C")
    profile = add(
        "profile",
        "say whether a trial waits for its input, and write a trace of some steps for Perfetto",
    )
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
    for command in (check, expand, train, status, watch, profile):
        command.add_argument("spec", help="the study's name, or the path of its spec")
    check.add_argument(
        "--budget",
        metavar="AMOUNT",
        help="also say how the playbook would spend a budget, as 200trials, 12h or 90min",
    )
    optuna.add_argument("study", help="the study's name: the folder of its results")
    optuna.add_argument("journal", type=Path, help="the file to write, which must not exist")
    leftovers.add_argument("spec", nargs="+", help="names of studies, or paths of their specs")
    status.add_argument(
        "--html",
        action="store_true",
        help="also write a report of what there is so far, beside where report.html will be",
    )
    watch.add_argument(
        "--every", type=_positive, default=2.0, metavar="SECONDS", help="between two looks"
    )
    profile.add_argument("--trial", help="its id; the first trial where it is left out")
    profile.add_argument(
        "--seconds",
        type=_positive,
        default=10.0,
        help="about how long to measure; compiling and the trace take extra time",
    )
    for command in (check, expand, train, status, watch, profile, leftovers, optuna):
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
    reproduce.add_argument("--sample", type=int, default=0, help="this many, drawn at random")
    reproduce.add_argument("--all", action="store_true", help="every trial and rerun")
    reproduce.add_argument("--data", default="", help="the folder of data, for a workload with one")
    reproduce.add_argument(
        "--trust", action="store_true", help="run the archive's own workload without asking"
    )
    for command in (train, profile, reproduce):
        command.add_argument("--threads", type=int, default=1)
    leftovers.add_argument("--remove", action="store_true", help="remove what is listed")
    return parser


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a negative budget joined to its option.

    Without that argparse takes the budget for an option, and its message is misleading.
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
    """Return whether a person at a terminal agrees to run an archive's code; without one, False."""
    if not sys.stdin.isatty():
        return False
    say(code)
    try:
        return input("Run it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def _leftovers(options: argparse.Namespace) -> int:
    from tuning_playbook.archive.leftovers import (  # noqa: PLC0415 - only this command needs it
        check_idle,
        find_leftovers,
        remove,
    )

    paths = [find_spec(spec, folder=Path("config/studies")) for spec in options.spec]
    launches = Path("config/launches.csv")
    # Check every study before removing anything.
    found = [
        find_leftovers(plan, options.results, launches)
        for path in paths
        for plan in found_plans(path, options.results)
    ]
    trials, size = sum(len(item.trials) for item in found), sum(item.bytes for item in found)
    for leftovers in found if options.remove else ():
        check_idle(leftovers.trials)
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
            f"{path}: there is no such file: run snakemake --config "
            f"study={options.study.partition('/')[0]} first, "
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
    from tuning_playbook.jobs.train_plan import train_plan  # noqa: PLC0415 - only this needs it

    logging.basicConfig(format="%(message)s")
    logging.getLogger("tuning_playbook").setLevel(logging.INFO)
    train_plan(plan, options.results, only=options.trial or (), threads=options.threads)


def _profile(plan: Plan, options: argparse.Namespace) -> None:
    from tuning_playbook.jobs.environment import Resources, prepare  # noqa: PLC0415 - likewise
    from tuning_playbook.report.profile_lines import (  # noqa: PLC0415 - likewise
        profile_json,
        profile_lines,
    )

    study = plan.study
    if study.imported or study.workload.is_command:
        trainer = "another tool" if study.imported else "a command"
        raise TuningPlaybookError(
            f"{study.path}: its trials are trained by {trainer}, and only a trial that this "
            "project trains itself can be profiled; use the profiler of that trainer"
        )
    given = study.spec.resources
    if given.nodes > 1:
        raise TuningPlaybookError(
            f"{study.path}: its jobs have {given.nodes} nodes (resources.nodes), and a profile is "
            "made on one: profile a copy of the spec with resources: {nodes: 1}"
        )
    trials = {item.trial.id: item.trial for item in plan.trials}
    wanted = options.trial or next(iter(trials))
    if wanted not in trials:
        raise TuningPlaybookError(f"{study.path} has no trial {wanted}{nearest(wanted, trials)}")
    check_class(plan)
    prepare(Resources(options.threads, given.devices, given.gpus))
    # JAX is imported after its environment is set.
    from tuning_playbook.jobs.profile_trial import profile_trial  # noqa: PLC0415

    folder = options.results / study.name / "profiles" / wanted
    found = profile_trial(request_of(plan, (trials[wanted],)), folder, seconds=options.seconds)
    write_json(folder / "profile.json", profile_json(found))
    for line in profile_lines(found):
        say(line)


def _status(path: Path, options: argparse.Namespace) -> None:
    plans = found_plans(path, options.results)
    seen = [_seen(plan, options) for plan in plans]
    for line in _progress(path, options, seen)[0]:
        say(line)
    if options.html:
        for line in _write_so_far(plans, [status for _, status in seen], options):
            say(line)


def _watch(path: Path, options: argparse.Namespace) -> None:
    from tuning_playbook.report.watch import watch  # noqa: PLC0415 - only this command needs it

    # Plan anew at each look: new results may have settled, proposed or planned further trials.
    watch(lambda: _look(path, options), every=options.every)


def _look(path: Path, options: argparse.Namespace) -> tuple[list[str], bool]:
    """Return how far a study or a procedure is, in lines, and whether nothing is left to do."""
    return _progress(
        path, options, [_seen(plan, options) for plan in found_plans(path, options.results)]
    )


def _progress(
    path: Path, options: argparse.Namespace, seen: Sequence[tuple[list[str], "StudyStatus"]]
) -> tuple[list[str], bool]:
    """Return how far a study or each round of a procedure is, then what the procedure concludes."""
    from tuning_playbook.report.last_words import conclusion_words  # noqa: PLC0415 - slow to import

    link = plan_chain([path])[path.stem]
    if link.procedure is None:
        ((lines, status),) = seen
        return lines, not status.left
    lines = [line for study_lines, _ in seen for line in study_lines]
    if not has_rounds(link.procedure):
        probes = probes_of(found_procedure(link, options.results))
        lines = probe_status_lines(path, probes, options.results / link.plan.study.name)
    concluded = is_concluded(link, options.results)
    if concluded:
        lines += conclusion_words(options.results / link.plan.study.name)
    # Even after a conclusion its rounds may train again, for example after a change of code.
    return lines, concluded and not any(status.running for _, status in seen)


def _write_so_far(
    plans: Sequence[Plan], found: Sequence["StudyStatus"], options: argparse.Namespace
) -> Iterator[str]:
    """Write a report of the results so far for each study without a full report; yield its path.

    Raises:
        ArtefactError: The one study, or the first round, has no result yet.
    """
    from tuning_playbook.planning.targets import StudyFiles  # noqa: PLC0415 - slow to import
    from tuning_playbook.report.so_far import (  # noqa: PLC0415 - likewise
        FILE,
        report_so_far,
        what_there_is,
    )
    from tuning_playbook.report.status_lines import how_far  # noqa: PLC0415 - likewise

    for number, (plan, status) in enumerate(zip(plans, found, strict=True)):
        folder = options.results / plan.study.name
        if StudyFiles(plan, str(folder)).is_current("report", "report.html"):
            yield f"the report is complete: {folder / 'report.html'}"
        elif number == 0 or status.part("search", "done", "infeasible"):
            there = what_there_is(plan, options.results)
            html = report_so_far(there, options.results, said=how_far(status))
            write_atomically(folder / FILE, html)
            yield f"report of what there is so far: {folder / FILE}"


def _seen(plan: Plan, options: argparse.Namespace) -> tuple[list[str], "StudyStatus"]:
    """Return how far a study is, in lines, and its status."""
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
