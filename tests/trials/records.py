"""Records of trials with known numbers, as the engine would write them."""

import numpy as np

from tuning_playbook.engine.windows import (
    SERIES,
    evaluation_steps,
    gradient_summary,
    window_ends,
)
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, TrialRecord


def record_of(trial, error_rate, *, status="completed", reason=""):
    """Return a record whose error rates are given."""
    steps = evaluation_steps(trial)
    ends = window_ends(trial.max_train_steps, trial.eval_every)
    metrics = {"loss": np.ones(len(steps), np.float32), "error_rate": np.float32(error_rate)}
    return TrialRecord(
        fingerprint=trial.fingerprint,
        status=status,
        reason=reason,
        evaluations=Curves(
            steps,
            {
                f"{split}/{name}": values
                for name, values in metrics.items()
                for split in EVALUATED_SPLITS
            },
        ),
        logged=Curves(ends, {name: np.full(len(ends), 0.5, np.float32) for name in SERIES}),
        gradient=gradient_summary(np.ones(trial.max_train_steps), 0.0),
    )


def trial_json_of(trial, **others):
    """What the trial.json of a finished trial says, but for its own hash."""
    content = {
        "format": 3,
        "trial": trial.to_json(),
        "fingerprint": trial.fingerprint,
        "status": "completed",
        "infeasible_reason": "",
        "numbers_sha256": "0" * 64,
        "kept_steps": [],
        "provenance": {},
    }
    return content | others
