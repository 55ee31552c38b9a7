"""The README agrees with the code."""

import ast
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.specs import changed, plan_of, write_spec
from tuning_playbook.jobs.load_workload import check_protocol
from tuning_playbook.planning.configuration import CONFIG_KEYS
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study import import_spec, shape
from tuning_playbook.study.advice import RULES
from tuning_playbook.study.families import COMMON
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZERS
from tuning_playbook.study.schedule_hyperparameters import SCHEDULES
from tuning_playbook.study.thresholds import threshold_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONFIGURATION = (ROOT / "config/README.md").read_text()


def block(language, begins=""):
    return re.search(rf"```{language}\n({begins}.*?)```", README, re.DOTALL).group(1)


def test_the_study_in_the_readme_is_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = tmp_path / "optimizer_choice.yaml"
    path.write_text(block("yaml"))
    assert len(plan_study(path).trials) == 40


def test_the_conditions_of_the_configuration_make_the_arms_that_it_says(tmp_path):
    (text,) = re.findall(r"### Conditions\n\n```yaml\n(.*?)```", CONFIGURATION, re.DOTALL)
    changes = YAML(typ="safe").load(text) | {"nuisance": {}, "fixed": {"width": 16}}
    arms = [arm.name for arm in plan_of(tmp_path, changes).study.arms]
    assert len(arms) == 5
    assert arms[0] == "optimizer=nesterov"


def test_the_model_in_the_readme_keeps_the_protocol():
    names = {}
    exec(block("python", "# my_model.py"), names)
    check_protocol("my_model:MyModel", names["MyModel"]())


def test_the_ten_lines_from_python_run(tmp_path, monkeypatch, capsys):
    lines = block("python", "import tuning_playbook")
    assert len(ast.parse(lines).body) <= 10
    monkeypatch.chdir(tmp_path)
    small = {"scientific": {"optimizer": ["nesterov", "adam"]}, "fixed": {"width": 16}}
    small |= {"search.trials": 2}
    write_spec(tmp_path / "config/studies/optimizer_choice.yaml", changed(small))
    exec(lines, {})
    said = capsys.readouterr().out
    assert "config/studies/optimizer_choice.yaml: 4 trials" in said
    assert said.endswith(" undecided\n")  # its reruns are Snakemake's
    assert (tmp_path / "isolation.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "results/optimizer_choice/report_so_far.html").exists()


@pytest.mark.parametrize("path", re.findall(r"\]\(([a-z][^)#:]*)\)", README))
def test_every_link_leads_somewhere(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", re.findall(r"(?m)(?:^    |`)make ([a-z]+)", README))
def test_every_make_target_exists(command):
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def keys_of(model, prefix=""):
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, shape.Shape):
            yield from keys_of(inner, f"{prefix}{name}.")
        elif name not in ("search", "conditional", "source"):
            yield f"{prefix}{name}"


KEYS = {*keys_of(shape.StudySpec), *keys_of(import_spec.ImportSpec), *CONFIG_KEYS}
KEYS |= {
    *keys_of(import_spec.CsvSource, "source."),
    *keys_of(import_spec.JsonLinesSource, "source."),
    *keys_of(import_spec.OptunaSource, "source."),
    *keys_of(import_spec.RaySource, "source."),
    *keys_of(import_spec.MlflowSource, "source."),
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_explained(key):
    assert f"`{key}`" in CONFIGURATION or f"`{key.rpartition('.')[2]}`" in CONFIGURATION


def test_the_thresholds_of_the_checklist_are_those_of_the_code():
    """If this fails, copy the result of `threshold_table` into config/README.md."""
    assert threshold_table() in CONFIGURATION


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SCHEDULES, *(item.name for item in COMMON)])
def test_every_optimizer_schedule_and_common_hyperparameter_is_named(name):
    assert f"`{name}`" in CONFIGURATION


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_thumb_is_explained(rule):
    assert f"| `{rule.__name__}` |" in CONFIGURATION


def test_the_default_study_is_the_one_of_the_configuration():
    studies = YAML(typ="safe").load((ROOT / "config/config.yaml").read_text())["studies"]
    assert studies == ["optimizer_choice"]
