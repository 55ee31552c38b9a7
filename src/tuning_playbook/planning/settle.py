"""Settle a study: fill in, once, the values that it takes from the results of earlier ones."""

import functools
from collections.abc import Mapping
from pathlib import Path

from tuning_playbook.files import write_atomically
from tuning_playbook.planning.plan import Plan, check_trials, study_of
from tuning_playbook.study.earlier_results import EarlierArm
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.read import read_spec
from tuning_playbook.study.settled import read_settled, settle, write_settled


def settle_study(spec: Path, results: Mapping[EarlierArm, EarlierResult], file: Path) -> None:
    """Write the settled spec of a study.

    Args:
        spec: The study's file.
        results: The results of the earlier studies that it takes from.
        file: The settled spec, in the study's folder of results.

    Raises:
        SpecError: With these results the spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    written = read_spec(spec)
    study = study_of(written, results)  # raises what is wrong with these results
    check_trials(Plan(study))
    write_atomically(file, write_settled(settle(written, results, study.workload)))


def settled_plan(file: Path) -> Plan:
    """Return the plan of a settled study; its trials are expanded on first use.

    Args:
        file: Its settled spec.

    Raises:
        ChangedDuringRunError: The spec has changed since it was settled.
    """
    status = file.stat()
    return _settled_plan(file, status.st_mtime_ns, status.st_size)


@functools.cache
def _settled_plan(file: Path, modified: int, size: int) -> Plan:
    """Return the plan in a file with this time and size; cached, because it is asked for often."""
    del modified, size
    return Plan(study_of(read_settled(file)))
