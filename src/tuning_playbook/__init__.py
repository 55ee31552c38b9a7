"""The Deep Learning Tuning Playbook as a Snakemake workflow."""

__version__ = "0.1.0"
