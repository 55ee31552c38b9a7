"""Every damage to every file of a finished study, with a run of Snakemake for each: `make faults`.

It takes hours; `test_faults.py` is its sample.
"""

import pytest

from tests.faults import damages

pytestmark = pytest.mark.workflow

FILES = (
    *("study.nc", "checkpoints.nc", "reruns.nc", "resources.nc"),
    *("reruns/choice.json", "diagnostics.json", "launch.json", "models.json", "summary.json"),
    *("next_study.yaml", "report.html", "plots/best_of.svg"),
    *("../tracking.csv", "../index.html", "packs/*.nc", "reruns/*.nc"),
)
"""By their names in the folder of the study; of several one is enough."""


@pytest.mark.parametrize("damage", damages.EVERY, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_made_again_as_it_was(trained, file, damage):
    study = trained.results / "small"
    expected = damages.contents(trained.results)
    damage(next(study.glob(file)).resolve(), study)
    run = trained.snakemake()
    assert damages.different(trained.results, expected) == []
    if damage in damages.CONTENT:
        assert "so it is made again" in run.text
    assert trained.plan().nothing_to_do


@pytest.mark.parametrize("damage", damages.RECORDS, ids=lambda damage: damage.__name__)
def test_a_trial_without_its_record_is_trained_again_to_the_same_bits(trained, damage):
    study = trained.results / "small"
    expected = damages.contents(trained.results)
    trial = damages.record_of(study).parent.name
    damage(study)
    run = trained.snakemake()
    assert run.trained("small") == {trial}
    assert damages.different(trained.results, expected, but=damages.MEASURED_TIMES) == []
    assert trained.plan().nothing_to_do
