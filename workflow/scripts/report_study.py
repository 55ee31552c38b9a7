"""Write the launch report of a study, and its row of the tracking sheet."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan
from tuning_playbook.report.html import render
from tuning_playbook.report.study_card import make_card
from tuning_playbook.report.tracking import summary_row

files = snakemake.input
with (
    logged(snakemake.log[0]),
    xr.open_dataset(files.study) as study,
    xr.open_dataset(files.reruns) as reruns,
    open_if_any(files.replicates) as replicates,
    xr.open_dataset(files.resources) as resources,
):
    params = snakemake.params
    card = make_card(
        current_plan(
            params.spec,
            "report",
            params.key,
            proposals=snakemake.input.proposals,
        ),
        results=params.results,
    )
    launch = json.loads(Path(files.launch).read_text())
    html = render(
        card,
        study=study,
        reruns=reruns,
        findings=json.loads(Path(files.diagnostics).read_text())["findings"],
        launch=launch,
        replicates=replicates,
        resources=resources,
        next_study=Path(files.next_study[0]).read_text() if files.next_study else "",
        test=json.loads(Path(files.test[0]).read_text()) if files.test else None,
        final=json.loads(Path(files.final[0]).read_text()) if files.final else None,
        plots={Path(path).stem: Path(path).read_text() for path in files.plots},
    )
    write_atomically(Path(snakemake.output.html), html)
    row = summary_row(card, study, launch)
    write_atomically(Path(snakemake.output.summary), json.dumps(row, indent=1) + "\n")
