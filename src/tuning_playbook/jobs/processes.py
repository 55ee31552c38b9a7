"""The devices and the processes of a job: which trains what, and which of them writes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax

from tuning_playbook.engine.devices import check_devices

Share = TypeVar("Share")


def side_by_side(train: Callable[[Share], None], shares: Sequence[Share]) -> None:
    """Call a function for each share of some work, each on a device of its own.

    Every device runs the programs that it would run alone, given it by a thread of its own: no bit
    depends on how many there are. One program whose lanes are sharded over the devices is
    compiled in another way, and gave other bits.

    Raises:
        DeviceError: There are fewer devices than shares.
    """
    if len(shares) == 1:
        train(shares[0])
        return
    devices = jax.local_devices()
    check_devices(len(devices), len(shares))

    def on_device(device: jax.Device, share: Share) -> None:
        with jax.default_device(device):
            train(share)

    with ThreadPoolExecutor(len(shares)) as threads:
        for _ in threads.map(on_device, devices, shares):
            pass


def writes() -> bool:
    """Return whether this process logs and saves: the first of those that train together."""
    return jax.process_index() == 0
