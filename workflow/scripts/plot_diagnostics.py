"""Draw what there is to see of the search: curves, gradient norms, budgets, importance."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.jobs.job import logged
from tuning_playbook.plots.best_of_plot import best_of_plot
from tuning_playbook.plots.gradient_norm_plot import gradient_norm_plot
from tuning_playbook.plots.importance_plot import importance_plot
from tuning_playbook.plots.style import save
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves

files, plots = snakemake.input, snakemake.output
with logged(snakemake.log[0]), xr.open_dataset(files.study) as study:
    findings = json.loads(Path(files.diagnostics).read_text())["findings"]
    (importance,) = [f["numbers"] for f in findings if f["check"] == "importance"]
    save(training_curves(study), Path(plots.training_curves))
    save(train_loss_curves(study), Path(plots.training_loss))
    save(gradient_norm_plot(study), Path(plots.gradient_norms))
    save(best_of_plot(study, best_of(study)), Path(plots.best_of))
    save(importance_plot(importance), Path(plots.importance))
