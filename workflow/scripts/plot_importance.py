"""Draw how much of the variance of the objective each hyperparameter is owed to."""

import json
from pathlib import Path

from tuning_playbook.job import logged
from tuning_playbook.plots.importance import importance_plot
from tuning_playbook.plots.style import save

with logged(snakemake.log[0]):
    findings = json.loads(Path(snakemake.input.diagnostics).read_text())["findings"]
    (numbers,) = [f["numbers"] for f in findings if f["check"] == "importance"]
    save(importance_plot(numbers), Path(snakemake.output[0]))
