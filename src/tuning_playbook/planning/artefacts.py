"""The table of a study's artefacts: the rules that make them, their inputs, and their keys.

The table is in the order of the work on a study. The targets of the workflow, its stamps, the
inputs of its rules and the content of an archive follow from it. The rules repeat their inputs
and outputs, and a test checks that both agree.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tuning_playbook.planning import stage_jobs as jobs
from tuning_playbook.planning import what_decides
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.stage import Job, Stage, Step
from tuning_playbook.trials.trial import ID_DIGITS, digest

PACKAGE = Path(__file__).parent.parent

SETTLED = "settled.yaml"
"""The spec of a study with the values that it takes from the results of earlier ones."""

SPEC_CODE = ("declarations.py", "planning", "search", "study", "trials")
"""The code that makes trials from a spec."""

TRAIN_PACK = "train some trials in one process"

ARTEFACTS = (
    Stage(
        name="settled",
        steps=(
            Step(
                "settle_study",
                "take values from the results of earlier studies",
                jobs.one(SETTLED),
            ),
        ),
        present=lambda plan: bool(plan.study.taken),
    ),
    Stage(
        name="packs",
        steps=(Step("train_pack", TRAIN_PACK, jobs.train_packs),),
    ),
    Stage(
        name="rounds",
        steps=(
            Step(
                "propose_round",
                "propose trials from the results of earlier rounds",
                jobs.propose_rounds,
            ),
            Step(
                "train_round",
                "train some of the trials that a round proposed",
                jobs.train_rounds,
            ),
        ),
        decided_by=what_decides.rounds,
        code=("dataset", *SPEC_CODE),
        present=lambda plan: bool(plan.rounds),
    ),
    Stage(
        name="study",
        steps=(
            Step(
                "import_trials",
                "read trials that were finished before",
                jobs.if_imported(
                    jobs.one("study.nc", "checkpoints.nc", "reruns.nc", "resources.nc")
                ),
            ),
            Step(
                "collect_study",
                "collect the packs into the dataset of the study",
                jobs.if_trained(jobs.collect_study),
            ),
        ),
        builds_on=("rounds",),
        decided_by=what_decides.study,
        code=("dataset", "sources", *SPEC_CODE),
    ),
    Stage(
        name="replicates",
        steps=(
            Step("train_pack", TRAIN_PACK, jobs.train_replicates),
            Step(
                "collect_replicates",
                "collect the repeats of the search into a dataset of their own",
                jobs.collect_replicates,
            ),
        ),
        decided_by=what_decides.replicates,
        code=("dataset", *SPEC_CODE),
        present=lambda plan: bool(plan.study.spec.replicates),
    ),
    Stage(
        name="models",
        steps=(
            Step(
                "export_models",
                "export the best checkpoint of each arm",
                jobs.one_with_proposals("models.json", "study.nc"),
            ),
        ),
        builds_on=("study",),
        decided_by=what_decides.nothing,
        code=("analysis",),
        present=lambda plan: not (plan.study.imported or plan.study.workload.is_command),
    ),
    Stage(
        name="reruns",
        steps=(
            Step(
                "choose_reruns",
                "choose the best trial of each arm for its reruns",
                jobs.if_trained(jobs.one_with_proposals("reruns/choice.json", "study.nc")),
            ),
            Step(
                "train_reruns",
                "train the best trial of an arm, or the baseline, again with fresh seeds",
                jobs.train_reruns,
            ),
            Step(
                "collect_reruns",
                "collect the reruns into the dataset of the trial variance",
                jobs.if_trained(jobs.collect_reruns),
            ),
        ),
        builds_on=("study",),
        decided_by=what_decides.reruns,
        code=("analysis",),
    ),
    Stage(
        name="diagnostics",
        steps=(
            Step(
                "diagnose_study",
                "answer the playbook's checklist",
                jobs.one("diagnostics.json", of=["study.nc", "checkpoints.nc"]),
            ),
        ),
        builds_on=("study",),
        decided_by=what_decides.spec("checklist"),
        code=("analysis",),
    ),
    Stage(
        name="launch",
        steps=(
            Step(
                "decide_launch",
                "decide on the launch: adopt, reject or provisional",
                jobs.one(
                    "launch.json",
                    of=["study.nc", "reruns.nc", "replicates.nc", "diagnostics.json"],
                ),
            ),
        ),
        builds_on=("reruns", "replicates", "diagnostics"),
        decided_by=what_decides.spec("goal", "launch", "isolation"),
        code=("launches",),
    ),
    Stage(
        name="set_back",
        steps=(
            Step(
                "choose_set_back",
                "list the changes of the candidate that are set back to the baseline",
                jobs.one("set_back/choice.json", of=["launch.json"]),
            ),
            Step(
                "train_set_back",
                "train the candidate with each of its changes set back",
                jobs.train_set_back,
            ),
            Step(
                "compare_set_back",
                "show which of the candidate's changes mattered",
                jobs.compare_set_back,
            ),
        ),
        builds_on=("launch",),
        decided_by=what_decides.nothing,
        code=("launches",),
        present=lambda plan: bool(plan.study.spec.reruns.back),
    ),
    Stage(
        name="resources",
        steps=(
            Step(
                "collect_resources",
                "collect time, memory and machine of every trial",
                jobs.if_trained(
                    jobs.one(
                        "resources.nc", of=["study.nc", "reruns.nc", "replicates.nc", "set_back.nc"]
                    )
                ),
            ),
        ),
    ),
    Stage(
        name="next",
        steps=(
            Step(
                "write_next_study",
                "write the spec of the next round",
                jobs.one("next_study.yaml", of=["study.nc", "diagnostics.json", "launch.json"]),
            ),
        ),
        builds_on=("launch",),
        decided_by=what_decides.text,
        code=("procedures",),
    ),
    Stage(
        name="test",
        steps=(
            Step(
                "evaluate_test_set",
                "read the test set once",
                jobs.one("test.json", of=["study.nc", "launch.json"]),
            ),
        ),
        builds_on=("launch",),
        decided_by=what_decides.spec("test"),
        present=lambda plan: plan.study.spec.test.evaluate is not None,
        leaves="test/*.json",
    ),
    Stage(
        name="final",
        steps=(
            Step(
                "train_final",
                "train the candidate on training and validation data together",
                jobs.one("final/final.json", of=["study.nc", "launch.json"]),
            ),
        ),
        builds_on=("launch",),
        decided_by=what_decides.spec("final"),
        present=lambda plan: plan.study.spec.final.fold_validation,
        leaves="final/**/*",
    ),
    Stage(
        name="plots",
        steps=(
            Step(
                "plot_axis",
                "plot the objective over one hyperparameter",
                jobs.draw_axes,
            ),
            Step(
                "plot_diagnostics",
                "plot what there is to see of the search",
                jobs.one(
                    *map(jobs.plot, jobs.DIAGNOSTIC_PLOTS), of=["study.nc", "diagnostics.json"]
                ),
            ),
            Step(
                "plot_launch",
                "plot the best trial of each arm, and every rerun",
                jobs.one(
                    *map(jobs.plot, jobs.LAUNCH_PLOTS),
                    of=["study.nc", "reruns.nc", "replicates.nc"],
                ),
            ),
        ),
        builds_on=("reruns", "replicates"),
        decided_by=what_decides.spec("isolation"),
        code=("analysis", "launches", "plots"),
    ),
    Stage(
        name="report",
        steps=(
            Step(
                "report_study",
                "write the launch report",
                jobs.report,
            ),
        ),
        builds_on=("launch", "set_back", "plots", "next", "test", "final"),
        decided_by=what_decides.text,
        code=("report",),
    ),
)
"""Every stage of a study; a stage comes after those that it builds on."""


def stages_of(plan: Plan) -> tuple[Stage, ...]:
    """Return the stages that a study has."""
    return tuple(stage for stage in ARTEFACTS if stage.present(plan))


def building_on(name: str) -> frozenset[str]:
    """Return the names of a stage and of all stages that build on it."""
    found = {name}
    for stage in ARTEFACTS:
        if found & set(stage.builds_on):
            found.add(stage.name)
    return frozenset(found)


def jobs_of(plan: Plan, stages: Iterable[Stage]) -> Iterator[tuple[Step, Job]]:
    """Yield the jobs of some stages of a study; inputs that none of them makes are left out."""
    found = [(step, job) for stage in stages for step in stage.steps for job in step.jobs(plan)]
    made = {name for _, job in found for name in job.made}
    for step, job in found:
        yield step, replace(job, of=tuple(name for name in job.of if name in made))


def keys_of(plan: Plan) -> dict[str, str]:
    """Return the key of every stage that has one: the hash of all that decides it."""
    keys: dict[str, str] = {}
    for stage in ARTEFACTS:
        if stage.decided_by is not None:
            upstream = [keys[name] for name in stage.builds_on]
            parts = [stage.decided_by(plan), upstream, code_hash(stage.code)]
            keys[stage.name] = digest(parts)[:ID_DIGITS]
    return keys


@functools.cache
def code_hash(packages: tuple[str, ...]) -> str:
    """Return the hash of the code in some files and folders of this package."""
    state = hashlib.sha256()
    for package in packages:
        place = PACKAGE / package
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    return state.hexdigest()
