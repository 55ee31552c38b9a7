"""The campaign of docs/campaign.md, played as it stands there."""

from types import SimpleNamespace

import pytest

from tests.report.pages import read
from tests.workflow.background import in_background
from tests.workflow.documents import play

pytestmark = pytest.mark.workflow


@in_background
def played(workshop):
    """Every spec of the page is written and every command called, in order."""
    project = workshop.new_project("campaign")
    runs, pages = {}, []
    for command, run in play(project, "campaign.md"):
        runs[command] = run
        page = project.results / "campaigns/digits_mlp.html"
        if page.exists() and page.read_text() not in pages:
            pages.append(page.read_text())
    return SimpleNamespace(project=project, runs=runs, pages=pages)


def test_every_command_of_the_page_succeeds(played):
    failed = {command: run.text for command, run in played.runs.items() if run.status}
    assert not failed
    assert len(played.runs) == 6


def test_the_first_design_can_tell_everything(played):
    assert (
        "cannot tell with this design"
        not in played.runs["tuning-playbook check campaign_normalization"].text
    )


def test_check_and_the_dry_run_show_the_values_that_are_taken(played):
    for command in (
        "tuning-playbook check campaign_dropout",
        "snakemake -n --config study=campaign_dropout",
    ):
        assert "fixed.normalization is " in played.runs[command].text
    assert played.runs["snakemake -n --config study=campaign_dropout"].rules["train_pack"] == 2


def test_the_page_has_all_rounds_and_what_was_never_tested_together(played):
    first, second, third = map(read, played.pages)
    assert [len(page.all("li", "round")) for page in (first, second, third)] == [1, 2, 3]
    pair = "normalization and dropout"
    told = [[item.text for item in page.all("li")] for page in (first, second, third)]
    assert [pair in listed for listed in told] == [False, True, False]
    assert (played.project.results / "campaign_crossed/set_back.json").exists()
