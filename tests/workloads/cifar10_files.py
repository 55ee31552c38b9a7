"""Small files of CIFAR-10's binary format."""

from pathlib import Path

import numpy as np


def write_batch(path: Path, records: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Write records of images whose brightness tells their class; return labels and images."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 10, size=records).astype(np.uint8)
    image = np.clip(random.normal(25 * label[:, None], 10, (records, 3072)), 0, 255)
    path.write_bytes(np.concatenate([label[:, None], image.astype(np.uint8)], axis=1).tobytes())
    return label, image.astype(np.uint8)


def write_distribution(folder: Path, records: int) -> Path:
    """Write two training batches of some records, and a test batch of 50; return the folder."""
    folder.mkdir(parents=True)
    for number in (1, 2):
        write_batch(folder / f"data_batch_{number}.bin", records, number)
    write_batch(folder / "test_batch.bin", 50, 3)
    return folder
