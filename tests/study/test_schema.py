"""The schema file for editors is what the definitions say, and agrees with them."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.specs import changed
from tests.study.wrong_specs import WRONG
from tuning_playbook.study.schema import json_schema

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = CONFIG / "study.schema.json"


def test_the_schema_file_is_in_step():
    """If this fails: python -m tuning_playbook schema > config/study.schema.json."""
    assert json.loads(SCHEMA.read_text()) == json_schema()


@pytest.mark.parametrize("path", sorted(CONFIG.glob("studies/*.yaml")), ids=lambda path: path.stem)
def test_every_study_here_is_valid(path):
    jsonschema.validate(YAML(typ="safe").load(path.read_text()), json_schema())


@pytest.mark.parametrize(
    "wrong", ["unknown key", "two distributions", "zero trials", "no goal", "unknown algorithm"]
)
def test_an_editor_sees_errors_of_shape(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(WRONG[wrong][0]), json_schema())


REFERENCE = {"from": "first", "of": "best", "times": 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"scientific": {"width": [16, REFERENCE]}},
        {"nuisance": {"learning_rate": {"choice": [0.1, REFERENCE]}}},
        {"nuisance": {"learning_rate": {"log_uniform": [1e-3, REFERENCE]}}},
        {"nuisance": {}, "search": {"algorithm": "list", "trials": [{"width": REFERENCE}]}},
        {"procedure": {"name": "warmup", "unstable_rate": REFERENCE}},
    ],
)
def test_an_editor_takes_a_reference_in_a_list(changes):
    jsonschema.validate(changed(changes), json_schema())
