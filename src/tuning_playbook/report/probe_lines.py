"""The probes of a procedure on the command line: their cost and their progress."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.planning.probes import ProbePlan
from tuning_playbook.report.probe_table import milliseconds, three_digits
from tuning_playbook.trials.probe import Probe, read_probes


def probe_cost_lines(spec: Path, probes: ProbePlan) -> list[str]:
    """Return what a procedure probes.

    Args:
        spec: Its file.
        probes: Its probes.
    """
    sizes = probes.batch_sizes
    count = "1 probe" if len(sizes) == 1 else f"{len(sizes)} probes"
    listed = ", ".join(f"{size:,}" for size in sizes)
    return [
        f"{spec}: at most {count} and no trials",
        f"  one after the other, at batch sizes {listed}, until one does not fit",
    ]


def probe_status_lines(spec: Path, probes: ProbePlan, folder: Path) -> list[str]:
    """Return which probes of a procedure are measured, and their results.

    Args:
        spec: Its file.
        probes: Its probes.
        folder: Its folder of results.

    Raises:
        ArtefactError: A probe cannot be read.
    """
    found = measured_probes(probes, folder)
    lines = [f"{spec}: {len(found)} of {len(probes.batch_sizes)} probes are there"]
    return lines + [f"  batch size {probe.batch_size:,}: {_said(probe)}" for probe in found]


def measured_probes(probes: ProbePlan, folder: Path) -> Sequence[Probe]:
    """Return the existing probes that are up to date, the smallest batch size first.

    Args:
        probes: Of the procedure.
        folder: Its folder of results.

    Raises:
        ArtefactError: A probe cannot be read.
    """
    stamp = folder / f"current/probed-{probes.key}"
    if not stamp.exists():
        return ()
    since = stamp.stat().st_mtime_ns
    files = [folder / f"probes/{size}.json" for size in probes.batch_sizes]
    there = [file for file in files if file.exists() and file.stat().st_mtime_ns >= since]
    return read_probes(there)


def _said(probe: Probe) -> str:
    if not probe.fits:
        return f"does not fit: {probe.reason}"
    assert probe.seconds_per_step is not None and probe.examples_per_second is not None
    return (
        f"{milliseconds(probe.seconds_per_step)} ms a step, "
        f"{three_digits(probe.examples_per_second)} examples a second"
    )
