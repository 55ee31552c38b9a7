"""Track every study that has a report: the playbook's spreadsheet, and the page of all studies."""

import json
from pathlib import Path

from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import job_of
from tuning_playbook.launches.history import read_launches
from tuning_playbook.procedures.procedure_state import reached_rounds
from tuning_playbook.report.campaign import render_campaigns
from tuning_playbook.report.index import render_index
from tuning_playbook.report.tracking import write_tracking
from tuning_playbook.study.planned_round import round_name

with job_of(snakemake):
    output = snakemake.output
    results = Path(snakemake.params.results)
    rounds = [
        folder.parent / round_name(folder.name, number) / "summary.json"
        for folder in {path.parent for path in results.glob("*/planned")}
        for number in reached_rounds(folder)
    ]
    there = [path for path in rounds if path.exists()]
    summaries = sorted([*results.glob("*/summary.json"), *there])
    rows = [json.loads(path.read_text()) for path in summaries]
    conclusions = {
        path.parent.name: json.loads(path.read_text())
        for path in sorted(results.glob("*/conclusion.json"))
    }
    launches = [row for path in snakemake.input.launches for row in read_launches(Path(path))]
    write_atomically(Path(output.tracking), write_tracking(rows))
    write_atomically(Path(output.index), render_index(rows, launches, conclusions))
    for file, page in render_campaigns(rows).items():
        write_atomically(Path(snakemake.params.results) / file, page)
