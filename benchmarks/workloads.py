"""What the built-in workloads reach: a trial of each, on some seeds, as its docstring tells it."""

import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.packs import fresh_cache, train
from benchmarks.process import ROOT
from benchmarks.studies import workload_request
from benchmarks.table import Figure

THREADS = 2
SEEDS = 5

EXPECTED: Mapping[str, dict[str, Any]] = {
    "digits_mlp": {
        "metric": "error_rate",
        "training": {"max_train_steps": 2000, "batch_size": 64, "eval_every": 100},
        "learning_rate": 1e-3,
        "fixed": {"optimizer": "adam"},
    },
    "mnist5k_cnn": {
        "metric": "error_rate",
        "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 50},
        "learning_rate": 3e-3,
        "fixed": {"optimizer": "adam", "dropout": 0.25},
    },
    "mnist5k_resnet": {
        "metric": "error_rate",
        "training": {"max_train_steps": 300, "batch_size": 64, "eval_every": 25},
        "learning_rate": 0.1,
        "fixed": {"optimizer": "momentum", "momentum": 0.9, "width": 8},
    },
    "text_transformer": {
        "metric": "loss",
        "training": {"max_train_steps": 300, "batch_size": 16, "eval_every": 50},
        "learning_rate": 3e-3,
        "fixed": {"optimizer": "adam"},
    },
    "cifar10": {
        "metric": "error_rate",
        "training": {"max_train_steps": 1500, "batch_size": 128, "eval_every": 250},
        "learning_rate": 0.1,
        "fixed": {"optimizer": "nesterov", "momentum": 0.9, "schedule": "cosine"},
        "data": ROOT / "data" / "cifar-10-batches-bin",
    },
}
"""Each workload's metric, training settings and hyperparameters; the rest is at its default."""


def workloads(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """The best validation metric of each built-in workload on some seeds, and a trial's time."""
    for name, wanted in EXPECTED.items():
        data = wanted.get("data")
        if data and not data.is_dir():
            print(f"{name} is left out: there is no {data}", file=sys.stderr)
            continue
        cache, best, seconds, compiling = fresh_cache(folder), [], [], []
        for seed in range(1 if quick else SEEDS):
            training = {**wanted["training"], "seed": seed}
            request = workload_request(folder, name, **{**wanted, "training": training})
            job = train(request, cache, folder, threads=THREADS)
            (provenance,) = job.provenance
            best.append(float(job.validation(wanted["metric"])[0].min()))
            seconds.append(provenance["wall_seconds"] - provenance["compile_seconds"])
            compiling.append(provenance["compile_seconds"])
        yield Figure(
            f"best validation/{wanted['metric']} of {name}",
            tuple(best),
            None,
            f"{statistics.median(seconds):.3g} s, and at first {compiling[0]:.3g} s to compile",
        )
