"""What the rules promise whoever reads, runs or reports them."""

import re
import zipfile

import pytest

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import RULES, TARGETS, side_by_side

pytestmark = pytest.mark.workflow

WITHOUT_SOFTWARE = "Specify a conda environment or container for each rule."
ARGUED = {("rule mark_stage", WITHOUT_SOFTWARE)}
"""What `snakemake --lint` says and a comment in the rules answers."""


WORK = RULES.keys() - TARGETS


@in_background
def told(workshop):
    """What Snakemake says of a study of which nothing is there yet."""
    project = workshop.new_project("untrained")
    project.write_study("small", IN_ONE_JOB)
    calls = {
        "lint": ["--lint"],
        "rules": ["--list-rules"],
        "usual": ["-n"],
        "workflow/Snakefile": ["-n", "-s", "workflow/Snakefile"],
        "slurm": ["-n", "--profile", "slurm"],
        "study_dataset": ["-n", "study_dataset"],
        "diagnose": ["-n", "diagnose"],
        "report": ["-n", "report"],
    }
    plain = {"default study": lambda: project.run("-n")}
    return side_by_side(
        plain
        | {
            name: lambda arguments=arguments: project.run(*arguments, "--config", "study=small")
            for name, arguments in calls.items()
        }
    )


@pytest.mark.parametrize("rule", sorted(WORK))
def test_every_rule_says_what_it_does_takes_and_logs(rule):
    assert RULES[rule] >= {"log", "benchmark", "resources", "message"}


def test_every_rule_is_part_of_a_whole_study_or_a_target(told):
    listed = set(re.findall(r"^(\w+)", told["rules"].output, re.MULTILINE))
    assert listed == RULES.keys()
    assert told["usual"].rules.keys() == WORK
    assert {"all", "default", "study_dataset", "diagnose", "report"} <= TARGETS


def test_the_linter_says_only_what_a_comment_argues_for(told):
    found, place = set(), ""
    for line in told["lint"].error.splitlines():
        if line.startswith("Lints for "):
            place = re.sub(r" \(line .*|:$|/.*/", "", line.removeprefix("Lints for "))
        elif line.startswith("    * "):
            found.add((place, line.removeprefix("    * ").removesuffix(":")))
    assert found <= ARGUED


@pytest.mark.parametrize("style", ["workflow/Snakefile", "slurm"])
def test_every_style_of_launch_plans_the_same_study(told, style):
    assert told[style].status == 0, told[style].text
    assert told[style].rules == told["usual"].rules


def test_without_a_word_the_default_study_is_planned(told):
    planned = told["default study"].rules
    assert planned.keys() == WORK
    assert (planned["train_pack"], planned["train_reruns"], planned["plot_axis"]) == (2, 3, 4)


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("study_dataset", {"mark_stage", "train_pack", "collect_study"}),
        ("diagnose", {"mark_stage", "train_pack", "collect_study", "diagnose_study"}),
        ("report", WORK - {"export_models", "write_tracking"}),
    ],
)
def test_a_target_makes_what_it_names_and_no_more(told, target, rules):
    assert told[target].status == 0, told[target].text
    assert told[target].rules.keys() == rules


def test_snakemakes_own_report_holds_every_artefact_without_a_network(trained):
    run = trained.run("--report", "report.zip", "--config", "study=small")
    assert run.status == 0, run.text
    with zipfile.ZipFile(trained.root / "report.zip") as archive:
        held = {archive.read(name) for name in archive.namelist()}
    study = trained.results / "small"
    artefacts = [study / name for name in ("report.html", "study.nc", "reruns.nc", "launch.json")]
    artefacts += [study / "diagnostics.json", trained.results / "tracking.csv"]
    plots = list((study / "plots").iterdir())
    assert len(plots) == 5
    missing = [path.name for path in artefacts + plots if path.read_bytes() not in held]
    assert not missing
