"""Probes that nobody measured: of machines whose throughput is a formula."""

import numpy as np

from tuning_playbook.trials.probe import InputTime, Memory, Probe, Timing

MACHINE = {
    "host": "here",
    "device": "cpu",
    "backend": "cpu",
    "machine": "x86_64",
    "threads": 1,
    "devices": 1,
    "versions": {"jax": "0", "jaxlib": "0"},
}


def probe(size, seconds, *, compute=None, input_=(0.0, 0.0, 0.0), spread=0.01, **machine):
    """Return a probe of a step that takes so long, of which so much is computation."""
    compute = seconds if compute is None else compute
    return Probe(
        batch_size=size,
        fits=True,
        memory=Memory(estimate=1000 * size),
        machine=MACHINE | machine,
        step=timing(seconds, spread),
        compute=timing(compute, spread),
        input=InputTime(*input_),
        compile_seconds=2.0,
        evaluation_seconds=0.1,
        steps_per_repeat=8,
    )


def timing(seconds, spread, repeats=15):
    return Timing(seconds, seconds * (1 - spread / 2), seconds * (1 + spread / 2), repeats)


def refused(size, reason="out of memory: it takes 2 MB, and the limit is 1 MB", machine=MACHINE):
    return Probe(size, fits=False, reason=reason, memory=Memory(1000 * size), machine=machine)


def saturating(sizes, overhead, per_example, *, seed=0, noise=0.0):
    """Return the probes of a device whose step takes an overhead and a time for each example.

    Twice the batch size b gives 2 (overhead + b) / (overhead + 2 b) times the throughput, where the
    overhead is counted in examples: 1.8 times at an eighth of it.
    """
    random = np.random.default_rng(seed)
    times = [(overhead + per_example * size) * random.lognormal(0, noise) for size in sizes]
    return tuple(probe(size, time) for size, time in zip(sizes, times, strict=True))
