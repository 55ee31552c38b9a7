"""What the configuration may say of archives."""

import pytest

from tuning_playbook.archive.settings import ArchiveSettings, archive_settings
from tuning_playbook.errors import SpecError


def test_left_out_nothing_is_told():
    assert archive_settings({}) == ArchiveSettings("best", "", "", hosts=False)


def test_as_the_command_line_gives_it():
    config = {"checkpoints": "all", "author": " Ada ", "license": "CC-BY-4.0", "hosts": "True"}
    assert archive_settings(config) == ArchiveSettings("all", "Ada", "CC-BY-4.0", hosts=True)
    assert archive_settings({"checkpoints": None}).checkpoints == "none"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checkpoints", "some"),
        ("author", 3),
        ("author", "Ada\nLovelace"),
        ("license", "ask me"),
        ("license", "ftp://host/licence"),
        ("hosts", "some"),
    ],
)
def test_what_a_key_does_not_take_is_named(key, value):
    with pytest.raises(SpecError, match=f"configuration key '{key}' is "):
        archive_settings({key: value})
