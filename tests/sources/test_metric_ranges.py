"""What a metric of another tool can be, by its name and by what was measured of it."""

import math

import pytest

from tuning_playbook.sources.metric_ranges import range_of

INF = math.inf


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("error_rate", [0.9, 0.03], (0.0, 1.0)),
        ("top5_accuracy", [0.2, 0.93], (0.0, 1.0)),
        ("accuracy", [10.0, 93.2], (0.0, 100.0)),
        ("bleu", [31.2], (0.0, 100.0)),
        ("loss", [2.3, 0.01], (0.0, INF)),
        ("ce_loss", [2.3, math.nan, math.inf], (0.0, INF)),
        ("error", [130.0, 0.4], (0.0, INF)),
        ("loss", [2.3, -0.1], (-INF, INF)),
        ("accuracy", [-1.0, 0.5], (-INF, INF)),
        ("accuracy", [120.0], (-INF, INF)),
        ("reward", [1.0, 0.2], (-INF, INF)),
        ("glossary", [1.0], (-INF, INF)),
    ],
)
def test_a_name_counts_where_no_value_contradicts_it(name, values, expected):
    assert range_of(name, values) == expected
