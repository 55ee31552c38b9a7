"""A study as its report sees it: small, made up, keeping the schema of the datasets."""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.dataset.searched import Searched, to_attributes
from tuning_playbook.planning.budget import BudgetRow
from tuning_playbook.report.card import RoleRow, StudyCard
from tuning_playbook.report.html import render
from tuning_playbook.study.rule_of_thumb import Advice

ARMS = ("optimizer=nesterov", "optimizer=adam")
STEPS = np.arange(0, 2001, 100)
SVG = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<svg xmlns="http://www.w3.org/2000/svg" width="504pt" height="360pt" '
    'viewBox="0 0 504 360" version="1.1"><style>*{{stroke-linejoin:round}}</style>'
    '<text x="9" y="20">{}</text></svg>\n'
)


@dataclass(frozen=True)
class Example:
    """Everything that a report is rendered from."""

    card: StudyCard
    study: xr.Dataset
    reruns: xr.Dataset
    findings: tuple[dict[str, Any], ...]
    launch: dict[str, Any]
    resources: xr.Dataset
    plots: dict[str, str]
    next_study: str = ""
    test: dict[str, Any] | None = None
    final: dict[str, Any] | None = None

    def render(self, **changes: Any) -> str:
        example = replace(self, **changes)
        return render(
            example.card,
            study=example.study,
            reruns=example.reruns,
            findings=example.findings,
            launch=example.launch,
            resources=example.resources,
            plots=example.plots,
            next_study=example.next_study,
            test=example.test,
            final=example.final,
        )


def trial_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:10]


def make_trials(arms: list[str], seed: int, infeasible_every: int = 0) -> xr.Dataset:
    """Trials that reach an error rate drawn around 2.5 %; some diverge where it is asked for."""
    generator = np.random.default_rng(seed)
    count = len(arms)
    best = np.round(0.02 + 0.03 * generator.random(count) ** 2, 5)
    fall = np.exp(-STEPS / 300)[None, :]
    validation = best[:, None] + (0.9 - best[:, None]) * fall
    train = 0.2 * best[:, None] * (STEPS < 1500) + 0.9 * fall * (STEPS < 1500)
    error_rate = np.stack([train, validation], axis=-1)
    status = np.full(count, "completed", dtype=object)
    reason = np.full(count, "", dtype=object)
    if infeasible_every:
        lost = np.arange(count) % infeasible_every == infeasible_every - 1
        error_rate[lost, 5:] = np.nan
        status[lost] = "diverged"
        reason[lost] = "the training loss was not finite from step 412 on"
    objective = np.where(status == "completed", error_rate[:, :, 1].min(axis=1), np.nan)
    adam = np.array(["adam" in arm for arm in arms])
    rate = np.round(10 ** generator.uniform(-4, -1, count), 6)
    decay = np.round(10 ** generator.uniform(-6, -2, count), 9)
    one_minus_momentum = np.where(adam, np.nan, np.round(10 ** generator.uniform(-3, 0, count), 6))
    learning_rate, momentum = (
        [
            Searched(
                "learning_rate",
                f"optimizer={name}",
                (f"optimizer={name}",),
                "nuisance",
                "log_uniform",
                low,
                high,
                "log",
            )
            for name, low, high in (("nesterov", 1e-3, 1.0), ("adam", 1e-5, 0.1))
        ],
        [
            Searched(
                "one_minus_momentum",
                "optimizer=nesterov",
                ("optimizer=nesterov",),
                "nuisance",
                "log_uniform",
                1e-3,
                1.0,
                "log",
            )
        ],
    )
    weight_decay = [
        Searched("weight_decay", "", ARMS, "nuisance", "log_uniform", 1e-6, 1e-2, "log")
    ]
    best_step = np.where(status == "completed", 2000, -1)
    per_trial = {
        "objective": objective,
        "best_step": best_step,
        "status": status,
        "infeasible_reason": reason,
        "index": np.arange(count),
        "arm": np.array(arms, dtype=object),
        "seed": np.arange(count) + 1000,
        "fingerprint": np.array([trial_id(f"{seed}/{i}") * 6 for i in range(count)], dtype=object),
    }
    return xr.Dataset(
        {
            "error_rate": (("trial", "eval_step", "split"), error_rate),
            **{name: ("trial", values) for name, values in per_trial.items()},
            "best_steps": (("trial", "rank"), best_step[:, None]),
            "hp_optimizer": ("trial", np.where(adam, "adam", "nesterov"), {"role": "scientific"}),
            "hp_weight_decay": ("trial", decay, to_attributes(weight_decay)),
            "hp_learning_rate": ("trial", rate, to_attributes(learning_rate)),
            "hp_one_minus_momentum": ("trial", one_minus_momentum, to_attributes(momentum)),
            "hp_momentum": ("trial", 1 - one_minus_momentum, {"role": "fixed"}),
            "hp_activation": ("trial", np.full(count, "relu", dtype=object), {"role": "fixed"}),
        },
        coords={
            "trial": [trial_id(f"{seed}-{position}") for position in range(count)],
            "eval_step": STEPS,
            "split": ["train", "validation"],
        },
        attrs={
            "study": "optimizer_choice",
            "arms": list(ARMS),
            "arm_settings": json.dumps([{"optimizer": arm.split("=")[1]} for arm in ARMS]),
            "objective_metric": "validation/error_rate",
            "objective_mode": "min",
            "max_train_steps": 2000,
        },
    )


