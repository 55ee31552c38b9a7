"""The jobs that each rule has for a plan: their outputs and inputs."""

from collections.abc import Callable, Iterable, Iterator

from tuning_playbook.planning.plan import Pack, Plan, axis_plots
from tuning_playbook.planning.stage import Job

DIAGNOSTIC_PLOTS = {
    "training_curves": "training curves",
    "training_loss": "training loss",
    "gradient_norms": "gradient norms",
    "best_of": "best of so many trials",
    "importance": "importance",
}
"""The plots of every search: the stem of each file, and its name in Snakemake's report."""

LAUNCH_PLOTS = {"isolation": "isolation plot", "reruns": "trial variance"}
"""The plots of the best trials and of the reruns, likewise."""


def one(*made: str, of: Iterable[str] = ()) -> Callable[[Plan], Iterator[Job]]:
    """Return the single job of a rule whose file names are known beforehand."""
    return lambda plan: iter([Job(made, tuple(of))])


def one_with_proposals(made: str, *of: str) -> Callable[[Plan], Iterator[Job]]:
    """Return the single job of a rule that also needs the proposals of rounds."""
    return lambda plan: iter([Job((made,), (*of, *_proposals(plan)))])


def if_trained(jobs: Callable[[Plan], Iterable[Job]]) -> Callable[[Plan], Iterable[Job]]:
    """Return jobs that exist only where the trials of a study are trained here."""
    return lambda plan: () if plan.study.imported else jobs(plan)


def if_imported(jobs: Callable[[Plan], Iterable[Job]]) -> Callable[[Plan], Iterable[Job]]:
    """Return jobs that exist only where the trials of a study are imported."""
    return lambda plan: jobs(plan) if plan.study.imported else ()


def train_packs(plan: Plan) -> Iterator[Job]:
    """Yield a job for each pack of the trials in the spec."""
    return map(_train_pack, plan.packs.values())


def train_replicates(plan: Plan) -> Iterator[Job]:
    """Yield a job for each pack of the repeats of the search."""
    return map(_train_pack, plan.replicate_packs.values())


def _train_pack(pack: Pack) -> Job:
    return Job((pack.file,), (), tuple(trial.id for trial in pack.trials))


def propose_rounds(plan: Plan) -> Iterator[Job]:
    """Yield a job for each round; its inputs are the results of its arm so far."""
    for item in plan.rounds.values():
        initial = [pack.file for pack in plan.packs.values() if pack.arm == item.arm]
        before = plan.rounds_before(item)
        trained = [file for other in before for file in other.files]
        yield Job((item.proposal,), (*initial, *trained, *(other.proposal for other in before)))


def train_rounds(plan: Plan) -> Iterator[Job]:
    """Yield a job for each part of each round."""
    for item in plan.rounds.values():
        for file in item.files:
            yield Job((file,), (item.proposal,), None)


def collect_study(plan: Plan) -> Iterator[Job]:
    """Yield the job that collects every searched trial."""
    packs = [pack.file for pack in plan.packs.values()]
    rounds = [file for item in plan.rounds.values() for file in item.files]
    yield Job(("study.nc", "checkpoints.nc"), (*packs, *rounds, *_proposals(plan)))


def collect_replicates(plan: Plan) -> Iterator[Job]:
    """Yield the job that collects the repeats of the search."""
    yield Job(("replicates.nc",), tuple(pack.file for pack in plan.replicate_packs.values()))


def train_reruns(plan: Plan) -> Iterator[Job]:
    """Yield a job for each pack of reruns."""
    for pack in plan.rerun_packs.values():
        yield Job((pack.file,), ("reruns/choice.json",), None)


def collect_reruns(plan: Plan) -> Iterator[Job]:
    """Yield the job that collects every rerun."""
    packs = [pack.file for pack in plan.rerun_packs.values()]
    yield Job(("reruns.nc",), (*packs, "reruns/choice.json"))


def train_set_back(plan: Plan) -> Iterator[Job]:
    """Yield a job for each training of the candidate's changes set back."""
    for number in range(plan.study.spec.reruns.back):
        yield Job((f"set_back/{number}.nc",), ("set_back/choice.json",), None)


def compare_set_back(plan: Plan) -> Iterator[Job]:
    """Yield the job that collects and compares the trainings with changes set back."""
    packs = [file for job in train_set_back(plan) for file in job.made]
    yield Job(("set_back.nc", "set_back.json"), (*packs, "set_back/choice.json", "launch.json"))


def draw_axes(plan: Plan) -> Iterator[Job]:
    """Yield a job for the axis plot of each searched hyperparameter."""
    for stem in axis_plots(plan.study):
        yield Job((plot(stem),), ("study.nc",))


def report(plan: Plan) -> Iterator[Job]:
    """Yield the job that reports all that a study has."""
    datasets = (
        "study.nc",
        "checkpoints.nc",
        "reruns.nc",
        "replicates.nc",
        "set_back.nc",
        "resources.nc",
    )
    answers = ("diagnostics.json", "launch.json", "set_back.json", "test.json", "final/final.json")
    plots = map(plot, sorted([*axis_plots(plan.study), *DIAGNOSTIC_PLOTS, *LAUNCH_PLOTS]))
    of = (*datasets, *answers, "next_study.yaml", *plots, *_proposals(plan))
    yield Job(("report.html", "summary.json"), of)


def plot(stem: str) -> str:
    """Return the file of a plot."""
    return f"plots/{stem}.svg"


def _proposals(plan: Plan) -> list[str]:
    return [item.proposal for item in plan.rounds.values()]
