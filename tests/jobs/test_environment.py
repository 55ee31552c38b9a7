"""What a job finds of the GPUs that it asked for, and what it takes of their memory."""

import os
import platform
import subprocess
import sys

import pytest

PREPARED = """
import os
from tuning_playbook.jobs.environment import Resources, prepare
prepare(Resources(**{resources}))
import jax
print(jax.local_device_count(), os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE"))
"""


def prepared(resources, **environment):
    inherited = {name: value for name, value in os.environ.items() if "CLIENT" not in name}
    return subprocess.run(
        [sys.executable, "-c", PREPARED.format(resources=resources)],
        env=inherited | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("resources", "environment", "found"),
    [
        ({}, {}, "1 false"),
        ({"devices": 3}, {}, "3 false"),
        ({}, {"XLA_PYTHON_CLIENT_PREALLOCATE": "true"}, "1 true"),
        ({}, {"XLA_CLIENT_MEM_FRACTION": ".4"}, "1 None"),
    ],
)
def test_a_job_makes_devices_of_the_cpu_and_leaves_the_memory_of_gpus(
    resources, environment, found
):
    assert prepared(resources, **environment).stdout.strip() == found


def test_a_job_that_asked_for_a_gpu_does_not_compute_on_the_cpu():
    job = prepared({"gpus": 1})
    assert job.returncode != 0
    assert "DeviceError: this job asked for GPUs (resources.gpus: 1)" in job.stderr
    assert "JAX found no GPU (devices: cpu)" in job.stderr
    assert "or set resources.gpus to 0" in job.stderr


HEAPS = """
import ctypes
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
if {prepared}:
    from tuning_playbook.jobs.environment import Resources, prepare
    prepare(Resources())
together = Barrier(4)
with ThreadPoolExecutor(4) as threads:
    blocks = list(threads.map(lambda _: (together.wait(), bytearray(5000)), range(4)))
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
output = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, output)
libc.fflush(output)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
@pytest.mark.parametrize("prepare", [False, True])
def test_all_threads_share_one_heap(prepare):
    command = [sys.executable, "-c", HEAPS.format(prepared=prepare)]
    inherited = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    found = subprocess.run(command, env=inherited, capture_output=True, text=True, check=True)
    assert (found.stdout.count("<heap") == 1) == prepare


def test_what_is_imported_is_not_gone_through_by_the_collector():
    code = """
import gc
from tuning_playbook.jobs.environment import importing
with importing():
    meanwhile = gc.isenabled()
    import email.parser
print(meanwhile, gc.isenabled(), any(item is vars(email.parser) for item in gc.get_objects()))
gc.disable()
with importing():
    pass
print(gc.isenabled())
"""
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True", "False", "False"]
