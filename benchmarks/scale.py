"""What a study of many trials costs beside its training: `python -m benchmarks.scale`.

    python -m benchmarks.scale [PART ...] [--trials 100 1000 10000] [--per-job 1 64]

The parts are `expand`, `plan`, `replan`, `collect` and `files`. The trials have 100 evaluations of
six metrics. Those of `files` are trained, by a workload whose step is next to nothing; all others
have made-up numbers, in pack files that the package's own writer wrote. With `--folder` they are
kept, so that a long measurement can be made piece by piece.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from benchmarks.__main__ import machine
from benchmarks.process import ROOT, Measured, at_once, measure
from benchmarks.table import Bar, Figure, header, line
from benchmarks.workflow import MANY_JOBS
from tuning_playbook.engine.windows import (
    SERIES,
    evaluation_steps,
    gradient_summary,
    window_ends,
)
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import Plan, plan_study
from tuning_playbook.trials.pack_file import write_pack
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, TrialRecord
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_files import (
    FORMAT,
)
from tuning_playbook.trials.trial_json import write_trial_json

METRICS = tuple(
    f"{split}/{name}"
    for name in ("loss", *(f"error_{power}" for power in range(1, 6)))
    for split in EVALUATED_SPLITS
)

EXPAND = """
import sys
from pathlib import Path
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import plan_study
plan = plan_study(Path(sys.argv[1]))
len(plan.packs), keys_of(plan)
"""

COLLECT = """
import sys
from pathlib import Path
from tuning_playbook.dataset.collect import collect_study, keep_dataset
from tuning_playbook.planning.plan import plan_study
plan = plan_study(Path(sys.argv[1]))
folder = Path(sys.argv[2])
packs = [folder / f"packs/{pack}.nc" for pack in plan.packs]
keep_dataset(folder / "study.nc", collect_study(plan, packs, folder=folder))
"""

NOTHING = "import tuning_playbook.dataset.collect"


@dataclass(frozen=True)
class Case:
    """A study of one size.

    Attributes:
        folder: In which Snakemake runs.
        trials: Of the study.
        per_job: Trials of a job.
        cache: The user's cache folder, where the workload's description is found.
    """

    folder: Path
    trials: int
    per_job: int
    cache: Path

    @property
    def jobs(self) -> int:
        """Return how many training jobs it has."""
        return -(-self.trials // self.per_job)

    @property
    def spec(self) -> Path:
        """Return the spec's file."""
        return self.folder / "many.yaml"

    @property
    def results(self) -> Path:
        """Return the study's folder of results."""
        return self.folder / "results" / "many"

    def python(self, code: str, *arguments: str | Path) -> Measured:
        """Run Python code in a process of its own."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return measure(command, cache=self.cache, cwd=self.folder)

    def snakemake(self, *arguments: str, snakefile: Path = ROOT / "Snakefile") -> Measured:
        """Run Snakemake in the folder."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--cores", "2"]
        return measure([*command, *arguments], cache=self.cache, cwd=self.folder)

    def study(self, *arguments: str, results: str = "results") -> Measured:
        """Run this project's Snakefile for the study's dataset."""
        config = (f"study={self.spec}", f"results={self.folder / results}")
        return self.snakemake(*arguments, "study_dataset", "--config", *config)


def make_case(folder: Path, trials: int, per_job: int, cache: Path) -> Case:
    """Write a study of so many trials."""
    case = Case(folder / f"{trials}-{per_job}", trials, per_job, cache)
    if case.folder.exists():
        return case
    case.folder.mkdir()
    (case.folder / "config").symlink_to(ROOT / "config")
    (case.folder / "trivial.py").write_text((ROOT / "benchmarks" / "trivial.py").read_text())
    spec = {
        "goal": "What does a study of this size cost?",
        "workload": "trivial:Trivial",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 2000, "batch_size": 16, "eval_every": 20},
        "nuisance": {"learning_rate": {"log_uniform": [1.0e-3, 1.0e-1]}},
        "fixed": {"optimizer": "momentum"},
        "search": {"algorithm": "halton", "trials": trials},
        "resources": {"trials_per_job": per_job},
    }
    with case.spec.open("w") as file:
        YAML(typ="safe", pure=True).dump(spec, file)
    case.python(EXPAND, case.spec)  # the workload is described once
    return case


def made_up(trial: Trial) -> TrialRecord:
    """Return a record of a trial as large as a real one."""
    random = np.random.default_rng(trial.seed % 2**32)

    def curves(steps: np.ndarray, names: Iterable[str]) -> Curves:
        return Curves(steps, {name: random.random(len(steps), np.float32) for name in names})

    return TrialRecord(
        fingerprint=trial.fingerprint,
        status="completed",
        reason="",
        evaluations=curves(evaluation_steps(trial), METRICS),
        logged=curves(window_ends(trial.max_train_steps, trial.eval_every), SERIES),
        gradient=gradient_summary(random.random(trial.max_train_steps), 0.0),
    )


def write_packs(case: Case) -> Plan:
    """Write the pack files of a study, as its training jobs would."""
    plan = plan_study(case.spec)
    for pack in plan.packs.values():
        path = case.results / "packs" / f"{pack.id}.nc"
        if not path.exists():
            records = {trial.id: made_up(trial) for trial in pack.trials}
            for name, record in records.items():
                write_trial_json(case.results / "trials" / name, told_of(record))
            write_pack(path, records)
    return plan


