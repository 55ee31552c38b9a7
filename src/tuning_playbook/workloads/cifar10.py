"""CIFAR-10 in its binary distribution, read from a folder of the user's and fed from the host.

Data: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. The folder
holds `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`; a record is a label byte and
3,072 bytes of an image, [channel, row, column]. It is to be had at
https://www.cs.toronto.edu/~kriz/cifar.html.

Expected: 1,500 steps of Nesterov momentum 0.9 at a learning rate of 0.1 with a cosine schedule,
batch size 128, the rest at its default, reach a validation error of 22.2 to 23.3 % on five seeds.
On a shared machine of 2 cores that took 3 min 36 s, and 20 s to compile
(`python -m benchmarks workloads`).
"""

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads.classification import LABEL_SMOOTHING, Classifier
from tuning_playbook.workloads.convolution import Conv
from tuning_playbook.workloads.dropout import DROPOUT, Dropout, Rate
from tuning_playbook.workloads.normalization import NORMALIZATIONS, Normalization
from tuning_playbook.workloads.protocol import Arrays, HyperparameterValues

RECORD = np.dtype([("label", np.uint8), ("image", np.uint8, (3, 32, 32))])
VALIDATION_SHARE = 10
"""One training record in this many, the last ones, is for validation."""

MEAN = (0.4914, 0.4822, 0.4465)
STANDARD_DEVIATION = (0.2470, 0.2435, 0.2616)
"""The standard deviation of each channel of the training images, in [0, 1]."""


class CIFARNet(nn.Module):
    """Three pairs of convolutions, each pair halving the image, then a linear layer."""

    width: int
    normalization: str

    @nn.compact
    def __call__(
        self, image: jax.Array, *, train: bool = False, dropout_rate: Rate = 0.0
    ) -> jax.Array:
        """Return the logits [batch, 10] of images [batch, 3, 32, 32] of bytes."""
        hidden = jnp.transpose(image, (0, 2, 3, 1)).astype(jnp.float32) / 255.0
        hidden = (hidden - jnp.array(MEAN)) / jnp.array(STANDARD_DEVIATION)
        for stage in range(3):
            for stride in (2, 1):
                features = self.width * 2**stage
                hidden = Conv(features, stride=stride, use_bias=False)(hidden)
                hidden = Normalization(self.normalization)(hidden, train=train)
                hidden = nn.relu(hidden)
        hidden = Dropout()(jnp.mean(hidden, axis=(1, 2)), dropout_rate, train=train)
        return nn.Dense(10)(hidden)


class CIFAR10(Classifier):
    """A convolutional network on CIFAR-10 (60,000 images of 32x32 pixels in 10 classes)."""

    host_fed = True
    image_shape = (3, 32, 32)
    image_type = np.uint8
    hyperparameters = (
        Hyperparameter("width", 32, "channels of the first stage", low=1, static=True),
        Hyperparameter(
            "normalization",
            "batch",
            "after each convolution",
            choices=NORMALIZATIONS,
            static=True,
        ),
        DROPOUT,
        LABEL_SMOOTHING,
    )
    metrics = (
        Metric("loss", "mean cross entropy", "nat", low=0.0),
        Metric("error_rate", "share of images given a wrong class", low=0.0, high=1.0),
    )

    def __init__(self, folder: Path) -> None:
        """Remember the folder of the binary distribution."""
        self.folder = folder

    def load_data(self) -> Mapping[str, Arrays]:
        """Return the splits in host memory; the training split stays there.

        Raises:
            WorkloadError: A file is missing, or is no whole number of records.
        """
        *train, test = [self._records(path) for path in self.data_files()]
        if not train:
            raise WorkloadError(f"{self.folder}: there is no data_batch_1.bin")
        records = np.concatenate(train)
        cut = len(records) - len(records) // VALIDATION_SHARE
        splits = {"train": records[:cut], "validation": records[cut:], "test": test}
        return {
            split: {"image": part["image"], "label": part["label"]}
            for split, part in splits.items()
        }

    def data_files(self) -> list[Path]:
        """Return the files of the distribution, the test batch last."""
        return [
            *sorted(self.folder.glob("data_batch_*.bin")),
            self.folder / "test_batch.bin",
        ]

    def model(self, hyperparameters: HyperparameterValues) -> CIFARNet:
        """Return the network of a configuration."""
        return CIFARNet(hyperparameters["width"], hyperparameters["normalization"])

    def _records(self, path: Path) -> np.ndarray:
        if not path.is_file():
            raise WorkloadError(
                f"{self.folder}: there is no {path.name}; this workload reads the binary "
                "distribution of CIFAR-10"
            )
        size = path.stat().st_size
        if not size or size % RECORD.itemsize:
            raise WorkloadError(
                f"{path}: its {size:,} bytes are no whole number of records of "
                f"{RECORD.itemsize:,} bytes"
            )
        return np.fromfile(path, dtype=RECORD)
