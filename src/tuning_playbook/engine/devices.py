"""Several devices that share the batches of one trial.

Each has a part of every batch and all parameters. The computation is the same as on one device: the
compiler takes every sum and mean, including those of batch normalization, over the whole batch.
Sums are rounded differently, so a trial records how many devices it has.

Source: the playbook, "Batch normalization implementation details" (statistics are synchronised) and
"Considerations for multi-host pipelines".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from tuning_playbook.errors import DeviceError

AXIS = "batch"

_spec: Callable[..., PartitionSpec] = PartitionSpec
_constrain: Callable[..., Any] = jax.lax.with_sharding_constraint
_from_processes: Callable[..., jax.Array] = jax.make_array_from_process_local_data


@dataclass(frozen=True)
class Spread:
    """The devices that share a trial's batches.

    Attributes:
        mesh: The devices, along one axis; None for one device.
    """

    mesh: Mesh | None = None

    @property
    def parts(self) -> int:
        """Return the number of parts into which a batch is cut."""
        return self.mesh.size if self.mesh else 1

    def compile(self, function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
        """Compile a function for arguments like these; all its results are on every device."""
        if self.mesh is None:
            return jax.jit(function).lower(*args).compile()
        whole = _sharding(self.mesh)
        shardings = jax.tree.map(lambda leaf: getattr(leaf, "sharding", whole), args)
        return jax.jit(function, in_shardings=shardings, out_shardings=whole).lower(*args).compile()

    def place(self, tree: Any) -> Any:
        """Put whole arrays on every device; each process has the same ones for its own devices."""
        if self.mesh is None:
            return jax.device_put(tree)
        whole = _sharding(self.mesh)
        return jax.tree.map(lambda leaf: _from_processes(whole, leaf, leaf.shape), tree)

    def part(self, batch: Any) -> Any:
        """Make each device compute with its part of a batch; for use in a compiled function."""
        if self.mesh is None:
            return batch
        return _constrain(batch, _sharding(self.mesh, AXIS))

    def rows(self, batch_size: int) -> slice:
        """Return which examples of a batch, or indices, this process feeds to its devices."""
        if self.mesh is None:
            return slice(batch_size)
        size = batch_size // jax.process_count()
        return slice(jax.process_index() * size, (jax.process_index() + 1) * size)

    def feed(self, batches: Any) -> Any:
        """Put this process's input, [steps, rows, ...] of examples or indices, on its devices."""
        if self.mesh is None:
            return batches
        parted = _sharding(self.mesh, None, AXIS)
        return jax.tree.map(lambda leaf: _from_processes(parted, leaf), batches)


def _sharding(mesh: Mesh, *axes: str | None) -> NamedSharding:
    return NamedSharding(mesh, _spec(*axes))


ONE_DEVICE = Spread()


def share_batches(devices: int) -> Spread:
    """Return a spread of batches over this many devices, equally many in each process.

    Raises:
        DeviceError: There are fewer.
    """
    if devices == 1:
        return ONE_DEVICE
    each = devices // jax.process_count()
    found = [
        device
        for process in range(jax.process_count())
        for device in [item for item in jax.devices() if item.process_index == process][:each]
    ]
    check_devices(len(found), devices)
    return Spread(Mesh(np.array(found), (AXIS,), axis_types=(AxisType.Auto,)))


def check_devices(found: int, wanted: int) -> None:
    """Check that a job has the devices that it computes on.

    Raises:
        DeviceError: It has fewer.
    """
    if found < wanted:
        kind = jax.local_devices()[0].device_kind
        raise DeviceError(
            f"this job computes on {wanted} devices (resources.devices), and JAX found {found}, of "
            f"kind '{kind}': give it as many GPUs (resources.gpus), or lower resources.devices"
        )


def everywhere(value: int) -> list[int]:
    """Return one number from each process that trains together, the first process's first.

    Clocks and signals differ from process to process, but all must compute the same steps.
    """
    if jax.process_count() == 1:
        return [value]
    found: np.ndarray = multihost_utils.process_allgather(np.int32(value))
    return [int(item) for item in found]
