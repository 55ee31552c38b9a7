"""The Deep Learning Tuning Playbook as a Snakemake workflow.

What a workload's class needs to declare itself is imported from here, layers and the like from
`tuning_playbook.workloads`.
"""

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.errors import InfeasibleConfigurationError

__all__ = ["Hyperparameter", "InfeasibleConfigurationError", "Metric"]

__version__ = "0.1.0"
