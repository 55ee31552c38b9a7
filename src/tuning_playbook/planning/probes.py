"""The probes of a procedure: the batch sizes, what is measured, and what decides the result."""

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ChangedDuringRunError, SpecError
from tuning_playbook.planning.artefacts import code_hash
from tuning_playbook.planning.plan import Plan, request_of, study_of
from tuning_playbook.study.batch_sizes_settings import LARGEST_BATCH, BatchSizesSettings
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.read import WrittenSpec
from tuning_playbook.study.settled import read_settled
from tuning_playbook.study.shape import StudySpec
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import ID_DIGITS, digest

CODE = (
    *("jobs/measure_probe.py", "jobs/step_times.py", "jobs/device_memory.py"),
    *("jobs/other_work.py", "trials/probe.py"),
)
"""The code that measures; the engine's code is one of a trial's versions."""

SOFTWARE = ("jax", "jaxlib", "numpy", "optax", "grain")
"""The packages whose versions decide how long a step takes."""

USED = (
    *("goal", "notes", "workload", "data", "objective", "training", "fixed", "resources"),
    *("checklist", "procedure"),
)
"""The keys that a spec of probes may have: one configuration, and nothing that asks for trials."""


@dataclass(frozen=True)
class ProbePlan:
    """The probes of a procedure.

    Attributes:
        plan: The plan of its spec as a study of one trial.
        settings: The settings of the procedure.
    """

    plan: Plan
    settings: BatchSizesSettings

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Return the batch sizes that are probed, the smallest first."""
        size, found = self.settings.from_, []
        while size <= self.most:
            found.append(size)
            size *= 2
        return tuple(found)

    @property
    def most(self) -> int:
        """Return the largest batch size to probe."""
        return min(self.settings.to or LARGEST_BATCH, self.examples or LARGEST_BATCH)

    @property
    def examples(self) -> int:
        """Return the examples of the training set; 0 where the workload makes its batches."""
        return self.plan.study.workload.examples.get("train", 0)

    @property
    def key(self) -> str:
        """Return the hash of what decides the probes: model, optimizer, software, resources.

        The values of hyperparameters, the seed and the length of training do not affect the time.
        """
        trial = self.plan.trials[0].trial
        static = {k: v for k, v in trial.hyperparameters.items() if k not in trial.traced}
        measured = [trial.workload, static, trial.traced, dict(trial.versions)]
        evaluated = [trial.validation_sample, trial.train_sample]
        asked = self.plan.study.spec.resources
        resources = [asked.threads, asked.gpus, asked.devices, asked.memory_mb]
        settings = [self.settings.memory_mb, self.settings.repeats]
        software = {name: importlib.metadata.version(name) for name in SOFTWARE}
        parts = [measured, evaluated, resources, settings, software, code_hash(CODE)]
        return digest(parts)[:ID_DIGITS]

    def request(self, batch_size: int) -> PackRequest:
        """Return the request for a probe: a trial that is not trained, with one lane."""
        trial = replace(self.plan.trials[0].trial, batch_size=batch_size, lanes=1)
        return request_of(self.plan, [trial])


def probe_plan(spec: Path) -> ProbePlan:
    """Return the probes of the procedure in a file; see `probes_of`.

    Args:
        spec: Its file; its settled spec where it takes from earlier studies.
    """
    return probes_of(read_settled(spec))


def probes_of(written: WrittenSpec) -> ProbePlan:
    """Return the probes of a procedure.

    Raises:
        SpecError: The spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    settings = written.procedure
    assert isinstance(settings, BatchSizesSettings)
    for error in _mistakes(written):
        raise error
    found = ProbePlan(Plan(study_of(written)), settings)
    devices = found.plan.trials[0].trial.devices
    if settings.from_ % devices:
        message = (
            f"{settings.from_} cannot be shared out evenly among {devices} devices "
            "(resources.devices): begin with a power of two that can"
        )
        raise error_at(written.path, written.text, ("procedure", "from"), message)
    if not found.batch_sizes:
        message = (
            f"{settings.from_:,} is more than the {found.examples:,} examples of the training set; "
            "begin with a smaller batch size"
        )
        raise error_at(written.path, written.text, ("procedure", "from"), message)
    return found


def current_probes(spec: str, key: str) -> ProbePlan:
    """Return the probes of a procedure, if what decides them is still as it was planned.

    Args:
        spec: Its file; its settled spec where it takes from earlier studies.
        key: The key when the job was planned.

    Raises:
        ChangedDuringRunError: The spec, the workload or the code changed since the run began.
    """
    found = probe_plan(Path(spec))
    if found.key != key:
        raise ChangedDuringRunError(
            f"{spec}, its workload or the code behind it changed while the workflow ran; run "
            "snakemake again"
        )
    return found


def _mistakes(written: WrittenSpec) -> Iterator[SpecError]:
    """Yield the errors of a spec: keys that make no sense for probes."""

    def error(location: tuple[str, ...], message: str) -> SpecError:
        return error_at(written.path, written.text, location, message)

    for key in written.document:
        if key not in USED:
            yield error(
                (key,),
                "batch_sizes measures one configuration and trains no trials: remove this key "
                "and write values under 'fixed'",
            )
    assert isinstance(written.shape, StudySpec)
    spec: Any = written.shape
    if spec.training.microbatch:
        yield error(
            ("training", "microbatch"),
            "gradient accumulation gives no throughput, and hides which batch sizes fit: "
            "remove this key",
        )
    if spec.resources.nodes > 1:
        yield error(("resources", "nodes"), "a probe runs on one node: remove this key")
