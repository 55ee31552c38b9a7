"""The plans of the studies, and the functions that the rules ask for inputs and parameters.

The package is imported from this checkout, also by jobs in a conda environment of their own.
"""

import sys
from pathlib import Path

# The folder of this file, whichever Snakefile was launched.
SOURCE = str(Path(str(workflow.current_basedir)).parents[1] / "src")
sys.path.insert(0, SOURCE)

from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.job import share_source
from tuning_playbook.search.plan import STAGES, axis_plots, pack_json, plan_studies, results_folder

share_source(SOURCE)

try:
    RESULTS = results_folder(config)
    PLANS = plan_studies(config, folder=Path("config/studies"))
except TuningPlaybookError as error:
    sys.exit(f"{type(error).__name__}: {error}")

STUDY = f"{RESULTS}/{{study}}"

DIAGNOSTIC_PLOTS = ("training_curves", "training_loss")
LAUNCH_PLOTS = ("isolation", "reruns")


wildcard_constraints:
    study="|".join(PLANS),
    pack="[0-9a-f]{10}",
    rerun="[A-Za-z0-9.-]+",
    axis="[a-z0-9_]+([.][A-Za-z0-9.-]+)?",
    stage="|".join(STAGES),
    key="[0-9a-f]{10}",


def stamp_of(study, stage):
    return f"{RESULTS}/{study}/current/{stage}-{PLANS[study].keys[stage]}"


def study_targets(study):
    """Every artefact of a study: each is a target, so that each is missed when it is gone."""
    folder = f"{RESULTS}/{study}"
    stages = [stamp_of(study, stage) for stage in PLANS[study].keys]
    names = (
        "study.nc",
        "reruns.nc",
        "resources.nc",
        "diagnostics.json",
        "launch.json",
        "models.json",
    )
    artefacts = [f"{folder}/{name}" for name in (*names, "report.html", "summary.json")]
    return [*packs_of(study), *rerun_packs_of(study), *plots_of(study), *artefacts, *stages]


def packs_of(study):
    return [f"{RESULTS}/{study}/packs/{pack}.nc" for pack in PLANS[study].packs]


def rerun_packs_of(study):
    return [f"{RESULTS}/{study}/reruns/{pack}.nc" for pack in PLANS[study].rerun_packs]


def plots_of(study):
    stems = [*LAUNCH_PLOTS, *DIAGNOSTIC_PLOTS, *axis_plots(PLANS[study].study)]
    return [f"{RESULTS}/{study}/plots/{stem}.svg" for stem in stems]


def packs(wildcards):
    return packs_of(wildcards.study)


def rerun_packs(wildcards):
    return rerun_packs_of(wildcards.study)


def plots(wildcards):
    return plots_of(wildcards.study)


def study_folder(wildcards):
    return f"{RESULTS}/{wildcards.study}"


def stamp_folder(wildcards):
    return f"{RESULTS}/{wildcards.study}/current"


def results_root(wildcards):
    return RESULTS


def spec_path(wildcards):
    return str(PLANS[wildcards.study].study.path)


def resources_of(wildcards):
    return PLANS[wildcards.study].study.spec.resources


def job_resource(name):
    """What a training job is given: one value where the studies agree, else a function of the study.

    Snakemake evaluates a function for each job, which ten thousand jobs feel.
    """
    values = {getattr(plan.study.spec.resources, name) for plan in PLANS.values()}
    if len(values) == 1:
        return values.pop()
    return lambda wildcards: getattr(resources_of(wildcards), name)


def pack_request(wildcards):
    plan = PLANS[wildcards.study]
    return pack_json(plan, plan.packs[wildcards.pack])


def any_pack_request(wildcards):
    plan = PLANS[wildcards.study]
    return pack_json(plan, next(iter(plan.packs.values())))


def rerun_arm(wildcards):
    return PLANS[wildcards.study].rerun_packs[wildcards.rerun].arm


def rerun_numbers(wildcards):
    return list(PLANS[wildcards.study].rerun_packs[wildcards.rerun].reruns)


def axis_of(wildcards):
    """The name and the condition of the hyperparameter of an axis plot."""
    return axis_plots(PLANS[wildcards.study].study)[f"axis_{wildcards.axis}"]


def key_of(stage):
    """A function that gives a study's key of `stage` to a rule's parameters."""
    return lambda wildcards: PLANS[wildcards.study].keys[stage]


def current(stage):
    """A function that gives a rule the stamp of `stage` as an input."""
    return lambda wildcards: stamp_of(wildcards.study, stage)
