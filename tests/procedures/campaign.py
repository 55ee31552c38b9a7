"""Campaigns without training: each round is simulated, and its own next_study.yaml is the next.

A surface says what a configuration reaches on average; the curves fall to it, and each seed adds a
normal deviate of standard deviation `NOISE`. Everything else is the project's own: the plan, the
dataset, the checklist, the reruns, the decision.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from tests.specs import write_spec
from tuning_playbook.analysis.best_result import best_result
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.dataset.collect import assemble, axes_of
from tuning_playbook.dataset.reruns import choose_reruns, describe_reruns
from tuning_playbook.dataset.rows import Row
from tuning_playbook.engine.windows import SERIES, evaluation_steps, window_ends
from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.plan import Plan, study_of
from tuning_playbook.procedures.next_study import write_next_study
from tuning_playbook.search.bayesian import propose
from tuning_playbook.study.caveats import caveats
from tuning_playbook.study.read import read_spec
from tuning_playbook.study.regularization import regularized_arms
from tuning_playbook.study.simplicity import simplicity
from tuning_playbook.study.yaml import read_yaml
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, TrialRecord
from tuning_playbook.trials.trial import trial_from_json

NOISE = 0.01
"""The standard deviation of the objective over seeds."""

MOST_ROUNDS = 8


@dataclass(frozen=True)
class Played:
    """A round that was played.

    Attributes:
        plan: Its plan, with all its trials.
        study: Its dataset.
        reruns: The dataset of its reruns.
        launch: Its launch.json.
        next_text: Its next_study.yaml.
        trainings: Its trials and reruns.
    """

    plan: Plan
    study: object
    reruns: object
    launch: dict
    next_text: str
    trainings: int


def campaign(folder, spec, surface, seed):
    """Play a study and its own next ones until nothing is left to ask; return the rounds."""
    random = np.random.default_rng(seed)
    path = write_spec(folder / "study.yaml", spec)
    rounds, results = [], {}
    while len(rounds) < MOST_ROUNDS:
        played = play(path, surface, random, results)
        rounds.append(played)
        results[str(path)] = played.study
        path = path.with_name(f"study_round{len(rounds) + 1}.yaml")
        path.write_text(played.next_text)
        if not read_yaml_or_none(path):
            break
    return rounds


def read_yaml_or_none(path):
    """The document of a spec; None where it is a comment alone."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return read_yaml(path, what="study spec")[0] if lines else None


def play(path, surface, random, results):
    """Play one round.

    Args:
        path: Its spec.
        surface: From a configuration to the mean of what it reaches.
        random: Of the seeds' deviates.
        results: The datasets of earlier rounds, by their specs.
    """
    written = read_spec(path)
    taken = {
        item.earlier: best_result(results[item.wanted.study], item.wanted.arm)
        for item in written.references
    }
    return play_plan(Plan(study_of(written, taken)), surface, random)


def play_plan(plan, surface, random):
    """Play a round whose plan is known; see `play`."""
    metrics = tuple(plan.study.workload.metrics)
    reached = functools.partial(_record, surface=surface, random=random, metrics=metrics)
    records = {item.trial.id: reached(item.trial) for item in plan.trials}
    plan = _proposed(plan, records, reached, plan.study.spec.objective.metric)
    study = _collect(
        plan.study,
        [Row(item.index, item.arm, item.trial, item.searched) for item in plan.trials],
        records,
    )
    chosen = choose_reruns(plan, best_ids(study))
    rows = [
        Row(0, arm, trial_from_json(content), {}, {"rerun": n, "rerun_of": choice["rerun_of"]})
        for arm, choice in chosen.items()
        for n, content in enumerate(choice["trials"])
    ]
    again = {row.trial.id: reached(row.trial) for row in rows}
    reruns = describe_reruns(_collect(plan.study, rows, again), plan.study)
    findings = [*diagnose(study), nothing_matters(study), importance(study)]
    spec = plan.study.spec
    launch = decide(
        study,
        reruns,
        findings,
        goal=spec.goal,
        simple=simplicity(plan.study),
        regularized=regularized_arms(plan.study),
        min_improvement=spec.launch.min_improvement,
        caveats=caveats(plan.study),
    ).to_json()
    file = plan.study.path.with_name("next_study.yaml")
    text = write_next_study(plan.study, study, findings, launch, file=file)
    return Played(plan, study, reruns, launch, text, len(plan.trials) + len(rows))


def _proposed(plan, records, reached, metric):
    """Return a plan with the trials that the rounds of a Bayesian search propose, if it has any."""
    proposals = {}
    for current in plan.rounds.values():
        (arm,) = [arm for arm in plan.study.arms if arm.name == current.arm]
        items = [item for item in plan.trials if item.arm == arm.name]
        proposals[current.id] = {
            "searched": propose(
                {item.name: item.distribution for item in arm.dimensions},
                [item.searched for item in items],
                [_objective(records[item.trial.id], metric) for item in items],
                count=current.trials,
                seed=current.seed,
            )
        }
        plan = Plan(plan.study, dict(proposals))
        for item in plan.trials:
            if item.trial.id not in records:
                records[item.trial.id] = reached(item.trial)
    return plan


def _objective(record, metric):
    return float(np.min(record.evaluations.values[metric]))


def _collect(study, rows, records):
    return assemble(study, rows, [records], axes_of(study, rows, records.values()))


def _record(trial, *, surface, random, metrics):
    """Return the record of a trial: it falls from 1 to what the surface says, give or take noise.

    All its metrics do so alike.
    """
    steps = evaluation_steps(trial)
    ends = window_ends(trial.max_train_steps, trial.eval_every)
    final = surface({**trial.hyperparameters, "batch_size": trial.batch_size})
    final += NOISE * random.normal()
    fraction = np.asarray(steps) / trial.max_train_steps
    fall = final + (1.0 - final) * np.exp(-fraction / 0.06)
    curve = np.float32(fall + NOISE / 10 * random.normal(size=len(steps)))
    values = {f"{split}/{name}": curve for name in metrics for split in EVALUATED_SPLITS}
    logged = {name: np.full(len(ends), 0.5, np.float32) for name in SERIES}
    return TrialRecord(
        trial.fingerprint, "completed", "", Curves(steps, values), Curves(ends, logged)
    )


def bowl(cells, names, rates):
    """Return a surface: the level of each cell, and a bowl in the logarithm of the learning rate.

    Args:
        cells: The best mean of each combination of two hyperparameters.
        names: The two.
        rates: The best learning rate of each combination.
    """

    def surface(values):
        cell = tuple(values[name] for name in names)
        away = math.log10(values["learning_rate"] / rates[cell])
        decay = math.log10(values["weight_decay"] / 1e-4) if values["weight_decay"] else 2.0
        return cells[cell] + 0.075 * away**2 + 0.001 * decay**2

    return surface
