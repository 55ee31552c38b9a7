"""The devices and processes of a job: what each one trains, and which one writes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax

from tuning_playbook.engine.devices import check_devices

Share = TypeVar("Share")


def side_by_side(train: Callable[[Share], None], shares: Sequence[Share]) -> None:
    """Call a function for each share of some work, each on its own device.

    Each device runs in its own thread the same programs that it would run alone, so no bit depends
    on the number of devices. One program with lanes sharded over the devices is compiled
    differently and gave other bits.

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
