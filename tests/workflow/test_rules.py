"""What the rules promise whoever reads, runs or reports them."""

import re
import zipfile

import pytest

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import RULES, TARGETS, side_by_side

pytestmark = pytest.mark.workflow

WITHOUT_SOFTWARE = "Specify a conda environment or container for each rule."
FROM_OUTSIDE = "Shell command directly uses variable PYTHON from outside of the rule"
ARGUED = {
    ("rule mark_stage", WITHOUT_SOFTWARE),
    ("rule train_pack", WITHOUT_SOFTWARE),
    ("rule train_pack", FROM_OUTSIDE),
}
"""What `snakemake --lint` says and a comment in the rules answers."""


ADVICE = "Fewer than 10 trials in all trials (4)"
"""What the small study is told."""

WORK = RULES.keys() - TARGETS
ON_REQUEST = {
    "collect_replicates",
    "choose_set_back",
    "train_set_back",
    "compare_set_back",
    "import_trials",
    "evaluate_test_set",
    "train_final",
    "archive_study",
}
"""Rules that run only where a spec, or whoever calls Snakemake, asks for them."""

OF_PROCEDURES = {
    *("plan_round", "conclude_procedure", "plot_conclusion", "report_procedure"),
    *("probe", "conclude_probes"),
}
"""Rules that there are only where a study asked for is a procedure."""

WORK = RULES.keys() - TARGETS - ON_REQUEST - OF_PROCEDURES

ROUNDS = {"propose_round", "train_round", "settle_study"}
"""The rules that only trials need which follow from results."""

TAKEN = {"fixed.learning_rate": {"from": "small"}, "nuisance": {"dropout": {"uniform": [0, 0.5]}}}
BAYESIAN = {"search": {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}}


LARGE = {"resources.memory_mb": 8765, "resources.devices": 2, "resources.lanes": 1}
MAY_TRAIN = ("train_pack", "export_models", "evaluate_test_set", "train_final")
ASKED = f"""
import types

include: "Snakefile"
for rule in {MAY_TRAIN}:
    for study in STUDIES:
        for name in ("mem_mb", "devices"):
            asked = workflow.get_rule(rule).resources[name]
            print(rule, study, name, asked.evaluate(types.SimpleNamespace(study=study)).value)
"""
"""Our workflow, which says too what jobs ask for that train, as Snakemake does only of some."""


@in_background
def told(workshop):
    """What Snakemake says of a study of which nothing is there yet."""
    project = workshop.new_project("untrained")
    project.write_study("small", IN_ONE_JOB)
    project.write_study("bayesian", IN_ONE_JOB | BAYESIAN)
    project.write_study("second", IN_ONE_JOB | TAKEN)
    project.write_study("third", IN_ONE_JOB | TAKEN | LARGE)
    (project.root / "asked.smk").write_text(ASKED)
    asked = ("-s", "asked.smk", "--default-resources", "mem_mb=3456")
    calls = {
        "lint": ["--lint"],
        "rules": ["--list-rules"],
        "usual": ["-n"],
        "workflow/Snakefile": ["-n", "-s", "workflow/Snakefile"],
        "slurm": ["-n", "--profile", "slurm"],
        "gpus": ["-n", "-p", "--set-resources", "train_pack:gpu=2"],
        "study_dataset": ["-n", "study_dataset"],
        "diagnose": ["-n", "diagnose"],
        "report": ["-n", "report"],
    }
    plain = {
        "default study": lambda: project.run("-n"),
        "bayesian": lambda: project.run("-n", "--config", "study=bayesian"),
        "second": lambda: project.run("-n", "--config", "study=second"),
        "third": lambda: project.run("-n", *asked, "--config", "study=third"),
    }
    return side_by_side(
        plain
        | {
            name: lambda arguments=arguments: project.run(*arguments, "--config", "study=small")
            for name, arguments in calls.items()
        }
    )


@pytest.mark.parametrize("rule", sorted(RULES.keys() - TARGETS))
def test_every_rule_says_what_it_does_takes_and_logs(rule):
    assert RULES[rule] >= {"log", "benchmark", "resources", "message"}


