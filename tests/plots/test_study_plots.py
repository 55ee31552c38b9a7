"""The plots of a study are those that the table of artefacts names."""

from matplotlib.figure import Figure

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tuning_playbook.analysis.gradient_norms import gradient_norms
from tuning_playbook.analysis.importance import importance
from tuning_playbook.planning.stage_jobs import DIAGNOSTIC_PLOTS, LAUNCH_PLOTS
from tuning_playbook.plots.study_plots import diagnostic_plots, launch_plots


def test_what_there_is_to_see_of_the_search():
    study = make_study(trials=8)
    drawn = diagnostic_plots(study, [importance(study), gradient_norms(study)])
    assert drawn.keys() == DIAGNOSTIC_PLOTS.keys()
    assert all(isinstance(figure, Figure) for figure in drawn.values())


def test_what_the_launch_is_decided_by():
    study = make_study(trials=8)
    reruns = make_reruns(study, {ADAM: [0.1, 0.11], NESTEROV: [0.1, 0.12], "baseline": [0.2, 0.2]})
    drawn = launch_plots(study, reruns, None)
    assert drawn.keys() == LAUNCH_PLOTS.keys()
    assert all(isinstance(figure, Figure) for figure in drawn.values())
