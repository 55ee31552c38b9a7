"""Answer the playbook's checklist for a study, and say which hyperparameters matter."""

from pathlib import Path

from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params = snakemake.params
    checklist = current_plan(params.spec, "diagnostics", params.key).study.spec.checklist
    trials = Path(params.folder) / "trials"
    study, checkpoints = map(Path, (snakemake.input.study, snakemake.input.checkpoints))
    content = diagnose_study(study, checkpoints, trials, checklist)
    write_json(Path(snakemake.output[0]), content)
