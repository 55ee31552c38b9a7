"""Every number that the report's evidence shows is in launch.json."""

import json
import re

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tests.report.example import make_card, make_resources
from tests.report.pages import read
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.launches.decision import decide
from tuning_playbook.report.html import render

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?(?![\w.]*[a-zA-Z_])")
SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.0023])

OF_THE_WORDS = {"90", "95"}
"""The confidence of intervals, as column heads and labels say it."""


@pytest.fixture(scope="module")
def evidence():
    """A study with everything there can be, its launch.json and its report."""
    study = make_study(trials=24, effect=lambda arm, at: 0.05 * at["weight_decay"] ** 2)
    repeats = [
        other.assign(replicate=("trial", np.full(other.sizes["trial"], number)))
        for number, other in enumerate((make_study(seed=1), make_study(seed=2)), 1)
    ]
    objectives = {
        NESTEROV: [*(0.0912 + SPREAD), 0.1117, 0.1342],
        ADAM: [*(0.0871 + SPREAD), 0.1219, 0.1477],
        "baseline": [*(0.1033 + 1.3 * SPREAD), 0.1513, 0.1788],
    }
    reruns = make_reruns(study, objectives)
    reruns["data_split"] = ("trial", np.tile([0] * 5 + [1, 2], 3))
    findings = [*diagnose(study), importance(study)]
    replicates = xr.concat(repeats, "trial", data_vars="minimal")
    launch = decide(study, reruns, findings, replicates=replicates, min_improvement=0.001)
    content = json.loads(json.dumps(launch.to_json()))
    page = render(
        make_card(),
        study=study,
        reruns=reruns,
        findings=[finding.to_json() for finding in findings],
        launch=content,
        resources=make_resources(study),
        plots={},
        replicates=replicates,
    )
    return content, page


def numbers_in(content):
    """Every number of a JSON value, also those within its texts."""
    if isinstance(content, dict):
        return [number for value in content.values() for number in numbers_in(value)]
    if isinstance(content, list):
        return [float(len(content)), *(n for value in content for n in numbers_in(value))]
    if isinstance(content, bool) or content is None:
        return []
    if isinstance(content, str):
        return [value for value, _ in written(content)]
    return [float(content)]


def written(text):
    """The numbers in a text, each with what it may be off by for want of digits."""
    found = []
    for token in NUMBER.findall(text):
        plain = token.replace(",", "").replace("−", "-").lstrip("+")
        digits, _, power = plain.partition("e")
        places = len(digits.partition(".")[2])
        found.append((float(plain), 0.501 * 10.0 ** (int(power or 0) - places)))
    return found


def not_among(page, section, numbers):
    """The numbers that a section shows and that are not among some; per cent of them are."""
    known = np.abs(np.array([*numbers, *(100 * number for number in numbers)]))
    texts = [
        cell.text for tag in ("td", "dd", "li", "p") for cell in read(page).by_id(section).all(tag)
    ]
    shown = {text: written(re.sub(r"\b[0-9a-f]{10}\b", "", text)) for text in texts}
    return [
        (value, text)
        for text, values in shown.items()
        for value, error in values
        if f"{value:g}" not in OF_THE_WORDS
        and not (np.abs(known - abs(value)) <= error + 1e-12 * abs(value)).any()
    ]


@pytest.mark.parametrize("section", ["decision", "evidence", "checklist"])
def test_every_number_of_it_is_in_launch_json(evidence, section):
    launch, page = evidence
    assert not not_among(page, section, numbers_in(launch))


@pytest.mark.parametrize("part", ["candidate", "study_variance", "data_variance", "reruns"])
def test_a_part_that_launch_json_lacked_would_be_missed(evidence, part):
    launch, page = evidence
    # The curves of best of k hold so many numbers that others are among them by chance.
    left_out = (part, "reasons", "findings", "best_of")
    rest = {key: value for key, value in launch.items() if key not in left_out}
    assert not_among(page, "evidence", numbers_in(rest))
