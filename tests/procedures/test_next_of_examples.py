"""The next round of every example study: it can be planned, asks something else, and is no copy."""

from pathlib import Path

import numpy as np
import pytest

from tests.procedures.campaign import play
from tests.workloads.test_cifar10 import write_batch
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.plan import check_trials
from tuning_playbook.procedures.train_steps import steps_named
from tuning_playbook.study.yaml import read_yaml

STUDIES = Path("config/studies").resolve()


def one_arm_is_better(values):
    """The first value of anything is better; so are learning rates near 0.01."""
    worse = sum(
        values.get(name) not in (None, first)
        for name, first in (
            ("normalization", "none"),
            ("normalization_position", "pre"),
            ("dropout", 0.0),
            ("optimizer", "nesterov"),
            ("first_block_stride", 2),
        )
    )
    return 0.2 + 0.05 * worse + all_arms_are_alike(values) - 0.2


def all_arms_are_alike(values):
    return 0.2 + 0.02 * np.log10(values["learning_rate"] / 0.01) ** 2


def the_best_lies_at_an_edge(values):
    return 0.5 - 0.02 * np.log10(values["learning_rate"])


@pytest.mark.parametrize(
    "surface",
    [one_arm_is_better, all_arms_are_alike, the_best_lies_at_an_edge],
    ids=lambda surface: surface.__name__,
)
@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_it_asks_another_question_that_its_spec_answers(path, surface, tmp_path, monkeypatch):
    data = tmp_path / "data" / "cifar-10-batches-bin"
    data.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        write_batch(data / name, 300, seed=0)
    (tmp_path / "config").symlink_to(STUDIES.parent)
    monkeypatch.chdir(tmp_path)
    spec = Path("config/studies") / path.name
    before, _ = read_yaml(spec, what="study spec")
    played = play(spec, surface, np.random.default_rng(0), {})
    place = Path("results") / path.stem / "next_study.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(played.next_text)
    after, _ = read_yaml(place, what="study spec")
    plan = plan_chain([place])[place.stem].plan
    check_trials(plan)  # as `check` reads it
    assert after["goal"] != before["goal"]
    assert {*steps_named(after["goal"])} == {plan.study.spec.training.max_train_steps}
    if steps_named(before["goal"]):
        assert after["training"]["max_train_steps"] == before["training"]["max_train_steps"]
    trained = {item.trial.id for item in played.plan.trials}
    assert not trained & {item.trial.id for item in plan.trials}
    assert "Not carried out" not in played.next_text
