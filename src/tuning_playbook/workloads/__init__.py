"""The Workload protocol, the built-in workloads, and their parts for a user's own workloads."""

from tuning_playbook.workloads.classification import (
    ACTIVATIONS,
    LABEL_SMOOTHING,
    cross_entropy,
    is_wrong,
)
from tuning_playbook.workloads.convolution import Conv
from tuning_playbook.workloads.decay import matrices_only
from tuning_playbook.workloads.dropout import DROPOUT, Dropout, Rate, is_off
from tuning_playbook.workloads.normalization import (
    NORMALIZATION_POSITION,
    NORMALIZATIONS,
    VIRTUAL_BATCH_SIZE,
    BatchNorm,
    Normalization,
)
from tuning_playbook.workloads.protocol import Arrays, HyperparameterValues, Variables, Workload
from tuning_playbook.workloads.shipped_data import stratified_splits

__all__ = [
    "ACTIVATIONS",
    "DROPOUT",
    "LABEL_SMOOTHING",
    "NORMALIZATIONS",
    "NORMALIZATION_POSITION",
    "VIRTUAL_BATCH_SIZE",
    "Arrays",
    "BatchNorm",
    "Conv",
    "Dropout",
    "HyperparameterValues",
    "Normalization",
    "Rate",
    "Variables",
    "Workload",
    "cross_entropy",
    "is_off",
    "is_wrong",
    "matrices_only",
    "stratified_splits",
]
