"""The file that plans a round of a procedure, and the round in it."""

import pytest

from tests.specs import REMOVED, SMALL, changed, write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.planned_round import (
    is_end,
    write_end,
    write_round,
    written_round,
)
from tuning_playbook.study.read import read_spec
from tuning_playbook.study.settled import read_settled

BASELINE = EarlierResult("p", "all trials", "0" * 10, "", "", 0.1, "digits_mlp", {"depth": 2}, {})
PROCEDURE = {"procedure": {"name": "stability"}, "search": REMOVED, "nuisance": REMOVED}


def test_a_round_is_read_as_it_was_written(tmp_path):
    spec, file = tmp_path / "specs/p.yaml", tmp_path / "2.yaml"
    written = written_round(spec, "p/rounds/2", SMALL, baseline=BASELINE)
    file.write_text(write_round(written, "rates"))
    assert read_settled(file) == written
    assert (written.path, written.name) == (spec, "p/rounds/2")


def test_a_file_says_that_no_round_follows(tmp_path):
    file = tmp_path / "3.yaml"
    file.write_text(write_end(tmp_path / "p.yaml", 2))
    assert is_end(file)
    file.write_text(write_round(written_round(tmp_path / "p.yaml", "p/rounds/3", SMALL), "look"))
    assert not is_end(file)


def test_the_spec_of_a_procedure_needs_no_search(tmp_path):
    written = read_spec(write_spec(tmp_path / "p.yaml", changed(PROCEDURE)))
    assert written.procedure.name == "stability"
    assert written.shape.search.trials == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"procedure.name": "stabilty"}, "procedure: name 'stabilty' is not one of"),
        ({"procedure.rate": 3}, "procedure.rate: unknown key; did you mean 'rates'"),
        ({"procedure.rates": [0.5, 1]}, "procedure.rates[0]"),
        ({"procedure.rates": [1, 1]}, "procedure.rates: 1 is given more than once"),
        ({"procedure.rates": [1, 2, 2.0]}, "procedure.rates: 2 is given more than once"),
        ({"procedure.look_steps": 5}, "procedure.look_steps"),
        ({"goal": REMOVED}, "goal: this key is required"),
        ({"search": REMOVED, "nuisance": {"learning_rate": {"uniform": [0, 1]}}}, "search"),
    ],
)
def test_what_is_wrong_with_a_procedures_spec_is_said_with_its_place(tmp_path, changes, message):
    base = changed({"procedure": {"name": "stability"}})
    with pytest.raises(SpecError) as error:
        read_spec(write_spec(tmp_path / "p.yaml", changed(changes, base)))
    assert message in str(error.value)
