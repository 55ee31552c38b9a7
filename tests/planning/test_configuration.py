"""What the configuration may say, and which studies it asks for."""

import re
from pathlib import Path

import pytest

from tuning_playbook.errors import SpecError
from tuning_playbook.planning.configuration import CONFIG_KEYS, asked_for

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "config/README.md").read_text().partition("## A study spec")[0]


def documented():
    """The keys that the table explains, and those that any page gives after --config."""
    keys = set(re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE))
    for page in [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "config").glob("*.md"),
    ]:
        for given in re.findall(r"--config ((?:\w+=(?:\"[^\"]*\"|\S+) ?)+)", page.read_text()):
            keys |= set(re.findall(r"(\w+)=", given))
    return keys


def test_every_key_that_the_documentation_names_is_known_and_explained():
    assert documented() == set(CONFIG_KEYS)


@pytest.mark.parametrize("key", CONFIG_KEYS)
def test_each_is_taken(key, tmp_path):
    (tmp_path / "one.yaml").touch()
    given = {"studies": ["one"], "study": "one"}.get(key, "true")
    assert asked_for({"study": "one", key: given}, folder=tmp_path) == [tmp_path / "one.yaml"]


def test_another_is_named_with_the_nearest():
    with pytest.raises(SpecError, match=r"'autor'; did you mean 'author'\?"):
        asked_for({"study": "one", "autor": "Ada"}, folder=Path())


@pytest.mark.parametrize(
    ("name", "read"), [("2026_11_29", 20261129), ("007", 7), ("1e2", 100.0), ("on", True)]
)
def test_a_study_whose_name_is_read_as_something_else_is_found(name, read, tmp_path):
    path = tmp_path / f"{name}.yaml"
    path.touch()
    assert asked_for({"study": read}, folder=tmp_path) == [path]
    assert asked_for({"studies": [read]}, folder=tmp_path) == [path]


def test_two_studies_of_which_it_may_be_either_are_to_be_told_by_path(tmp_path):
    for name in ("7", "007"):
        (tmp_path / f"{name}.yaml").touch()
    with pytest.raises(SpecError, match=r"give a path with a '/', as .*/<name>.yaml"):
        asked_for({"study": 7}, folder=tmp_path)
