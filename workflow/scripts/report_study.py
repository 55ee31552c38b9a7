"""Write the launch report of a study, and its row of the tracking sheet."""

from pathlib import Path

from tuning_playbook.files import write_atomically, write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan
from tuning_playbook.report.study_report import report_study

with job_of(snakemake):
    files, params, output = dict(snakemake.input.items()), snakemake.params, snakemake.output
    del files["stamp"]
    plan = current_plan(params.spec, "report", params.key, proposals=files.pop("proposals"))
    html, summary = report_study(plan, params.results, **files)
    write_atomically(Path(output.html), html)
    write_json(Path(output.summary), summary)
