"""Which studies can have branches."""

from tuning_playbook.study.branch_rules import branch_objection
from tuning_playbook.study.shape import Training
from tuning_playbook.study.study import Incumbent

TRAINING = Training.model_validate(
    {"max_train_steps": 100, "eval_every": 10, "branch": {"step": 20, "batch_size": 8}}
)


def test_a_baseline_that_averages_its_weights_is_refused_as_an_arm_is():
    plain, averaged = (Incumbent("b.yaml", 16, {"polyak_decay": decay}) for decay in (0.0, 0.9))
    assert branch_objection(TRAINING, [], {16}, plain) == ((), "")
    assert "polyak_decay" in branch_objection(TRAINING, [], {16}, averaged)[1]
