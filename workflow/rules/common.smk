"""The studies, and what the rules need from their plans.

The package is imported from this checkout, also by jobs that have their own conda environment.
"""

import functools
import gc
import sys
from pathlib import Path
from types import SimpleNamespace

# The objects made below live until the end, so garbage collection would only cost time.
gc.disable()

# Relative to this file, whichever Snakefile was launched.
CODE = str(Path(str(workflow.current_basedir)).parents[1] / "src")
sys.path.insert(0, CODE)

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from tuning_playbook.archive.settings import archive_settings
from tuning_playbook.errors import TuningPlaybookError, printable
from tuning_playbook.jobs.job import share_code
from tuning_playbook.planning.artefacts import ARTEFACTS, SETTLED
from tuning_playbook.planning.campaign_file import campaign_file
from tuning_playbook.planning.chain import Link
from tuning_playbook.planning.class_signatures import check_class
from tuning_playbook.planning.configuration import (
    asked_for,
    is_forced,
    plan_studies,
    results_folder,
    trials_per_job,
)
from tuning_playbook.planning.incomplete import use_of_incomplete
from tuning_playbook.planning.job_sizes import (
    available_cores,
    divided_by,
    keep_division,
    short_jobs,
    with_division,
)
from tuning_playbook.planning.looks_only import looks_only
from tuning_playbook.planning.own_folder import check_own_folder
from tuning_playbook.planning.plan import check_trials, requests_of
from tuning_playbook.planning.probes import probe_plan
from tuning_playbook.planning.requests import write_requests
from tuning_playbook.planning.set_aside import folders_of, give_way
from tuning_playbook.planning.settle import settled_plan
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.procedures.planned import first_plan, has_rounds, most_rounds
from tuning_playbook.procedures.procedure_state import concluded_of, planned_rounds
from tuning_playbook.study.planned_round import ROUND, round_name

share_code(CODE)

# Whether no job runs, so that nothing may change.
LOOKS_ONLY = workflow.output_settings.dryrun or looks_only(sys.argv[1:])


def give_back(folder, trials):
    """Give trials their own numbers back from a pack that is about to be removed."""
    from tuning_playbook.dataset.kept import give_numbers_back

    give_numbers_back(folder, trials)


def cores_here():
    """The cores of this machine that may train; None on a cluster."""
    try:
        cores = workflow.cores
    except WorkflowError:
        return None
    if workflow.output_settings.dryrun and cores == 1:
        # Every dry run has one core. With --jobs it is a dry run of a cluster.
        return None if workflow.resource_settings.nodes else available_cores()
    return cores


try:
    RESULTS = results_folder(config)
    FORCE = is_forced(config)
    INCOMPLETE = use_of_incomplete(config)
    ARCHIVES = archive_settings(config)
    TRIALS_PER_JOB = trials_per_job(config)
    CHAIN = plan_studies(config, folder=Path("config/studies"))
    PROCEDURES = {name: link for name, link in CHAIN.items() if link.procedure}
    # A report of the results so far plans no further round, so it reaches no conclusion.
    CONCLUDED = [] if INCOMPLETE == "report" else list(PROCEDURES)
    # The first round of a procedure is known, unless it waits for an earlier study.
    FIRST_ROUNDS = {
        round_name(name, 1): first_plan(link.plan.study.path)
        for name, link in PROCEDURES.items()
        if not link.earlier and has_rounds(link.procedure)
    }
    # Procedures without rounds conclude from probes, and train nothing.
    PROBED = [name for name, link in PROCEDURES.items() if not has_rounds(link.procedure)]
    for name in PROBED:
        if not PROCEDURES[name].earlier:
            probe_plan(PROCEDURES[name].plan.study.path)
    STUDIES = {name: link for name, link in CHAIN.items() if not link.procedure}
    STUDIES |= {name: Link(plan, {}, "") for name, (_, _, plan) in FIRST_ROUNDS.items()}
    ASKED_FOR = [path.stem for path in asked_for(config, folder=Path("config/studies"))]
    if workflow.is_main_process:
        for name, link in CHAIN.items():
            check_own_folder(Path(RESULTS), name, link.plan.study.path)
        for folder in folders_of(Path(RESULTS), CHAIN):
            for line in give_way(folder, give_back, dry=LOOKS_ONLY):
                logger.warning(printable(line))
    for name, link in STUDIES.items():
        division = divided_by(Path(RESULTS), name, cores_here(), TRIALS_PER_JOB)
        STUDIES[name] = link.divided(division)
        if workflow.is_main_process:  # a job does not expand all studies again
            check_trials(STUDIES[name].plan)
            check_class(STUDIES[name].plan)
