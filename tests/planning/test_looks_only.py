import itertools

import pytest
from snakemake.cli import get_argument_parser

from tuning_playbook.planning.looks_only import LOOKS, looks_only


@pytest.mark.parametrize(
    "given",
    [
        ["--cores", "2", "--summary"],
        ["-S"],
        ["--dag=mermaid-js", "--config", "study=small"],
        ["--unlock"],
        ["--report", "report.zip"],
    ],
)
def test_a_call_that_runs_no_job_only_looks(given):
    assert looks_only(given)


@pytest.mark.parametrize(
    "given",
    [
        ["--cores", "2"],
        ["--cores", "2", "archive", "--config", "study=summary"],
        ["--touch", "--cores", "2"],
        ["--report", "report.zip", "--report-after-run", "--cores", "2"],
    ],
)
def test_a_call_that_runs_jobs_does_not(given):
    assert not looks_only(given)


def test_the_options_are_those_of_snakemake():
    actions = get_argument_parser()._actions
    known = set(itertools.chain.from_iterable(action.option_strings for action in actions))
    assert known >= LOOKS
    for action in actions:  # in each of its spellings
        spellings = set(action.option_strings)
        assert spellings <= LOOKS or spellings.isdisjoint(LOOKS), spellings