def make_study(trials: int = 16) -> xr.Dataset:
    """Half of the trials in each arm; every fifth diverges."""
    return make_trials([ARMS[position % 2] for position in range(trials)], 7, infeasible_every=5)


def make_reruns(study: xr.Dataset) -> xr.Dataset:
    """Five reruns of each arm's best trial, and of the baseline."""
    arms = [arm for arm in (*ARMS, "baseline") for _ in range(5)]
    best = {
        arm: str(
            study["trial"].to_numpy()[
                np.nanargmin(np.where(study["arm"].to_numpy() == arm, study["objective"], np.nan))
            ]
        )
        for arm in ARMS
    }
    return make_trials(arms, 8).assign(
        rerun=("trial", np.arange(15) % 5),
        rerun_of=("trial", np.array([best.get(arm, "") for arm in arms], dtype=object)),
    )


def make_resources(study: xr.Dataset) -> xr.Dataset:
    count = study.sizes["trial"]
    return xr.Dataset(
        {
            "wall_seconds": ("trial", 4.0 + np.arange(count) / 10),
            "compile_seconds": ("trial", np.full(count, 0.5)),
            "steps_per_second": ("trial", np.full(count, 512.0)),
            "peak_memory_bytes": ("trial", np.full(count, 300 * 2.0**20)),
            "host": ("trial", np.full(count, "workstation", dtype=object)),
            "finished": ("trial", np.full(count, "2026-01-05T10:00:00Z", dtype=object)),
            "backend": ("trial", np.full(count, "cpu", dtype=object)),
            "version_python": ("trial", np.full(count, "3.11.7", dtype=object)),
            "version_jax": ("trial", np.full(count, "0.10.2", dtype=object)),
        },
        coords={"trial": study["trial"]},
    )


def make_launch(study: xr.Dataset, reruns: xr.Dataset) -> dict[str, Any]:
    """Nesterov momentum is the candidate."""

    def contender(arm: str) -> dict[str, Any]:
        again = reruns["objective"].to_numpy()[reruns["arm"].to_numpy() == arm]
        source = study if arm in ARMS else reruns
        position = int(
            np.nanargmin(np.where(source["arm"].to_numpy() == arm, source["objective"], np.nan))
        )
        chosen = source.isel(trial=position)
        return {
            "arm": arm,
            "trial": str(chosen["trial"].item()) if arm in ARMS else "",
            "hyperparameters": {
                str(name).removeprefix("hp_"): chosen[name].item()
                for name in chosen.data_vars
                if str(name).startswith("hp_") and chosen[name].item() == chosen[name].item()
            },
            "trials": int((study["arm"] == arm).sum()),
            "feasible_trials": int(np.isfinite(study["objective"][study["arm"] == arm]).sum()),
            "search_objective": float(chosen["objective"]) if arm in ARMS else None,
            "rerun_objectives": [float(value) for value in again],
            "rerun_seeds": [1, 2, 3, 4, 5],
            "mean": float(again.mean()),
            "standard_deviation": float(again.std(ddof=1)),
        }

    better, other = ARMS
    pair = {"arm": better, "other": other, "difference": 0.0042}
    question = {
        "verdict": "differs",
        "best": [better],
        "sentence": f"{better} is better than {other} by 0.0042 (95 % interval 0.0018 to 0.0066).",
        "needed_reruns": None,
        "pairs": [pair | {"low": 0.0018, "high": 0.0066, "p": 0.0021}],
    }
    return {
        "decision": "provisional",
        "answer": {
            "goal": "Which optimizer reaches the lowest validation error?",
            "sentence": question["sentence"],
            "evidence": "reruns",
            "questions": [{"hyperparameter": name} | question for name in ("optimizer", None)],
            "interactions": [],
            "curves": [],
        },
        "what_would_change": ["More reruns: `reruns: {seeds: 12}`."],
        "passed_over": [],
        "gains": None,
        "reasons": [
            "Over five reruns each the candidate's mean is 0.0021 lower than the baseline's.",
            "The checklist has a problem, so the comparison cannot be trusted yet.",
        ],
        "candidate": contender(ARMS[0]),
        "baseline": contender("baseline"),
        "other_arms": [contender(ARMS[1])],
        "difference": {
            "improvement": 0.0021,
            "low": -0.0004,
            "high": 0.0046,
            "confidence": 0.95,
            "method": "Welch's t interval for the difference of two means",
            "lower_bound": 0.0001,
            "bound_confidence": 0.95,
            "bootstrap_low": -0.0001,
            "bootstrap_high": 0.0043,
            "probability_better": 0.958,
            "probability_low": 0.61,
            "probability_high": 0.997,
            "smallest_detectable": 0.0031,
        },
        "min_improvement": 0.001,
        "complexity": "none: both are one line of optax",
        "caveats": ["The validation split has 359 images: one is 0.28 %."],
        "objective_metric": "validation/error_rate",
        "objective_mode": "min",
        "open_problems": ["boundary"],
    }