def test_every_rule_is_part_of_a_whole_study_or_a_target(told):
    listed = set(re.findall(r"^(\w+)", told["rules"].output, re.MULTILINE))
    assert listed == RULES.keys() - {"settle_study"} - OF_PROCEDURES
    assert told["usual"].rules.keys() == WORK - ROUNDS
    assert told["bayesian"].rules.keys() | told["second"].rules.keys() == WORK
    assert {"all", "default", "study_dataset", "diagnose", "report"} <= TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_list_of_rules_says_in_one_line_what_a_target_makes(told, target):
    assert re.search(rf"^{target} \(.+\.\)$", told["rules"].output, re.MULTILINE)


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


def test_what_the_command_line_gives_a_training_job_is_told_to_it(told):
    assert told["gpus"].rules == told["usual"].rules
    (command,) = re.findall("Shell command: (.*jobs.train_pack .*)", told["gpus"].text)
    assert command.endswith(" --threads 1 --gpus 2")


@pytest.mark.parametrize("rule", MAY_TRAIN)
def test_a_study_that_asks_for_nothing_gets_what_the_profile_says_beside_one_that_does(told, rule):
    assert told["third"].status == 0, told["third"].text
    said = {line for line in told["third"].text.splitlines() if line.startswith(f"{rule} ")}
    small, third = {"mem_mb": 3456, "devices": 1}, {"mem_mb": 8765, "devices": 2}
    asked = {"small": small, "third": third}
    assert said == {f"{rule} {s} {name} {n}" for s, of in asked.items() for name, n in of.items()}


def test_without_a_word_the_default_study_is_planned(told):
    planned = told["default study"].rules
    assert planned.keys() == WORK - ROUNDS
    assert (planned["train_pack"], planned["train_reruns"], planned["plot_axis"]) == (2, 3, 4)


@pytest.mark.parametrize("asked", ["usual", "slurm", "workflow/Snakefile"])
def test_advice_is_given_once_before_anything_runs(told, asked):
    lines = [line for line in told[asked].text.splitlines() if ADVICE in line]
    assert len(lines) == 1
    assert lines[0].startswith("config/studies/small.yaml: ")
    assert "(playbook: " in lines[0]


@pytest.mark.parametrize("asked", ["usual", "slurm"])
def test_a_dry_run_says_what_the_study_costs(told, asked):
    lines = told[asked].text.splitlines()
    place = lines.index("config/studies/small.yaml: budget:")
    assert lines[place + 1].split() == ["arm", "trials", "reruns", "steps"]
    assert lines[place + 2].startswith("  all trials ")


@pytest.mark.parametrize("asked", ["usual", "slurm"])
def test_a_dry_run_says_what_the_study_cannot_tell(told, asked):
    lines = told[asked].text.splitlines()
    place = lines.index("config/studies/small.yaml: cannot tell with this design:")
    assert any(line.startswith("  importance: needs ") for line in lines[place:])


def test_jobs_do_not_repeat_the_advice_and_the_report_has_it(trained_once):
    assert trained_once.run.text.count(ADVICE) == 1
    assert trained_once.project.report().count(ADVICE) == 1


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("study_dataset", {"mark_stage", "train_pack", "collect_study"}),
        ("diagnose", {"mark_stage", "train_pack", "collect_study", "diagnose_study"}),
        ("report", WORK - ROUNDS - {"export_models", "write_tracking"}),
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
    artefacts += [study / "next_study.yaml"]
    artefacts += [study / "diagnostics.json", trained.results / "tracking.csv"]
    plots = list((study / "plots").iterdir())
    assert len(plots) == 8
    missing = [path.name for path in artefacts + plots if path.read_bytes() not in held]
    assert not missing


def test_the_spec_of_the_next_round_runs_as_it_is(trained):
    spec = "results/small/next_study.yaml"
    assert "The next round of the study small" in (trained.root / spec).read_text()
    assert "next_study.yaml" in trained.report()
    planned = trained.plan(study=spec).rules
    assert planned.keys() == WORK - {"settle_study"}  # one arm, so its search goes on in rounds
