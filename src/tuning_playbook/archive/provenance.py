"""Which job of the workflow made what from what: the provenance that an archive tells.

Rules are few and their files are named by the plan, so this needs no record of Snakemake's, which
may be gone. `tests/workflow/test_archive.py` holds it against Snakemake's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.planning.plan import Plan, axis_plots
from tuning_playbook.trials.pack_file import read_pack

STEPS = {
    "take_earlier_results": "take values from the results of earlier studies",
    "import_trials": "read trials that were finished before",
    "train_pack": "train some trials in one process",
    "propose_round": "propose trials from the results of earlier rounds",
    "train_round": "train some of the trials that a round proposed",
    "collect_study": "collect the packs into the dataset of the study",
    "collect_replicates": "collect the repeats of the search into a dataset of their own",
    "export_models": "export the best checkpoint of each arm",
    "choose_reruns": "choose the best trial of each arm for its reruns",
    "train_reruns": "train the best trial of an arm, or the baseline, again with fresh seeds",
    "collect_reruns": "collect the reruns into the dataset of the trial variance",
    "collect_resources": "collect time, memory and machine of every trial",
    "diagnose_study": "answer the playbook's checklist",
    "decide_launch": "decide on the launch: adopt, reject or provisional",
    "write_next_study": "write the spec of the next round",
    "evaluate_test_set": "read the test set once",
    "train_final": "train the candidate on training and validation data together",
    "plot_axis": "plot the objective over one hyperparameter",
    "plot_diagnostics": "plot what there is to see of the search",
    "plot_launch": "plot the best trial of each arm, and every rerun",
    "write_report": "write the launch report",
}
"""The rules whose files an archive may hold, in the order of their work, each with what it does."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: Its rule, which is also the name of the script or the module that it runs.
        made: Its outputs, from the study's folder of results.
        of: Its inputs, likewise; stamps are left out.
        trials: The ids of the trials that it trained.
    """

    rule: str
    made: tuple[str, ...]
    of: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return a name that no other job of the study has."""
        return f"{self.rule}/{self.made[0].rsplit('.', 1)[0]}"


def jobs_of(plan: Plan, folder: Path) -> Iterator[Job]:
    """Yield the jobs of a study, those first whose files others need.

    Args:
        plan: The study's.
        folder: Its folder of results.
    """
    if plan.study.taken:
        yield Job("take_earlier_results", ("earlier.json",))
    if plan.study.finished:
        yield Job("import_trials", ("study.nc", "checkpoints.nc", "reruns.nc", "resources.nc"))
    else:
        yield from _training(plan, folder)
    yield from _deciding(plan)
    yield from _plots(plan)
    plots = tuple(sorted(name for job in _plots(plan) for name in job.made))
    held = {"next": "next_study.yaml", "test": "test.json", "final": "final/final.json"}
    optional = tuple(name for stage, name in held.items() if stage in plan.stages)
    decided = ("study.nc", "reruns.nc", "resources.nc", "diagnostics.json", "launch.json")
    optional += _replicates(plan)
    made = ("report.html", "summary.json")
    yield Job("write_report", made, (*decided, *optional, *plots, *_proposals(plan)))


def _proposals(plan: Plan) -> tuple[str, ...]:
    return tuple(item.proposal for item in plan.rounds.values())


def _replicates(plan: Plan) -> tuple[str, ...]:
    return ("replicates.nc",) if plan.replicates else ()


def _training(plan: Plan, folder: Path) -> Iterator[Job]:
    packs = []
    for pack in plan.packs.values():
        packs.append(f"packs/{pack.id}.nc")
        yield Job("train_pack", (packs[-1],), (), tuple(trial.id for trial in pack.trials))
    for item in plan.rounds.values():
        arm = [f"packs/{pack.id}.nc" for pack in plan.packs.values() if pack.arm == item.arm]
        before = [
            other
            for other in plan.rounds.values()
            if other.arm == item.arm and other.number < item.number
        ]
        trained = [file for other in before for file in other.files]
        of = (*arm, *trained, *(other.proposal for other in before))
        yield Job("propose_round", (item.proposal,), of)
        for file in item.files:
            yield Job("train_round", (file,), (item.proposal,), _trials(folder / file))
            packs.append(file)
    proposals = _proposals(plan)
    yield Job("collect_study", ("study.nc", "checkpoints.nc"), (*packs, *proposals))
    repeats = []
    for pack in plan.replicate_packs.values():
        repeats.append(f"packs/{pack.id}.nc")
        yield Job("train_pack", (repeats[-1],), (), tuple(trial.id for trial in pack.trials))
    if repeats:
        yield Job("collect_replicates", _replicates(plan), tuple(repeats))
    yield Job("export_models", ("models.json",), ("study.nc", *proposals))
    yield Job("choose_reruns", ("reruns/choice.json",), ("study.nc", *proposals))
    reruns = tuple(f"reruns/{pack}.nc" for pack in plan.rerun_packs)
    for file in reruns:
        yield Job("train_reruns", (file,), ("reruns/choice.json",), _trials(folder / file))
    yield Job("collect_reruns", ("reruns.nc",), (*reruns, "reruns/choice.json"))
    yield Job("collect_resources", ("resources.nc",), ("study.nc", "reruns.nc", *_replicates(plan)))


def _deciding(plan: Plan) -> Iterator[Job]:
    yield Job("diagnose_study", ("diagnostics.json",), ("study.nc", "checkpoints.nc"))
    of = ("study.nc", "reruns.nc", "diagnostics.json")
    yield Job("decide_launch", ("launch.json",), (*of, *_replicates(plan)))
    if "next" in plan.stages:
        yield Job("write_next_study", ("next_study.yaml",), ("study.nc", "diagnostics.json"))
    if "test" in plan.stages:
        yield Job("evaluate_test_set", ("test.json",), ("study.nc", "launch.json"))
    if "final" in plan.stages:
        yield Job("train_final", ("final/final.json",), ("study.nc", "launch.json"))


def _plots(plan: Plan) -> Iterator[Job]:
    for stem in axis_plots(plan.study):
        yield Job("plot_axis", (f"plots/{stem}.svg",), ("study.nc",))
    stems = ("training_curves", "training_loss", "gradient_norms", "best_of", "importance")
    diagnostics = tuple(f"plots/{stem}.svg" for stem in stems)
    yield Job("plot_diagnostics", diagnostics, ("study.nc", "diagnostics.json"))
    launch = ("plots/isolation.svg", "plots/reruns.svg")
    yield Job("plot_launch", launch, ("study.nc", "reruns.nc", *_replicates(plan)))


def _trials(pack: Path) -> tuple[str, ...]:
    return tuple(read_pack(pack))