def make_findings(study: xr.Dataset) -> tuple[dict[str, Any], ...]:
    ids = [str(trial) for trial in study["trial"].to_numpy()]
    lost = [
        trial
        for trial, value in zip(ids, study["objective"].to_numpy(), strict=True)
        if math.isnan(value)
    ]
    return tuple(
        finding.to_json()
        for finding in (
            Finding(
                "boundary",
                "Is the search space large enough?",
                "problem",
                "The best trials of optimizer=adam cluster at the low edge of learning_rate.",
                {
                    "significance": 0.03,
                    "hyperparameters": [
                        {"hyperparameter": name, "arm": arm, "top_positions": [0.04, 0.1]}
                        for name in ("weight_decay", "learning_rate")
                        for arm in ARMS
                    ],
                },
                (ids[1],),
                "Run another study with the range moved down, to [1e-7, 1e-2].",
                "Identifying bad search space boundaries",
            ),
            Finding(
                "infeasible",
                "What fraction of the trials is infeasible?",
                "warning",
                f"{len(lost)} of {len(ids)} trials are infeasible, all with a large learning rate.",
                {
                    "optimizer=nesterov": {"trials": 8, "infeasible": 1},
                    "by": [{"reason": "diverged", "n": 2}],
                },
                tuple(lost),
                "Adjust the search space to avoid sampling such points.",
                "Extracting insight from experimental results",
            ),
            Finding(
                "overfitting",
                "Does any of the best trials show problematic overfitting?",
                "ok",
                "The validation error of no arm's best trial rises towards the end.",
            ),
            Finding(
                "still_improving",
                "Are the trials still improving at the end of training?",
                "cannot tell",
                "Too few evaluations in the last tenth of training to tell.",
            ),
        )
    )


def make_card() -> StudyCard:
    nesterov = ("optimizer=nesterov",)
    return StudyCard(
        name="optimizer_choice",
        goal="Which optimizer, Nesterov momentum or Adam, reaches the lowest validation error?",
        notes="first exploration round",
        config="config/studies/optimizer_choice.yaml",
        workload="digits_mlp",
        workload_description="A multilayer perceptron on 1,797 handwritten digits.",
        spec_yaml="goal: Which optimizer?\nscientific:\n  optimizer: [nesterov, adam]\n",
        roles=(
            RoleRow("optimizer", "scientific", "nesterov, adam", description="update rule"),
            RoleRow(
                "weight_decay", "nuisance", "log_uniform [1e-06, 0.01]", description="L2 penalty"
            ),
            RoleRow(
                "learning_rate",
                "nuisance",
                "log_uniform [0.001, 1]",
                nesterov,
                description="peak step size",
            ),
            RoleRow("activation", "fixed", "relu", description="nonlinearity"),
            RoleRow("epsilon", "fixed", "1e-08", origin="default", description="added to the root"),
        ),
        commands=(("The whole study", "snakemake --cores 2 --config study=optimizer_choice"),),
        trial_command="python -m tuning_playbook reproduce optimizer_choice --trial {trial}",
        objective_metric="validation/error_rate",
        objective_mode="min",
        trials_per_arm=8,
        duplicates=("Trials 3 and 5 are one configuration, trained once.",),
        budget=tuple(BudgetRow(arm, 8, 5, 26_000) for arm in ARMS),
        advice=(
            Advice("few_trials", "Fewer than 10 trials.", "An arm may be luckier.", "Striking"),
        ),
    )


def make_example(trials: int = 16) -> Example:
    study = make_study(trials)
    reruns = make_reruns(study)
    stems = (
        "axis_weight_decay",
        "axis_one_minus_momentum.optimizer-nesterov",
        "axis_learning_rate.optimizer-adam",
        "axis_learning_rate.optimizer-nesterov",
        "gradient_norms",
        "training_loss",
        "training_curves",
        "reruns",
        "isolation",
    )
    return Example(
        card=make_card(),
        study=study,
        reruns=reruns,
        findings=make_findings(study),
        launch=make_launch(study, reruns),
        resources=make_resources(study),
        plots={stem: SVG.format(stem) for stem in stems},
    )
