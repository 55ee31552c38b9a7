"""Measure the time and memory of training at one batch size on this machine."""

from pathlib import Path

from tuning_playbook.files import write_json
from tuning_playbook.jobs.environment import Resources
from tuning_playbook.jobs.job import job_of, resources_of
from tuning_playbook.jobs.probe_job import probe_after
from tuning_playbook.planning.probes import current_probes

with job_of(snakemake):
    probes = current_probes(snakemake.params.spec, snakemake.params.key)
    size = int(snakemake.wildcards.batch_size)
    before = [Path(file) for file in snakemake.input.before]
    found = probe_after(before, probes, size, Resources(**resources_of(snakemake)))
    write_json(Path(snakemake.output[0]), found.to_json())