except TuningPlaybookError as error:
    sys.exit(f"{type(error).__name__}: {error}")
except KeyboardInterrupt:
    sys.exit(130)

if workflow.is_main_process:  # jobs parse this file too, and give no advice
    from tuning_playbook.analysis.known_plan import known_plan, outdated
    from tuning_playbook.planning.retraining import retraining_lines
    from tuning_playbook.report.budget_lines import budget_lines, doubt_lines
    from tuning_playbook.report.cannot_tell_lines import cannot_tell_lines
    from tuning_playbook.report.exhausted_lines import exhausted_lines
    from tuning_playbook.report.taken_lines import taken_lines

    for link in STUDIES.values():
        try:
            known = known_plan(link, Path(RESULTS)) if link.earlier else link.plan
        except TuningPlaybookError:  # `settle_study` reports it, unless an earlier study runs again
            known = None
        plan, said = known or link.plan, link.plan.study.path
        concluded = concluded_of(link, CHAIN, Path(RESULTS))
        again = outdated(link, CHAIN, Path(RESULTS), concluded) if known else ()
        for line in taken_lines(plan, known=known is not None, outdated=again):
            logger.info(printable(f"{said}: {line}"))
        for line in doubt_lines(plan):
            logger.warning(printable(f"{said}: {line}"))
        for advice in plan.advice:
            logger.warning(printable(f"{said}: {advice}"))
        if not plan.study.imported:
            lines = "\n".join(budget_lines(plan, Path(RESULTS)))
            logger.info(printable(f"{said}: {lines}"))
            for line in exhausted_lines(plan):
                logger.warning(printable(f"{said}: {line}"))
            if unanswered := "\n".join(cannot_tell_lines(plan, Path(RESULTS))):
                logger.warning(printable(f"{said}: {unanswered}"))
        if not link.plan.study.imported and not link.earlier:
            if cores_here() is None and (word := short_jobs(link.plan, Path(RESULTS))):
                logger.warning(printable(f"{link.plan.study.path}: {word}"))
            for line in retraining_lines(link.plan, Path(RESULTS) / link.plan.study.name):
                logger.warning(printable(f"{link.plan.study.path}: {line}"))

# The plans live until the end; planning the jobs makes many objects that do not.
gc.freeze()
gc.enable()

STUDY = f"{RESULTS}/{{study}}"

# The resources of a job that trains nothing.
USUAL = {"mem_mb": 2000, "runtime": 30}

# Studies whose trials are trained here, and those whose trials are imported.
NO_STUDY = "(?!)"
NAMES = "|".join(name for name in STUDIES if name not in FIRST_ROUNDS) or NO_STUDY
ROUNDS = f"(?:{'|'.join(PROCEDURES) or NO_STUDY})/rounds/[0-9]+"
IMPORTED_STUDIES = {name for name, link in STUDIES.items() if link.plan.study.imported}
TRAINED = "|".join([*(name for name in STUDIES if name not in IMPORTED_STUDIES), ROUNDS])
IMPORTED = "|".join(name for name in STUDIES if name in IMPORTED_STUDIES) or NO_STUDY

TAKEN_FROM_EARLIER = any(link.earlier for link in CHAIN.values())


