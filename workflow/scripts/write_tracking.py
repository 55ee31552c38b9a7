"""Track every study that has a report: the playbook's spreadsheet, and the page of all studies."""

import json
from pathlib import Path

from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.launches.history import read_launches
from tuning_playbook.report.campaign import render_campaigns
from tuning_playbook.report.index import render_index
from tuning_playbook.report.tracking import write_tracking

with logged(snakemake.log[0]):
    output = snakemake.output
    results = Path(snakemake.params.results)
    rounds = results.glob("*/rounds/*/summary.json")
    summaries = sorted([*results.glob("*/summary.json"), *rounds])
    rows = [json.loads(path.read_text()) for path in summaries]
    launches = [row for path in snakemake.input.launches for row in read_launches(Path(path))]
    write_atomically(Path(output.tracking), write_tracking(rows))
    write_atomically(Path(output.index), render_index(rows, launches))
    for file, page in render_campaigns(rows).items():
        write_atomically(Path(snakemake.params.results) / file, page)
