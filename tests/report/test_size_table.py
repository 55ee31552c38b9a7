"""The table of batch sizes in the report of the procedure that compares them."""

import xarray as xr

from tests.procedures.scaling_trials import LONG, SMALL, conclude, curve, settings, spec
from tuning_playbook.procedures.conclude import conclusion_dataset
from tuning_playbook.report.size_table import size_rows


def test_each_batch_size_has_a_row_with_what_is_known_of_it():
    times = [{"batch_size": 256, "seconds": 0.5, "devices": 2}]
    asked = settings(step_times=times, **SMALL)
    conclusion, history = conclude(spec(**LONG), asked, curve(misses=(16,)))
    first, *_, last = size_rows(conclusion_dataset(history, conclusion))
    assert (first.size, first.reached, first.steps, first.examples) == ("16", "0 of 1", "–", "–")
    assert (first.seconds_per_step, first.seconds) == ("–", "–")
    steps = conclusion.tables["size"]["steps"][-1]
    assert (last.size, last.reached, last.examples) == ("256", "3 of 3", f"{256 * steps:,.0f}")
    assert (last.seconds_per_step, last.devices, last.seconds) == ("0.5", "2", f"{steps / 2:.3g}")


def test_another_procedure_has_no_such_table():
    assert size_rows(xr.Dataset()) == ()
