"""The whole analysis of large studies: from finished packs to the report, rule by rule."""

import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.process import ROOT, measure
from benchmarks.studies import write_study
from benchmarks.table import Bar, Figure
from tuning_playbook.analysis.ranking import best_trials, trial_id
from tuning_playbook.dataset.collect import collect_study
from tuning_playbook.dataset.reruns import choose_reruns
from tuning_playbook.engine.windows import (
    evaluation_steps,
    gradient_summary,
    window_ends,
    windowed,
)
from tuning_playbook.planning.plan import plan_study, request_of
from tuning_playbook.trials.best_checkpoint import BestCheckpoint, write_best
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.record import Curves, TrialRecord
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_files import pack_trials, trial_folder, write_trial

TRIALS = (64, 1_000, 10_000)
EVAL_EVERY = 20
"""Of 2,000 steps: a hundred evaluations, and one before training."""

BEST_RATE = {"nesterov": 0.05, "momentum": 0.05, "adam": 2e-3}
"""The simulated optimum of the learning rate."""
TRIALS_PER_JOB = 20

TEN_MINUTES = 600.0
"""What the largest of them may take, on two cores."""

PROVENANCE = {
    "host": "simulated",
    "machine": "simulated",
    "backend": "cpu",
    "device": "cpu",
    "wall_seconds": 12.0,
    "compile_seconds": 1.0,
    "steps_per_second": 180.0,
    "peak_memory_bytes": 5e8,
    "threads": 1,
    "versions": {"jax": "0.10.2", "numpy": "2"},
}


def analysis(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Seconds from the packs of 64, 1,000 and 10,000 simulated trials to the report."""
    cache = folder / "cache"
    for trials in TRIALS[:-1] if quick else TRIALS:
        work = folder / str(trials)
        work.mkdir()
        spec = write_simulated_study(work, trials)
        (work / "config").symlink_to(ROOT / "config")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        asked = ["--config", f"study={spec}"]
        measure([*command, "--list-rules", *asked], cache=cache, cwd=work)
        whole = measure([*command, "--cores", "2", "report", *asked], cache=cache, cwd=work)
        study = work / "results" / spec.stem
        report = (study / "report.html").stat().st_size / 1e6
        yield Figure(
            f"seconds from packs to report, {trials:,} trials",
            (whole.wall,),
            Bar(TEN_MINUTES),
            f"CPU {whole.cpu:.3g} s; report {report:.3g} MB",
        )
        for rule, seconds, megabytes in rule_times(study / "benchmarks"):
            yield Figure(f"  {rule}", (seconds,), None, f"seconds; {megabytes:.0f} MB at most")


def rule_times(benchmarks: Path) -> list[tuple[str, float, float]]:
    """Return each rule's seconds and most memory, as Snakemake noted them, the longest first."""
    found = []
    for path in benchmarks.rglob("*.tsv"):
        if path.parent.name == "mark":
            continue
        with path.open() as file:
            (row,) = csv.DictReader(file, delimiter="\t")
        name = str(path.relative_to(benchmarks).with_suffix(""))
        memory = 0.0 if row["max_rss"] == "NA" else float(row["max_rss"])
        found.append((name, float(row["s"]), memory))
    return sorted(found, key=lambda item: -item[1])


def write_simulated_study(work: Path, trials: int) -> Path:
    """Write a spec, the packs of its trials and the folders of its reruns, as if all were trained.

    Every file is written by the package's own writers.

    Args:
        work: An empty folder.
        trials: Of both arms together.

    Returns:
        The spec's path.
    """
    spec = write_study(
        work / f"simulated_{trials}.yaml",
        trials=trials // 2,
        resources={"trials_per_job": TRIALS_PER_JOB},
        training={"eval_every": EVAL_EVERY},
    )
    plan = plan_study(spec)
    study = work / "results" / plan.study.name
    selection = request_of(plan, ()).selection
    for pack in plan.packs.values():
        records = {t.id: write_simulated_trial(study, t, selection) for t in pack.trials}
        pack_trials(study, study / "packs" / f"{pack.id}.nc", pack.trials, records)
    dataset = collect_study(plan, sorted((study / "packs").iterdir()))
    best = {arm: trial_id(dataset, place) for arm, place in best_trials(dataset).items()}
    for choice in choose_reruns(plan, best).values():
        for content in choice["trials"]:
            write_simulated_trial(study, trial_from_json(content), selection)
    return spec


def write_simulated_trial(study: Path, trial: Trial, selection: CheckpointSelection) -> TrialRecord:
    """Write a trial as if it had been trained, but for its checkpoints; return its record."""
    record = simulated_record(trial)
    error = np.asarray(record.evaluations.values[selection.metric])
    best = BestCheckpoint(
        step=int(record.evaluations.steps[int(np.nanargmin(error))]),
        means={},
        sample_error={},
        class_right=[30] * 10,
        class_examples=[36] * 10,
    )
    write_best(trial_folder(study, trial), selection, best)
    write_trial(study, trial, record, kept_steps=[best.step], provenance=PROVENANCE)
    return record


def simulated_record(trial: Trial) -> TrialRecord:
    """Return what a trial of the default study might have come to.

    Its error falls as a power of the step, to a level that a bowl in the logarithms of its
    hyperparameters gives it, with noise; a learning rate far beyond the best one diverges.
    """
    draw = np.random.default_rng(trial.seed)
    values = trial.hyperparameters
    away = math.log10(float(values["learning_rate"]) / BEST_RATE[str(values["optimizer"])])
    decay = math.log10(max(1e-6, float(values["weight_decay"])) / 1e-4)
    level = 0.03 + 0.02 * away**2 + 0.004 * decay**2 + draw.normal(0, 0.003)
    diverges = away > 1.2
    stop = int(draw.integers(1, trial.max_train_steps)) if diverges else trial.max_train_steps

    def curve(steps: np.ndarray, end: float, noise: float) -> np.ndarray:
        exact = end + (0.9 - end) * (1 + steps / 40) ** -1.0
        values = exact * np.exp(draw.normal(0, noise, len(steps)))
        return np.where(steps <= stop, values, np.nan).astype(np.float32)

    steps = np.arange(1, trial.max_train_steps + 1)
    evaluated = evaluation_steps(trial)
    errors = {
        split: curve(evaluated, end, 0.02)
        for split, end in (("train", 0.7 * level), ("validation", level))
    }
    logged = {
        "train_loss": curve(steps, 2 * level, 0.1),
        "grad_norm": curve(steps, 0.5, 0.3),
        "update_norm": curve(steps, 0.01, 0.3),
        "learning_rate_t": np.full(len(steps), values["learning_rate"], np.float32),
    }
    return TrialRecord(
        fingerprint=trial.fingerprint,
        status="diverged" if diverges else "completed",
        reason=f"loss not finite at step {stop}" if diverges else "",
        evaluations=Curves(
            evaluated,
            {f"{split}/loss": 3 * values for split, values in errors.items()}
            | {f"{split}/error_rate": values for split, values in errors.items()},
        ),
        logged=Curves(
            window_ends(trial.max_train_steps, trial.eval_every),
            windowed(logged, trial.eval_every),
        ),
        gradient=gradient_summary(logged["grad_norm"], 0.0),
    )
