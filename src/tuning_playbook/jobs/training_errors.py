"""What an error of training says: that memory ran out, or that the user's own code raised it."""

import jax

from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.user_code import explain, is_of_a_user, own_file
from tuning_playbook.workloads.protocol import Workload


def told(error: BaseException, name: str, workload: Workload) -> BaseException:
    """Return an error as one message of the user's code, where it came through that."""
    own = own_file(workload)
    if not is_of_a_user(error, own):
        return error
    told = WorkloadError(
        f"workload '{name}': its code raised an error that left nothing trained in this job: "
        f"{explain(error, own)}; the whole traceback is in the job's log"
    )
    told.__cause__ = error
    return told


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the device ran out."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