wildcard_constraints:
    study=f"{NAMES}|{ROUNDS}",
    procedure="|".join(PROCEDURES) or NO_STUDY,
    number="[0-9]+",
    pack="[0-9a-f]{10}",
    rerun="[A-Za-z0-9.-]+",
    round="[A-Za-z0-9.-]+-[0-9]+",
    part="[0-9]+",
    axis="[a-z0-9_]+([.][A-Za-z0-9.-]+)?",
    stage="|".join([*(stage.name for stage in ARTEFACTS), "planned", "probed", "concluded"]),
    key="[0-9a-f]{10}",


def spec_of(study):
    """The file that a study is planned from: its settled spec where it takes from earlier ones.

    The file of a round is written when the round is planned.
    """
    if round_ := ROUND.fullmatch(study):
        return f"{RESULTS}/{round_[1]}/planned/{round_[2]}.yaml"
    link = CHAIN[study]
    return f"{RESULTS}/{study}/{SETTLED}" if link.earlier else str(link.plan.study.path)


def link_of(study):
    """What is known of a study beforehand; for a round, of its procedure."""
    round_ = ROUND.fullmatch(study)
    return CHAIN[round_[1] if round_ else study]


KEPT = {}


def plan_of(study):
    """The plan of a study; the caller waits for the results that it takes from earlier ones."""
    if study in STUDIES and not STUDIES[study].earlier:
        return STUDIES[study].plan
    if workflow.is_main_process:  # a job starts only when the results are there
        if round_ := ROUND.fullmatch(study):
            if INCOMPLETE != "report" or not Path(spec_of(study)).exists():
                checkpoints.plan_round.get(procedure=round_[1], number=round_[2])
        elif workflow.dryrun and (foreseen := foreseen_plan(study)):
            return foreseen
        else:
            checkpoints.settle_study.get(study=study)
    return divided_plan(study)


def divided_plan(study):
    """The plan of a study that is settled, or of a round, with its trials divided into jobs."""
    settled = settled_plan(Path(spec_of(study)))
    if study not in KEPT or KEPT[study][0] is not settled:
        plan = with_division(settled, division_of(study))
        KEPT[study] = settled, plan
        if workflow.is_main_process and not LOOKS_ONLY:
            keep_for_jobs(Path(RESULTS) / study, plan)
    return KEPT[study][1]


def division_of(study):
    """How the trials of a study are divided into jobs."""
    if study in STUDIES:
        return STUDIES[study].division
    return divided_by(Path(RESULTS), study, cores_here(), TRIALS_PER_JOB)


def keep_for_jobs(folder, plan):
    """Write which trials each training job has, and its request."""
    keep_division(plan, folder)
    if requests := requests_of(plan):
        write_requests(folder, requests)


@functools.cache
def foreseen_plan(study):
    """The plan that `settle_study` will write; None where a result is still to come.

    With it a dry run shows the jobs of a study; without it, it would end at `settle_study`.
    """
    from tuning_playbook.analysis.known_plan import is_certain, known_plan

    try:
        link = STUDIES[study]
        concluded = concluded_of(link, CHAIN, Path(RESULTS))
        certain = is_certain(link, CHAIN, Path(RESULTS), concluded)
        plan = known_plan(link, Path(RESULTS)) if certain else None
        return plan and with_division(plan, link.division)
    except TuningPlaybookError:  # `settle_study` reports it
        return None


def targets_of_procedure(procedure):
    """All files of a procedure beside its rounds. Only with a procedure do its rules exist."""
    folder = f"{RESULTS}/{procedure}"
    made = [f"{folder}/{name}" for name in ("conclusion.json", "conclusion.nc", "report.html")]
    link = CHAIN[procedure]

    def stamps(wildcards):
        wanted = SimpleNamespace(procedure=procedure)
        settled = [settled_stamp(procedure)] if link.earlier else []
        planned = stamp_of_probes(procedure) if procedure in PROBED else planning_stamp(wanted)
        return [
            *settled,
            planned,
            *(all_probes(wanted) if procedure in PROBED else []),
            conclusion_stamp(wanted),
            *conclusion_plots(wanted),
        ]

    return [*made, f"{folder}/next_study.yaml", stamps]


