"""What Snakemake says of a spec, a workload or a command that cannot be carried out as written."""

import re
from types import SimpleNamespace

import pytest

from tests.specs import changed, write_spec
from tests.study.wrong_specs import WRONG
from tests.workflow.background import in_background
from tests.workflow.project import restore, side_by_side, snapshot

pytestmark = pytest.mark.workflow

RAISES = "import json\n\nraise RuntimeError('no data\\nhere')\n"
NO_WORKLOAD = "class Model:\n    metrics = ()\n"

SPECS = [
    "unknown key",
    "unknown nested key",
    "misspelt hyperparameter",
    "hyperparameter of another optimizer",
    "unknown choice",
    "value out of range",
    "text for a number",
    "reversed range",
    "log range through zero",
    "two distributions",
    "zero trials",
    "unknown algorithm",
    "condition on what is not scientific",
    "condition on a value never taken",
    "two roles",
    "seeds searched",
    "batch size as nuisance",
    "metric that does not exist",
    "objective on the test split",
    "workload that does not exist",
    "workload that cannot be imported",
    "evaluation misses the last step",
    "nothing to search",
    "listed trial that overrides a fixed value",
    "baseline that does not exist",
    "an empty file",
    "not YAML",
    "a tag that would make an object",
    "a value that contains itself",
]
"""Every kind of mistake; the reader of specs is tested with many more of each."""

WRONG_COMMANDS = {
    # what is wrong: (--config, with {folder} for the tests' own; a part of the message)
    "unknown key of the configuration": ("stduy=small", "did you mean 'study'?"),
    "study that does not exist": ("study=smal", "did you mean 'small'?"),
    "spec that does not exist": ("study={folder}/nowhere.yaml", "nowhere.yaml"),
    "name that no folder can have": ("study={folder}/a study.yaml", "cannot name a study"),
    "two studies of one name": ("studies=[small,{folder}/small.yaml]", "two studies are named"),
    "study that YAML reads as a number": ("study=7", "was read as the int 7"),
    "force that is neither": ("force=perhaps", "'force' is true or false, not 'perhaps'"),
    "no studies": ("studies=[]", "names no study"),
    "studies that are no list": ("studies=small", "names no study"),
    "results that Snakemake takes for a pattern": ("results=a{{b}}", "must not hold"),
    "workload that raises when imported": (
        "study={folder}/raises.yaml",
        "cannot be imported: RuntimeError: no data here",
    ),
    "workload without a model": ("study={folder}/no_workload.yaml", "has no 'hyperparameters'"),
}


@in_background
def refused(workshop):
    """What came of every wrong spec and command, in a project whose small study was trained.

    Every wrong spec is named as the trained study, whose files it would have to do with.
    """
    project = workshop.new_project("refused")
    restore(workshop.wait_for("trained_once").copy, project.root)
    folder = workshop.root / "wrong"
    calls = {}
    for number, wrong in enumerate(SPECS):
        given, _ = WRONG[wrong]
        path = folder / str(number) / "small.yaml"
        path.parent.mkdir(parents=True)
        if isinstance(given, str):
            path.write_text(given)
        else:
            write_spec(path, changed(given))
        calls[wrong] = f"study={path}"
    for name, code in {"raises": RAISES, "no_workload": NO_WORKLOAD}.items():
        (folder / f"{name}.py").write_text(code)
        write_spec(folder / f"{name}.yaml", changed({"workload": f"{name}:Model"}))
    for name in ("small", "a study"):
        write_spec(folder / f"{name}.yaml", changed({}))
    calls |= {wrong: given.format(folder=folder) for wrong, (given, _) in WRONG_COMMANDS.items()}
    before = snapshot(project.results)
    runs = side_by_side(
        {
            wrong: lambda setting=setting: project.run("--cores", 1, "--config", setting)
            for wrong, setting in calls.items()
        }
    )
    return SimpleNamespace(calls=calls, runs=runs, before=before, after=snapshot(project.results))


@pytest.mark.parametrize("wrong", [*SPECS, *WRONG_COMMANDS])
def test_what_is_wrong_gets_one_message_and_no_traceback(refused, wrong):
    _, message = WRONG.get(wrong) or WRONG_COMMANDS[wrong]
    run = refused.runs[wrong]
    assert run.status == 1
    assert len(re.findall(r"^\w*Error\b", run.error, re.MULTILINE)) == 1
    assert re.search(r"^(SpecError|WorkloadError): ", run.error, re.MULTILINE)
    assert message in run.error
    key, _, given = refused.calls[wrong].partition("=")
    if key == "study" and "/" in given:  # every error about a spec names its file
        assert re.search(rf"^\w+Error: {re.escape(given)}\b", run.error, re.MULTILINE)
    assert "Traceback" not in run.text
    assert '  File "' not in run.text


def test_no_file_of_an_earlier_run_is_touched(refused):
    assert refused.before
    assert refused.after == refused.before
