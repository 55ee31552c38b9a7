"""Answer the playbook's checklist for a study, and say which hyperparameters matter."""

from pathlib import Path

from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params = snakemake.params
    checklist = current_plan(params.spec, "diagnostics", params.key).study.spec.checklist
    trials = Path(params.folder) / "trials"
    study, checkpoints = map(Path, (snakemake.input.study, snakemake.input.checkpoints))
    content = diagnose_study(study, checkpoints, trials, checklist)
    write_json(Path(snakemake.output[0]), content)
