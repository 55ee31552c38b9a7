"""The whole checklist: every study gets every answer, by its own thresholds."""

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, make_resources, make_study
from tuning_playbook.analysis.checklist import CHECKLIST, diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.study.thresholds import DEFAULTS, Checklist

DOCUMENTATION = Path(__file__).parents[2] / "docs/checklist.md"
CHECKS = [check.__name__ for check in CHECKLIST]


@pytest.mark.parametrize(
    "settings",
    [
        {"trials": 1},
        {"trials": 1, "arms": ["all trials"]},
        {"trials": 3, "reason": lambda *_: "diverged"},
        {"trials": 3, "reason": lambda arm, _at: "diverged" if arm == ADAM else ""},
        {"evaluations": 1},
        {"noise": 0.0, "trial_noise": 0.0},
        {"mode": "max"},
    ],
    ids=", ".join,
)
def test_every_study_gets_every_answer_as_json(settings):
    study = make_study(**settings)
    findings = diagnose(study, make_resources(study))
    assert [finding.check for finding in findings] == CHECKS
    for finding in findings:
        json.dumps(finding.to_json(), allow_nan=False)
        assert finding.question.endswith("?")
        assert finding.section
        assert finding.summary.endswith(".")
        assert finding.answer not in ("warning", "problem") or finding.advice


def test_no_feasible_trial_cannot_tell():
    study = make_study(trials=3, reason=lambda *_: "diverged")
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    assert answers.pop("infeasible") == "problem"
    assert set(answers.values()) == {"cannot tell"}


def test_what_was_not_logged_cannot_be_told():
    study = make_study().drop_vars(["train_loss", "grad_norm", "max_train_steps"])
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    unknown = {"gradient_norms", "mixed_machines"}
    assert {check for check, answer in answers.items() if answer == "cannot tell"} == unknown


def test_the_documentation_lists_every_check_in_the_order_of_the_checklist():
    listed = re.findall(r"^\| `(\w+)` \|", DOCUMENTATION.read_text(), re.MULTILINE)
    assert listed == CHECKS


def test_every_check_takes_the_thresholds_of_its_name():
    taking = {
        check.__name__: parameters["thresholds"].default
        for check in (*CHECKLIST, nothing_matters, importance)
        if "thresholds" in (parameters := inspect.signature(check).parameters)
    }
    assert taking == dict(DEFAULTS)


@pytest.mark.parametrize(
    ("check", "thresholds", "settings"),
    [
        ("boundary", {"significance": 1e-9}, {"effect": lambda _arm, at: -at["learning_rate"]}),
        ("infeasible", {"very_large": 0.1}, {"reason": lambda _arm, at: lost(at, 0.8)}),
        ("unequal_tuning", {"ratio": 1.0}, {}),
        ("step_variance", {"ratio": 0.01}, {}),
        ("still_improving", {"least_share": 0.5}, {"time_constant": 0.25}),
        ("saturated_early", {"saturated_by": 0.5}, {"time_constant": 0.06}),
        ("best_steps", {"last": 0.95}, {}),
        ("gradient_norms", {"outlier": 0.1}, {}),
        ("beats_chance", {"share": 0.95}, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_threshold_reaches_its_check(check, thresholds, settings):
    study = make_study(**settings)
    answers = [
        {finding.check: finding.answer for finding in diagnose(study, None, given)}[check]
        for given in (DEFAULTS, Checklist.model_validate({check: thresholds}))
    ]
    assert answers[0] != answers[1]


def lost(at, above):
    return "diverged" if at["learning_rate"] > above else ""


def test_trials_of_another_tool_that_lack_most_of_it():
    """Evaluations that begin after step 0, no series of training steps, no record of machines."""
    study = make_study().isel(eval_step=slice(1, None))
    for name in ("train_loss", "grad_norm", "grad_norm_max"):
        study[name] = study[name] * np.nan
    study["error_rate"][:, :2, :] = np.nan
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    unknown = {"gradient_norms", "beats_chance", "mixed_machines"}
    unknown |= {"still_improving", "saturated_early"}  # what training gained in all is not seen
    unknown |= {"learning_rate_edge"}  # which trials hardly trained is not either
    assert {check for check, answer in answers.items() if answer == "cannot tell"} == unknown
