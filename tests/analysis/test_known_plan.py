"""What is known of a study that takes from a procedure, before it is settled."""

import json
import os
from types import SimpleNamespace

import pytest

from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.analysis.known_plan import is_certain, known_plan, outdated
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.procedures.planned import conclusion_key
from tuning_playbook.procedures.procedure_state import concluded_of
from tuning_playbook.study.read import read_spec

STABLE = {
    "procedure": {"name": "stability"},
    "fixed.learning_rate": 0.05,
    "nuisance": REMOVED,
    "search": REMOVED,
}
TAKES = {
    "nuisance": {"dropout": {"uniform": [0, 0.5]}},
    "fixed.learning_rate": {"from": "stable", "of": "unstable_rate", "times": 0.5},
}


@pytest.fixture
def takes(tmp_path):
    """A study that takes from a procedure, and a function that concludes that at a time."""
    stable = write_spec(tmp_path / "stable.yaml", changed(STABLE))
    path = write_spec(tmp_path / "takes.yaml", changed(TAKES))
    results = tmp_path / "results"

    def conclude(at):
        key = conclusion_key(read_spec(stable))
        content = {
            "workload": "digits_mlp",
            "values": {"unstable_rate": 0.5},
            "sentence": "It is unstable from 0.5.",
        }
        for name, text in {
            f"current/concluded-{key}": "",
            "conclusion.json": json.dumps(content),
        }.items():
            file = results / "stable" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            os.utime(file, (at, at))

    def of(function):
        chain = plan_chain([path])
        return function(
            chain["takes"], chain, results, concluded_of(chain["takes"], chain, results)
        )

    return SimpleNamespace(
        stable=stable,
        conclude=conclude,
        plan=lambda: known_plan(plan_chain([path])["takes"], results),
        is_certain=lambda: of(is_certain),
        outdated=lambda: of(outdated),
    )


def test_before_the_procedure_has_concluded_nothing_is_known(takes):
    assert (takes.plan(), takes.is_certain(), takes.outdated()) == (None, False, ())


def test_a_conclusion_that_is_up_to_date_makes_it_certain(takes):
    takes.conclude(10)
    (arm,) = takes.plan().study.arms
    assert arm.fixed["learning_rate"] == pytest.approx(0.25)
    assert (takes.is_certain(), takes.outdated()) == (True, ())


def test_a_procedure_that_changed_since_is_told(takes):
    takes.conclude(10)
    write_spec(takes.stable, changed(STABLE | {"fixed.learning_rate": 0.1}))
    assert takes.plan() is not None
    assert (takes.is_certain(), takes.outdated()) == (False, ("stable",))
