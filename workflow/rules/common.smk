"""The plans of the studies, and the functions that the rules ask for their files.

The package is imported from this checkout, also by jobs in a conda environment of their own.
"""

import functools
import gc
import sys
from pathlib import Path

# The folder of this file, whichever Snakefile was launched.
SOURCE = str(Path(str(workflow.current_basedir)).parents[1] / "src")
sys.path.insert(0, SOURCE)

from snakemake.logging import logger

from tuning_playbook.archive.settings import archive_settings
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.jobs.failures import read_failures, tell
from tuning_playbook.jobs.job import share_source
from tuning_playbook.planning.chain import settled_plan
from tuning_playbook.planning.configuration import (
    asked_for,
    is_forced,
    plan_studies,
    results_folder,
)
from tuning_playbook.planning.incomplete import incomplete_key, use_of_incomplete, what_is_there
from tuning_playbook.planning.plan import STAGES, axis_plots

share_source(SOURCE)

try:
    RESULTS = results_folder(config)
    FORCE = is_forced(config)
    INCOMPLETE = use_of_incomplete(config)
    ARCHIVES = archive_settings(config)
    STUDIES = plan_studies(config, folder=Path("config/studies"))
    ASKED_FOR = [path.stem for path in asked_for(config, folder=Path("config/studies"))]
except TuningPlaybookError as error:
    sys.exit(f"{type(error).__name__}: {error}")

if workflow.is_main_process:  # jobs parse this file too, and are not the place for advice
    from tuning_playbook.report.budget_lines import budget_lines

    for link in STUDIES.values():
        for advice in link.plan.advice:
            logger.warning(f"{link.plan.study.path}: {advice}")
        if not link.plan.study.finished:
            lines = "\n".join(budget_lines(link.plan, Path(RESULTS)))
            logger.info(f"{link.plan.study.path}: {lines}")

    # Planning the jobs makes many objects, and makes the collector go through all that there are
    # again and again. The plans stay, so it need not go through them.
    gc.collect()
    gc.freeze()

STUDY = f"{RESULTS}/{{study}}"

# Studies whose trials are trained here, and those whose trials were finished before.
NO_STUDY = "(?!)"
TRAINED = (
    "|".join(name for name, link in STUDIES.items() if not link.plan.study.finished) or NO_STUDY
)
IMPORTED = "|".join(name for name, link in STUDIES.items() if link.plan.study.finished) or NO_STUDY

# Each plot that every study has, with its name in Snakemake's report.
DIAGNOSTIC_PLOTS = {
    "training_curves": "training curves",
    "training_loss": "training loss",
    "gradient_norms": "gradient norms",
    "best_of": "best of so many trials",
    "importance": "importance",
}
LAUNCH_PLOTS = {"isolation": "isolation plot", "reruns": "trial variance"}

# What only some studies have, by its stage.
OPTIONAL = {
    "replicates": "replicates.nc",
    "models": "models.json",
    "next": "next_study.yaml",
    "test": "test.json",
    "final": "final/final.json",
}


wildcard_constraints:
    study="|".join(STUDIES),
    pack="[0-9a-f]{10}",
    rerun="[A-Za-z0-9.-]+",
    round="[A-Za-z0-9.-]+-[0-9]+",
    part="[0-9]+",
    axis="[a-z0-9_]+([.][A-Za-z0-9.-]+)?",
    stage="|".join([*STAGES, "earlier"]),
    key="[0-9a-f]{10}",


TAKEN_FROM_EARLIER = any(link.earlier for link in STUDIES.values())

# The plans of studies that take from earlier ones, once what they take is known: each with the time
# and the size of the file that says so.
SETTLED = {}


def plan_of(study):
    """The plan of a study; whoever asks waits for the results that it takes from earlier ones."""
    link = STUDIES[study]
    if not link.earlier:
        return link.plan
    if workflow.is_main_process:  # a job is started when they are there
        checkpoints.take_earlier_results.get(study=study)
    file = Path(earlier_file(study))
    status = file.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    if study not in SETTLED or SETTLED[study][0] != stamp:
        SETTLED[study] = (stamp, settled_plan(link.plan.study.path, file))
    return SETTLED[study][1]


