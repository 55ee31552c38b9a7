"""The decision of a study follows from its files and from what its spec asks of an improvement."""

import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tests.specs import plan_of
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.files import write_json
from tuning_playbook.launches.study_launch import decide_study

FIVE = [-0.002, -0.001, 0.0, 0.001, 0.002]


@pytest.fixture
def files(tmp_path):
    study = make_study(effect=lambda arm, _at: -0.05 if arm == ADAM else 0.0, trials=6)
    levels = {ADAM: 0.05, NESTEROV: 0.09, "baseline": 0.1}
    reruns = {arm: [level + noise for noise in FIVE] for arm, level in levels.items()}
    study.to_netcdf(tmp_path / "study.nc")
    make_reruns(study, reruns).to_netcdf(tmp_path / "reruns.nc")
    problem = Finding("boundary", "?", "problem", "At an edge.")
    write_json(tmp_path / "problem.json", {"findings": [problem.to_json()]})
    write_json(tmp_path / "fine.json", {"findings": []})
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "diagnostics", "decision"),
    [
        ({}, "fine.json", "adopt"),
        ({}, "problem.json", "provisional"),
        ({"launch.min_improvement": 0.2}, "fine.json", "reject"),
    ],
)
def test_it_rests_on_the_files_and_on_the_spec(files, asked, diagnostics, decision):
    launch = decide_study(
        plan_of(files, asked | {"launch.complexity": "another optimizer"}).study,
        study=f"{files}/study.nc",
        reruns=f"{files}/reruns.nc",
        replicates=[],
        diagnostics=f"{files}/{diagnostics}",
        decide_incomplete=False,
    )
    assert launch.decision == decision
    assert launch.complexity == "another optimizer"
    assert launch.caveats
