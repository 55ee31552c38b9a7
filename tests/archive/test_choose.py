"""Which trials of an archive are trained again."""

import pytest
import xarray as xr

from tuning_playbook.archive.choose import choose_trials

RECORDS = {f"{number:010x}": {} for number in range(6)}


@pytest.fixture
def results(tmp_path):
    trials = xr.DataArray(sorted(RECORDS)[:4], dims="trial")
    xr.Dataset({"index": ("trial", range(4))}, {"trial": trials}).to_netcdf(tmp_path / "study.nc")
    return tmp_path


@pytest.mark.parametrize("place", range(4))
def test_a_sample_is_drawn_of_those_that_are_not_named(results, place):
    chosen = choose_trials(results, RECORDS, named=[str(place)], sample=2)
    assert chosen[0] == sorted(RECORDS)[place]
    assert len(set(chosen)) == 3
    assert choose_trials(results, RECORDS, named=[str(place)], sample=2) == chosen


def test_a_sample_larger_than_the_archive_is_all_of_it(results):
    assert sorted(choose_trials(results, RECORDS, sample=99)) == sorted(RECORDS)