def earlier_file(study):
    """The file with the results that a study takes from earlier ones; none for most studies."""
    return f"{RESULTS}/{study}/earlier.json" if STUDIES[study].earlier else ""


def earlier_results(wildcards):
    return earlier_file(wildcards.study)


def earlier_datasets(wildcards):
    names = dict.fromkeys(STUDIES[wildcards.study].earlier.values())
    return [f"{RESULTS}/{name}/study.nc" for name in names]


def earlier_stamp(wildcards):
    return f"{RESULTS}/{wildcards.study}/current/earlier-{STUDIES[wildcards.study].key}"


def earlier_key(wildcards):
    return STUDIES[wildcards.study].key


def settled(wildcards):
    """No file, but a job with this input is planned when its study's plan is known."""
    plan_of(wildcards.study)
    return []


@functools.cache
def there_of(study):
    """What there is of a study whose missing trials are left out; None of all others."""
    if INCOMPLETE == "refuse":
        return None
    return what_is_there(plan_of(study), Path(RESULTS) / study)


def stages_of(study):
    """The stages of a study; where trials are left out, without those of which some may be.

    These are the repeats of its search, and the rounds: those that are there are as they were.
    """
    files = map(Path, replicate_packs_of(study))
    whole = INCOMPLETE == "refuse" or all(file.exists() for file in files)
    absent = {"replicates": not whole, "rounds": there_of(study) is not None}
    return [stage for stage in plan_of(study).stages if not absent.get(stage)]


def stamp_of(study, stage):
    key, there = plan_of(study).keys[stage], there_of(study)
    if there is not None:
        key = incomplete_key(stage, key, there, INCOMPLETE)
    return f"{RESULTS}/{study}/current/{stage}-{key}"


def targets_of(study):
    """A study's artefacts, as the input of a rule: a function if its plan is still to be known."""
    if STUDIES[study].earlier:
        return lambda wildcards: study_targets(study)
    return study_targets(study)


def study_targets(study):
    """Every artefact of a study: each is a target, so that each is missed when it is gone."""
    folder = f"{RESULTS}/{study}"
    held = stages_of(study)
    stages = [stamp_of(study, stage) for stage in held]
    names = [
        "study.nc",
        "checkpoints.nc",
        "reruns.nc",
        "resources.nc",
        "diagnostics.json",
        "launch.json",
    ]
    names += [OPTIONAL[stage] for stage in OPTIONAL if stage in held]
    artefacts = [f"{folder}/{name}" for name in (*names, "report.html", "summary.json")]
    trained = [*packs_of(study), *proposals_of(study), *rerun_packs_of(study)]
    trained += replicate_packs_of(study) if "replicates" in held else []
    taken = [earlier_file(study), f"{folder}/current/earlier-{STUDIES[study].key}"]
    return [*trained, *plots_of(study), *artefacts, *stages, *(taken if taken[0] else [])]


def artefacts(wildcards):
    return study_targets(wildcards.study)


def packs_of(study):
    plan = plan_of(study)
    files = [f"packs/{pack}.nc" for pack in plan.packs]
    files += [file for round in plan.rounds.values() for file in round.files]
    return used(study, files)


def proposals_of(study):
    return used(study, [round.proposal for round in plan_of(study).rounds.values()])


def used(study, files):
    """Those files of a study's training that its dataset is made of: all, or all that are there."""
    there = there_of(study)
    held = set(files if there is None else there)
    return [f"{RESULTS}/{study}/{file}" for file in files if file in held]


def rerun_packs_of(study):
    return [f"{RESULTS}/{study}/reruns/{pack}.nc" for pack in plan_of(study).rerun_packs]


def replicate_packs_of(study):
    return [f"{RESULTS}/{study}/packs/{pack}.nc" for pack in plan_of(study).replicate_packs]


def plots_of(study):
    stems = [*LAUNCH_PLOTS, *DIAGNOSTIC_PLOTS, *axis_plots(plan_of(study).study)]
    return [f"{RESULTS}/{study}/plots/{stem}.svg" for stem in stems]


