"""The playbook's figures: each has a target, and the page shows it. Nothing is trained."""

import re
from collections import Counter
from pathlib import Path

import pytest
from figures.__main__ import command, copy_plots
from figures.figure import ROOT, SPECS, Panel, PlaybookFigure
from figures.page import PAGE, page, write
from figures.playbook import FIGURES

from tuning_playbook.__main__ import main
from tuning_playbook.planning.configuration import plan_studies
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.procedures.recipes import RECIPES

IMAGES = {
    "1 left": "bad_search_space",
    "1 right": "good_search_space",
    "2": "isolation_plot",
    "3": "validation_error_vs_num_trials",
    "4": "stride_instability",
    "5": "more_frequent_evals",
    "6": "instability_during_warmup",
    "7a": "axis_model_with_instability",
    "7b": "loss_model_with_instability",
    "8": "beneficial_effect_warmup",
    "9": "gradient_clipping",
}
"""The images of the playbook's text, by the number of the figure."""

PANELS = [panel for figure in FIGURES for panel in figure.panels]
USED = sorted({panel.spec for panel in PANELS})


def test_every_image_of_the_playbooks_text_is_there_once():
    assert {figure.number: figure.image for figure in FIGURES} == IMAGES
    assert len(FIGURES) == len(IMAGES)


def test_every_spec_is_used():
    assert sorted(path.stem for path in SPECS.glob("*.yaml")) == USED


@pytest.mark.parametrize("spec", USED)
def test_every_spec_passes_the_check(spec, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["check", f"config/figures/{spec}.yaml"]) == 0
    assert "trials" in capsys.readouterr().out


def plots_of(link, folder):
    """The plots that are targets of a study, or of a procedure."""
    if link.procedure:
        return {f"{folder}/plots/{name}.svg" for name in RECIPES[link.procedure.name].plots}
    return set(StudyFiles(link.plan, folder).artefacts)


def test_every_plot_of_a_figure_is_a_target():
    studies = [str(SPECS / f"{spec}.yaml") for spec in USED]
    chain = plan_studies({"studies": studies}, folder=SPECS)
    for panel in PANELS:
        targets = plots_of(chain[panel.spec], f"results/{panel.spec}")
        assert f"results/{panel.source}" in targets


def test_snakemake_is_asked_for_these_plots_of_these_studies():
    asked = command(FIGURES, "there", "2")
    (studies,) = (item for item in asked if item.startswith("studies="))
    assert set(re.findall(r"(\w+)\.yaml", studies)) == set(USED)
    assert asked[asked.index("--") + 1 :] == list(
        dict.fromkeys(f"there/{panel.source}" for panel in PANELS)
    )


def test_the_page_is_the_one_that_is_kept():
    """If this fails, run `make figures`."""
    assert PAGE.read_text(encoding="utf-8") == page(FIGURES)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.number)
def test_the_page_shows_each_figure_with_its_spec_and_says_what_differs(figure):
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"## Figure {figure.number}\n")[2].partition("\n## ")[0]
    assert f"> {figure.caption}" in section
    assert f"/{figure.image}.png)" in section
    pictures = re.findall(r"!\[(.+)\]\(figures/(.+\.svg)\)", section)
    assert pictures == [(panel.shows, figure.picture(panel)) for panel in figure.panels]
    for panel in figure.panels:
        assert (PAGE.parent / f"../config/figures/{panel.spec}.yaml").exists()
        assert f"config/figures/{panel.spec}.yaml" in section
    assert re.search(r"^- The same: .{30,}", section, re.MULTILINE)
    assert re.search(r"^- Different: .{30,}", section, re.MULTILINE)


def test_no_two_plots_are_written_to_one_file():
    names = Counter(figure.picture(panel) for figure in FIGURES for panel in figure.panels)
    assert set(names.values()) == {1}


def test_the_plots_are_copied_under_the_names_of_the_page(tmp_path):
    parts = (Panel("one", "axis_x", "x"), Panel("two", "rates", "y"))
    figure = PlaybookFigure("3", "image", "caption", parts, "same", "differs")
    for panel in parts:
        path = tmp_path / panel.source
        path.parent.mkdir(parents=True)
        path.write_text(panel.plot)
    copy_plots([figure], tmp_path, tmp_path / "pictures")
    copied = {path.name: path.read_text() for path in Path(tmp_path / "pictures").iterdir()}
    assert copied == {"figure_3_a.svg": "axis_x", "figure_3_b.svg": "rates"}


def test_a_page_that_is_up_to_date_is_left_alone(tmp_path):
    path = tmp_path / "page.md"
    write(path, "text")
    path.chmod(0o400)
    before = path.stat().st_mtime_ns
    write(path, "text")
    assert path.stat().st_mtime_ns == before