def told_of(record: TrialRecord) -> dict[str, object]:
    """Return what a trial.json says of the numbers of its trial."""
    return {
        "format": FORMAT,
        "fingerprint": record.fingerprint,
        "status": record.status,
        "infeasible_reason": record.reason,
        "numbers_sha256": record.sha256,
    }


def expand(case: Case) -> Iterator[Figure]:
    """Expansion alone: the study's trials, packs and keys."""
    done, start = case.python(EXPAND, case.spec), case.python(NOTHING)
    yield Figure("CPU seconds to expand", (done.cpu,), None, memory(done, start))


def plan(case: Case) -> Iterator[Figure]:
    """`snakemake -n` from nothing, against a bare Snakefile of as many jobs."""
    bare = bare_case(case, "bare")
    ours, theirs = at_once(
        lambda: case.study("-n", results="nothing"),
        lambda: bare.snakemake("-n", snakefile=Path("Snakefile")),
    )
    yield against_bare("from nothing", ours, theirs)


def replan(case: Case) -> Iterator[Figure]:
    """`snakemake -n` when all is done, against a bare Snakefile of as many jobs."""
    bare = bare_case(case, "bare-done")
    if not (case.results / "current").exists():
        write_packs(case)
        case.python(COLLECT, case.spec, case.results)
        (case.results / "current").mkdir()
        (case.results / f"current/study-{keys_of(plan_study(case.spec))['study']}").touch()
        case.study("--touch")
    if not (bare.folder / "packs").exists():
        (bare.folder / "packs").mkdir()
        for name in ("study.nc", *(f"packs/{number:010x}.nc" for number in range(case.jobs))):
            (bare.folder / name).touch()
        bare.snakemake("--touch", snakefile=Path("Snakefile"))
    ours, theirs = at_once(
        lambda: case.study("-n"),
        lambda: bare.snakemake("-n", snakefile=Path("Snakefile")),
    )
    yield against_bare("all done", ours, theirs)


def bare_case(case: Case, name: str) -> Case:
    """Write a bare Snakefile of as many jobs into a folder of its own."""
    folder = case.folder / name
    folder.mkdir(exist_ok=True)
    (folder / "Snakefile").write_text(MANY_JOBS.replace("10000", str(case.jobs)))
    return replace(case, folder=folder)


def against_bare(when: str, ours: Measured, bare: Measured) -> Figure:
    """Compare two runs of `snakemake -n`, by the time that their processes took of a core."""
    return Figure(
        f"snakemake -n, {when}, / bare, CPU",
        (ours.cpu / bare.cpu,),
        Bar(1.5),
        f"{ours.cpu:.3g} to {bare.cpu:.3g} s; wall {ours.wall / bare.wall:.3g}; "
        f"{memory(ours, bare)}",
    )


def collect(case: Case) -> Iterator[Figure]:
    """Collecting the pack files into study.nc."""
    write_packs(case)
    done, start = case.python(COLLECT, case.spec, case.results), case.python(NOTHING)
    size = (case.results / "study.nc").stat().st_size
    note = f"wall {done.wall:.3g} s; study.nc {size / 1e6:.3g} MB"
    yield Figure("CPU seconds to collect", (done.cpu,), Bar(60), note)
    yield Figure("GB to collect", (done.peak_bytes / 1e9,), Bar(2), memory(done, start))


def files(case: Case) -> Iterator[Figure]:
    """Files on disk for each trial, of trials that were trained."""
    (case.folder / "trained").mkdir()  # other packs are there already
    case = make_case(case.folder / "trained", case.trials, case.per_job, case.cache)
    case.study()
    found = [path for path in case.folder.rglob("*") if path.is_file()]
    ours = [path for path in found if path.is_relative_to(case.results)]
    size = sum(path.stat().st_size for path in ours)
    theirs = sum(".snakemake" in path.parts for path in found)
    yield Figure(
        "files of a trial",
        (len(ours) / case.trials,),
        Bar(25),
        f"{size / case.trials / 1e3:.3g} kB; Snakemake's own records {theirs / case.trials:.3g}",
    )


PARTS: dict[str, Callable[[Case], Iterator[Figure]]] = {
    "expand": expand,
    "plan": plan,
    "replan": replan,
    "collect": collect,
    "files": files,
}

MOST_TRAINED = 128
"""Files are counted of studies up to this size: the number for each trial is the same in larger."""


def memory(ours: Measured, other: Measured) -> str:
    """Tell the peak memory of two processes."""
    return f"{ours.peak_bytes / 1e6:.4g} to {other.peak_bytes / 1e6:.4g} MB"


def main() -> None:
    """Measure the parts that the command line names, at each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1000, 10000])
    parser.add_argument("--per-job", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--folder", type=Path, help="where the studies are kept")
    options = parser.parse_args()
    print(machine())
    for text in header():
        print(text)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        folder = options.folder or Path(temporary)
        cache = folder / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        for per_job in options.per_job:
            for trials in options.trials:
                print(f"-- {trials:,} trials, {per_job} in a job", flush=True)
                case = make_case(folder, trials, per_job, cache)
                for name in options.parts or PARTS:
                    if name != "files" or trials <= MOST_TRAINED:
                        for figure in PARTS[name](case):
                            print(line(figure), flush=True)


if __name__ == "__main__":
    main()
