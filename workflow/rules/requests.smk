"""What training jobs request, of the machine and of the trials, and what is logged at the end."""

import shlex

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.settings.types import DeploymentMethod

from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.failures import FailedJobs, NothingToDo, failure_lines
from tuning_playbook.jobs.job import options_of
from tuning_playbook.planning.incomplete import what_is_there
from tuning_playbook.planning.own_folder import keep_own_folder
from tuning_playbook.planning.plan import request_of
from tuning_playbook.procedures.procedure_state import is_concluded
from tuning_playbook.study.planned_round import write_round
from tuning_playbook.trials.artefact_hashes import remove_hash
from tuning_playbook.trials.trial import canonical

# A conda environment has its own Python, and Snakemake hides what `share_code` sets from it.
IN_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
PYTHON = f"PYTHONPATH={shlex.quote(CODE)} python" if IN_CONDA else shlex.quote(sys.executable)


def asked_of_a_job(wildcards):
    return link_of(wildcards.study).plan.study.spec.resources


def profile_says(resource):
    """The default of a resource if it is a number in the profile, else 0, which requests nothing."""
    default = (workflow.resource_settings.default_resources or {}).get(resource)
    value = getattr(default, "raw", default)
    return value if isinstance(value, int) else 0


def job_resource(name, usual=0):
    """A resource of a training job: one value where the studies agree, else a function of the study.

    Snakemake evaluates a function for each job, which is slow for ten thousand jobs. It can omit a
    resource only for all jobs alike: where only some studies set it, the others get the usual
    value.
    """
    values = {getattr(link.plan.study.spec.resources, name) for link in CHAIN.values()}
    if len(values) == 1:
        return values.pop()
    return lambda wildcards: getattr(asked_of_a_job(wildcards), name) or usual


def asked_for_resources(**unless):
    """Some resources; those that no study asks for are left out, because each costs every job time.

    Each argument is a Snakemake resource: its name in a spec, and its usual value.
    """
    asked = {name: job_resource(key, profile_says(name)) for name, (key, usual) in unless.items()}
    return {name: value for name, value in asked.items() if value != unless[name][1]}


MEMORY = asked_for_resources(mem_mb=("memory_mb", None))
LIMITS = MEMORY | asked_for_resources(runtime=("runtime_minutes", None))
TRAINING_RESOURCES = LIMITS | asked_for_resources(
    gpu=("all_gpus", 0), devices=("devices", 1), nodes=("nodes", 1), tasks=("tasks", 1)
)


def training_options(wildcards, resources):
    return options_of(resources)


def options_where_asked(rule):
    """The options of a training job, where it may have any; else nothing is evaluated for each job.

    A change of resources alone does not make Snakemake train a pack again.
    """
    settings = workflow.resource_settings
    given = {*(settings.default_resources or {}), *settings.overwrite_resources.get(rule, {})}
    asked = {"gpu", "devices", "nodes"} & (given | TRAINING_RESOURCES.keys())
    return {"options": training_options} if asked else {}


TRAINING_OPTIONS = options_where_asked("train_pack")


def known_plans():
    """The folder of results and the plan of every study whose trials are already known."""
    for study, link in STUDIES.items():
        try:
            plan = divided_plan(study) if link.earlier else link.plan
        except (OSError, TuningPlaybookError):
            continue
        yield Path(RESULTS) / study, plan
    for procedure, link in PROCEDURES.items():
        for number in range(1, most_rounds(link.procedure) + 1):
            name = round_name(procedure, number)
            try:
                plan = None if name in STUDIES else divided_plan(name)
            except (OSError, TuningPlaybookError):
                break
            if plan is not None:
                yield Path(RESULTS) / name, plan


def keep_own_folders():
    """Record in the folder of each study which spec it belongs to."""
    for name, link in CHAIN.items():
        keep_own_folder(Path(RESULTS), name, link.plan.study.path)


def write_first_rounds():
    """Write the specs of the rounds that are known before anything runs."""
    for name, (written, purpose, _) in FIRST_ROUNDS.items():
        spec = Path(spec_of(name))
        remove_hash(spec.parents[1], spec)  # if a job planned it before
        write_atomically(spec, write_round(written, purpose))


def write_all_requests():
    """Write the requests of the training jobs of every study whose trials are already known.

    `plan_of` writes the others once they are known.
    """
    for folder, plan in known_plans():
        keep_for_jobs(folder, plan)


def keep_what_is_there():
    """Keep the numbers of trials that are collected although their pack is gone.

    They are in a dataset too, but Snakemake removes it before it is collected anew.
    """
    for folder, plan in known_plans() if INCOMPLETE != "refuse" else ():
        there = what_is_there(plan, folder) or ()
        if alone := [Path(name).parent.name for name in there if name.startswith("trials/")]:
            from tuning_playbook.dataset.kept import give_numbers_back  # slow to import

            give_numbers_back(folder, alone)


def clear_what_failed():
    """Remove the folders of failed trials that no study names any more."""
    from tuning_playbook.archive.leftovers import clear_failed_attempts

    for folder, plan in known_plans():
        if count := clear_failed_attempts(plan, Path(RESULTS), Path("config/launches.csv")):
            logger.info(f"{folder}: removed {count} failed trials that the study does not have now")


def request_without_trials(wildcards):
    """What a training job that finds its own trials is asked for."""
    return canonical(request_of(plan_of(wildcards.study), ()).to_json())


def log_results():
    """Log what the requested studies found, where their reports are up to date."""
    if not workflow.is_main_process:  # a job of a cluster comes here too
        return
    from tuning_playbook.report.last_words import conclusion_words, last_words

    plans = dict(known_plans())
    folders = [Path(RESULTS) / study for study in ASKED_FOR]
    current = [
        folder
        for folder in folders
        if folder in plans
        and StudyFiles(plans[folder], str(folder), INCOMPLETE).is_current("report", "report.html")
    ]
    for line in last_words(current, Path(RESULTS)):
        logger.info(printable(line))
    for folder in folders:
        name = folder.name
        if name in PROCEDURES and is_concluded(PROCEDURES[name], Path(RESULTS)):
            for line in conclusion_words(folder):
                logger.info(printable(line))


if workflow.is_main_process:
    # Snakemake calls no hook where it has nothing to do.
    logger.addHandler(NothingToDo(NOTHING_TO_BE_DONE_MSG, log_results))

# Collects failed training jobs from Snakemake's log records.
FAILED = FailedJobs()
logger.addHandler(FAILED)


def log_failures():
    """Log which trials have no result, why, and what to do."""
    for line in failure_lines(FAILED.jobs, plan_of, Path(RESULTS)):
        logger.error(line)
