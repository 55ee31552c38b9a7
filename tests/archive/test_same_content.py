"""When what was made again of an archive is the same as what it holds."""

import numpy as np
import xarray as xr

from tuning_playbook.archive.same_content import dataset_differences


def dataset(high, value=1.0, ends=(np.nan, 0.1)):
    attributes = {"low": np.nan, "high": high, "lows": list(ends), "choices": '["a", "b"]'}
    return xr.Dataset({"hp_x": ("trial", [value, np.nan], attributes)}, attrs={"study": "s"})


def test_what_is_missing_on_both_sides_is_the_same():
    """A choice has no ends, so its attributes hold NaN."""
    assert list(dataset_differences(dataset(np.nan), dataset(np.nan))) == []


def test_another_value_or_attribute_is_named():
    assert list(dataset_differences(dataset(np.nan), dataset(1.0))) == ["hp_x"]
    assert list(dataset_differences(dataset(np.nan), dataset(np.nan, value=2.0))) == ["hp_x"]
    assert list(dataset_differences(dataset(1.0), dataset(1.0, ends=(0.2, 0.1)))) == ["hp_x"]
    renamed = dataset(1.0).assign_attrs(study="t")
    assert list(dataset_differences(dataset(1.0), renamed)) == ["the attribute study"]
