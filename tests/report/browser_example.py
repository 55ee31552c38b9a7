"""The example's report with plots that are drawn of it, as a browser sees it."""

from tests.report.example import Example
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.planning.plan import axis_stem
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.style import save
from tuning_playbook.plots.training_curves import training_curves


def drawn(example: Example, folder) -> dict[str, str]:
    """The isolation plot, every axis plot and the training curves of an example."""
    study = example.study
    figures = {
        axis_stem(item.name, item.condition): axis_plot(study, item)
        for item in read_searched(study)
    }
    figures["isolation"] = isolation_plot(study, isolation(study, example.reruns))
    figures["reruns"] = rerun_plot(study, trial_variance(study, example.reruns))
    figures["training_curves"] = training_curves(study)
    texts = {}
    for stem, figure in figures.items():
        save(figure, folder / f"{stem}.svg")
        texts[stem] = (folder / f"{stem}.svg").read_text()
    return texts