def plot_files(names):
    """The outputs of a rule that draws these plots."""
    return {
        stem: report(f"{STUDY}/plots/{stem}.svg", category="{study}", labels={"plot": name})
        for stem, name in names.items()
    }


def packs(wildcards):
    return packs_of(wildcards.study)


def proposals(wildcards):
    return proposals_of(wildcards.study)


def rerun_packs(wildcards):
    return rerun_packs_of(wildcards.study)


def replicate_packs(wildcards):
    return replicate_packs_of(wildcards.study)


def plots(wildcards):
    return plots_of(wildcards.study)


def adopted_launches(wildcards):
    """The record of the launches that were adopted, once there is one."""
    return [str(path) for path in [Path("config/launches.csv")] if path.exists()]


def launches_asked_for(wildcards):
    plans = [plan_of(study) for study in ASKED_FOR]
    return [f"{RESULTS}/{plan.study.name}/launch.json" for plan in plans]


def launch_keys(wildcards):
    return {study: plan_of(study).keys["launch"] for study in ASKED_FOR}


def if_asked_for(stage):
    """A function that gives a rule an artefact that only some studies have, where this one has."""

    def artefact(wildcards):
        held = stage in stages_of(wildcards.study)
        return [f"{RESULTS}/{wildcards.study}/{OPTIONAL[stage]}"] if held else []

    return artefact


def study_folder(wildcards):
    return f"{RESULTS}/{wildcards.study}"


def stamp_folder(wildcards):
    return f"{RESULTS}/{wildcards.study}/current"


def left_out_of(wildcards):
    """The folder in which trials without a pack are looked for, where they may be missing."""
    return "" if there_of(wildcards.study) is None else f"{RESULTS}/{wildcards.study}"


def results_root(wildcards):
    return RESULTS


def spec_path(wildcards):
    return str(STUDIES[wildcards.study].plan.study.path)


def round_of(wildcards):
    return plan_of(wildcards.study).rounds[wildcards.round]


def earlier_rounds(wildcards):
    """The rounds of an arm that come before one of them."""
    current = round_of(wildcards)
    rounds = plan_of(wildcards.study).rounds.values()
    return [item for item in rounds if item.arm == current.arm and item.number < current.number]


def earlier_packs(wildcards):
    """The pack files that a round's proposals follow from."""
    plan = plan_of(wildcards.study)
    arm = round_of(wildcards).arm
    files = [f"packs/{pack.id}.nc" for pack in plan.packs.values() if pack.arm == arm]
    files += [file for item in earlier_rounds(wildcards) for file in item.files]
    return [f"{RESULTS}/{wildcards.study}/{file}" for file in files]


def earlier_proposals(wildcards):
    return [f"{RESULTS}/{wildcards.study}/{item.proposal}" for item in earlier_rounds(wildcards)]


def round_part(wildcards):
    return round_of(wildcards).parts[int(wildcards.part)]


def rerun_arm(wildcards):
    return plan_of(wildcards.study).rerun_packs[wildcards.rerun].arm


def rerun_numbers(wildcards):
    return list(plan_of(wildcards.study).rerun_packs[wildcards.rerun].reruns)


def axis_of(wildcards):
    """The name and the condition of the hyperparameter of an axis plot."""
    return axis_plots(plan_of(wildcards.study).study)[f"axis_{wildcards.axis}"]


def slices_of(wildcards):
    return STUDIES[wildcards.study].plan.study.spec.isolation.slices


def tell_failures(logs):
    """Say which trials have no result, why, and what to do."""
    for log in map(Path, logs):
        for line in tell(read_failures(log.read_text(errors="replace"))):
            logger.error(line)


def key_of(stage):
    """A function that gives a study's key of `stage` to a rule's parameters."""
    return lambda wildcards: plan_of(wildcards.study).keys[stage]


def current(stage):
    """A function that gives a rule the stamp of `stage` as an input."""
    return lambda wildcards: stamp_of(wildcards.study, stage)