FILES = {}


def files_of(study):
    """The files of a study."""
    plan = plan_of(study)
    if study not in FILES or FILES[study].plan is not plan:
        FILES[study] = StudyFiles(plan, f"{RESULTS}/{study}", INCOMPLETE)
    return FILES[study]


def settled_stamp(study):
    """The stamp that says what a study's settled spec is to be made from."""
    return f"{RESULTS}/{study}/current/settled-{CHAIN[study].key}"


def targets_of(study):
    """All files of a study, as a function: only a run that wants them all expands all studies."""

    def targets(wildcards):
        settled = [settled_stamp(study)] if study in CHAIN and CHAIN[study].earlier else []
        return [*files_of(study).artefacts, *files_of(study).stamps, *settled]

    return targets


def of_rounds(get):
    """What `get` returns for each round of every procedure, as functions: later ones follow."""
    return [
        (lambda wildcards, name=name, number=number: if_planned(name, number, get))
        for name, link in PROCEDURES.items()
        for number in range(1, most_rounds(link.procedure) + 1)
    ]


def if_planned(procedure, number, get):
    """What `get` returns for the name of a round; nothing once its procedure has concluded."""
    name = round_name(procedure, number)
    if INCOMPLETE == "report":
        return get(name) if is_begun(procedure, number) else []
    return get(name) if name in STUDIES or number in rounds_of(procedure, number) else []


def is_begun(procedure, number):
    """Whether a round is planned and has a result; the first one is always reported."""
    if number not in planned_rounds(PROCEDURES[procedure], Path(RESULTS)):
        return False
    return number == 1 or files_of(round_name(procedure, number)).there != ()


def of_all(name):
    """One file of every study and of every round that there is, or will be."""
    known = [f"{RESULTS}/{study}/{name}" for study in STUDIES if study not in FIRST_ROUNDS]
    return [*known, *of_rounds(lambda study: [f"{RESULTS}/{study}/{name}"])]


def all_at_once(name):
    """The same as one function: Snakemake takes no list of functions for a named input."""
    if not PROCEDURES:
        return of_all(name)
    return lambda wildcards: [
        file
        for given in of_all(name)
        for file in ([given] if isinstance(given, str) else given(wildcards))
    ]


# What the rules take from the plan of a study. Each of these returns a function of the wildcards.


def of_plan(get):
    """What `get` returns for a plan and the wildcards."""
    return lambda wildcards: get(plan_of(wildcards.study), wildcards)


def files(name):
    """Files of a study, by their name in `StudyFiles`."""
    return lambda wildcards: getattr(files_of(wildcards.study), name)


def if_made(name):
    """A list with an artefact that only some studies have; empty where this one does not."""
    return lambda wildcards: files_of(wildcards.study).if_made(name)


def stamp_of(stage):
    """The stamp that says what a stage is to be made from."""
    return lambda wildcards: files_of(wildcards.study).stamp(stage)


def key_of(stage):
    """The key of a stage: with it a job checks that it still makes what was planned."""
    return lambda wildcards: files_of(wildcards.study).keys[stage]


# These are themselves functions of the wildcards.


def spec(wildcards):
    """The file that a study is planned from.

    It is a parameter, not an input: writing it anew with the same content makes nothing stale, and
    other content has other stamps.
    """
    return spec_of(wildcards.study)


def once_settled(wildcards):
    """No file. A job with this input is planned once its study's trials are known."""
    plan_of(wildcards.study)
    return []


def launches_to_adopt(wildcards):
    """The launch decisions of the studies that the configuration asks for; a procedure has none."""
    for name in ASKED_FOR:
        if name in PROCEDURES:
            raise WorkflowError(
                f"{name} is a procedure, so there is no launch of it to adopt: copy "
                f"{RESULTS}/{name}/next_study.yaml to config/studies, carry that study out and "
                "adopt its launch"
            )
    return [f"{files_of(study).folder}/launch.json" for study in ASKED_FOR]
