"""Which jobs of the workflow made what an archive holds."""

import pytest

from tests.specs import plan_of
from tuning_playbook.archive.provenance import jobs_of
from tuning_playbook.planning.job_sizes import divided_by, keep_division, with_division
from tuning_playbook.trials.pack_file import write_pack

AUTO = {"resources.trials_per_job": "auto", "search.trials": 8, "reruns.seeds": 4}
ROUNDS = {"search": {"algorithm": "bayesian", "trials": 12, "rounds": 1, "initial": 4}}


@pytest.mark.parametrize("changes", [{}, {"replicates": 1}, ROUNDS])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_the_training_jobs_are_those_that_the_study_was_divided_into(tmp_path, changes, cores):
    plan = plan_of(tmp_path, AUTO | changes)
    divided = with_division(plan, divided_by(tmp_path, "small", cores, trials_per_job=0))
    results = tmp_path / "small"
    results.mkdir()
    keep_division(divided, results)
    trained = {
        *(pack.file for pack in (*divided.packs.values(), *divided.replicate_packs.values())),
        *(pack.file for pack in divided.rerun_packs.values()),
        *(file for item in divided.rounds.values() for file in item.files),
    }
    for file in trained:
        (results / file).parent.mkdir(parents=True, exist_ok=True)
        write_pack(results / file, {})

    jobs = [job for job in jobs_of(plan, results) if job.rule.startswith("train_")]
    assert {name for job in jobs for name in job.made} == trained
    told = {job.made[0]: job.trials for job in jobs if job.trials}
    packs = (*divided.packs.values(), *divided.replicate_packs.values())
    assert told == {pack.file: tuple(trial.id for trial in pack.trials) for pack in packs}
