"""The hash of a record is that of what was measured, whatever holds the numbers."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from tuning_playbook.trials.record import Curves, GradientSummary, TrialRecord

RECORD = TrialRecord(
    fingerprint="f" * 64,
    status="diverged",
    reason="the loss is not finite at step 20",
    evaluations=Curves(
        (0, 10, 20),
        {"train/loss": (1.5, 0.1, float("nan")), "validation/loss": (2.5, 0.3, float("nan"))},
    ),
    logged=Curves((5, 10, 15, 20), {"grad_norm": (4.0, 2.0, 1.0, float("nan"))}),
    gradient=GradientSummary((0, 3, 1), 3.5, float("nan")),
)
"""As it would be read from a table: its numbers are Python's own."""


def single(values):
    """Return values as single precision has them, as Python's own numbers."""
    return tuple(np.float32(values).tolist())


def held(record, steps, numbers):
    """Return a record whose steps and numbers are held by these types."""
    return dataclasses.replace(
        record,
        evaluations=Curves(
            steps(record.evaluations.steps),
            {name: numbers(values) for name, values in record.evaluations.values.items()},
        ),
        logged=Curves(
            steps(record.logged.steps),
            {name: numbers(values) for name, values in record.logged.values.items()},
        ),
    )


def test_it_is_the_same_for_tuples_lists_and_arrays():
    record = held(RECORD, tuple, single)
    for steps, numbers in [
        (list, list),
        (np.int64, np.float32),
        (np.int32, np.float64),
        (lambda steps: np.array(steps, ">i8"), lambda values: np.array(values, ">f4")),
        (np.array, lambda values: np.array(values, object)),
    ]:
        assert held(record, steps, numbers).sha256 == record.sha256
    counts = np.array(RECORD.gradient.counts, np.int64)
    gradient = dataclasses.replace(RECORD.gradient, counts=counts, p90=np.float64(3.5))
    assert dataclasses.replace(record, gradient=gradient).sha256 == record.sha256


def test_the_order_of_the_names_and_the_kind_of_a_nan_are_nothing():
    backwards = dict(reversed(RECORD.evaluations.values.items()))
    evaluations = Curves(RECORD.evaluations.steps, backwards)
    assert dataclasses.replace(RECORD, evaluations=evaluations).sha256 == RECORD.sha256
    other_nan = np.array([0xFFF8000000000001], np.uint64).view(np.float64)[0]
    gradient = dataclasses.replace(RECORD.gradient, clipped_share=other_nan)
    assert dataclasses.replace(RECORD, gradient=gradient).sha256 == RECORD.sha256


def test_the_fingerprint_is_not_measured():
    """Of what another tool trained it follows from this hash."""
    assert dataclasses.replace(RECORD, fingerprint="").sha256 == RECORD.sha256


def with_curves(name, **changes):
    """Return the record with other curves."""
    curves = getattr(RECORD, name)
    values = {**curves.values, **changes.get("values", {})}
    kept = {key: value for key, value in values.items() if key not in changes.get("without", ())}
    return dataclasses.replace(RECORD, **{name: Curves(changes.get("steps", curves.steps), kept)})


def with_gradient(**changes):
    return dataclasses.replace(RECORD, gradient=dataclasses.replace(RECORD.gradient, **changes))


BIT = np.nextafter(0.1, 1.0)

OTHERS = {
    "status": dataclasses.replace(RECORD, status="failed"),
    "reason": dataclasses.replace(RECORD, reason="the loss is not finite at step 2"),
    "a bit": with_curves("evaluations", values={"train/loss": (1.5, BIT, float("nan"))}),
    "a sign": with_curves("logged", values={"grad_norm": (4.0, 2.0, -1.0, float("nan"))}),
    "a number for a nan": with_curves("logged", values={"grad_norm": (4.0, 2.0, 1.0, 0.0)}),
    "a step": with_curves("evaluations", steps=(0, 10, 21)),
    "a step of what was logged": with_curves("logged", steps=(5, 10, 15, 21)),
    "a name": with_curves(
        "evaluations",
        values={"train/error": RECORD.evaluations.values["train/loss"]},
        without=("train/loss",),
    ),
    "two curves for each other": with_curves(
        "evaluations",
        values=dict(
            zip(
                RECORD.evaluations.values,
                reversed(RECORD.evaluations.values.values()),
                strict=True,
            )
        ),
    ),
    "a curve fewer": with_curves("evaluations", without=("train/loss",)),
    "a curve more": with_curves("logged", values={"update_norm": (1.0,) * 4}),
    "a count": with_gradient(counts=(0, 2, 1)),
    "the percentile": with_gradient(p90=float(np.nextafter(3.5, 0))),
    "the clipped share": with_gradient(clipped_share=0.0),
    "no gradient": dataclasses.replace(RECORD, gradient=None),
}


def test_every_number_the_status_and_the_reason_decide_it():
    hashes = {name: record.sha256 for name, record in OTHERS.items()}
    assert len({RECORD.sha256, *hashes.values()}) == len(OTHERS) + 1, hashes


def test_what_is_cut_elsewhere_is_another_record():
    """No text runs on into what follows it."""
    one = dataclasses.replace(RECORD, status="failed", reason="out of memory")
    other = dataclasses.replace(RECORD, status="failedout of", reason=" memory")
    assert one.sha256 != other.sha256


@pytest.mark.parametrize("module", ["record", "imported_trial", "request", "checkpoint_selection"])
def test_it_needs_no_numpy(module):
    """Studies of finished trials are read whenever Snakemake plans them."""
    code = f"import sys, tuning_playbook.trials.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "jax", "netCDF4"} & set(done.stdout.split())
