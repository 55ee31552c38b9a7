"""The states that a trial can be resumed from."""

import numpy as np

from tuning_playbook.jobs import checkpoints
from tuning_playbook.trials.resume_states import remove_resumes, resume_name, resume_steps


def test_only_finished_states_can_be_resumed_from(tmp_path):
    for step in (100, 200):
        checkpoints.save(tmp_path, resume_name(step), {"x": np.ones(1)})
    (tmp_path / "resume_300").mkdir()
    assert sorted(resume_steps(tmp_path)) == [100, 200]
    remove_resumes(tmp_path)
    assert list(tmp_path.iterdir()) == []
