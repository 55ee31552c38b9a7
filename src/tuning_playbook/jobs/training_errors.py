"""Recognise training errors: memory ran out, or the user's own code raised an error."""

import jax

from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.user_code import explain, is_of_a_user, own_file
from tuning_playbook.workloads.protocol import Workload


def as_user_error(error: BaseException, name: str, workload: Workload) -> BaseException:
    """Return an error that came through the user's code as one message, others unchanged."""
    own = own_file(workload)
    if not is_of_a_user(error, own):
        return error
    summary = WorkloadError(
        f"workload '{name}': its code raised an error that left nothing trained in this job: "
        f"{explain(error, own)}; the whole traceback is in the job's log"
    )
    summary.__cause__ = error
    return summary


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device's memory ran out."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
