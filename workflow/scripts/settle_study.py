"""Take what a study needs from the results of earlier studies, and settle its spec."""

from pathlib import Path

from tuning_playbook.analysis.best_result import best_results
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_link
from tuning_playbook.planning.settle import settle_study

with job_of(snakemake):
    params = snakemake.params
    link = current_link(params.spec, params.key)
    files = [*snakemake.input.studies, *snakemake.input.conclusions]
    folders = {Path(file).parent.name: Path(file).parent for file in files}
    results = best_results(link.earlier, folders, link.variances, link.concluding)
    settle_study(Path(params.spec), results, Path(snakemake.output[0]))
