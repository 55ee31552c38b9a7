"""The job of a probe: it measures one batch size, unless a smaller one did not fit."""

from collections.abc import Iterable
from pathlib import Path

from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.planning.probes import ProbePlan
from tuning_playbook.trials.probe import Probe, read_probes


def probe_after(
    before: Iterable[Path], probes: ProbePlan, batch_size: int, resources: Resources
) -> Probe:
    """Return the probe of a batch size.

    Call it in a separate process in which JAX is not imported yet.

    Args:
        before: The file of the probe at half the batch size, if there is one.
        probes: The procedure's probes.
        batch_size: The batch size to probe.
        resources: The job's resources.

    Raises:
        ArtefactError: The probe before cannot be read.
        ChangedDuringRunError: Code or data is not what the probe was planned with.
        DeviceError: A required device does not exist.
        WorkloadError: The workload's own code raised an error.
    """
    for smaller in read_probes(before):
        if not smaller.fits:
            reason = smaller.reason
            if smaller.machine:  # it was tried
                reason = f"not tried, as {smaller.batch_size:,} does not fit"
            return Probe(batch_size, fits=False, reason=reason)
    prepare(resources, cache=False)  # compilation is measured too
    # JAX is imported here: after its environment is set, and only by a job that measures.
    from tuning_playbook.jobs.measure_probe import measure_probe  # noqa: PLC0415

    return measure_probe(
        probes.request(batch_size),
        memory_mb=probes.settings.memory_mb,
        asked_mb=probes.plan.study.spec.resources.memory_mb,
        repeats=probes.settings.repeats,
    )
