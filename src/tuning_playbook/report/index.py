"""The page that lists every study with its decision."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tuning_playbook.report.page import render_page


def render_index(
    rows: Sequence[Mapping[str, Any]], launches: Sequence[Mapping[str, str]] = ()
) -> str:
    """Write `index.html`, which stands beside the studies' folders.

    Args:
        rows: A summary of each study, as `tracking.summary_row` gives it, in the order to show.
        launches: The launches that were adopted, as `launches.history` reads them.

    Returns:
        The text of one HTML file that loads nothing and links to each `<study>/report.html`.
    """
    links = [f"./{quote(str(row['study']), safe='')}/report.html" for row in rows]
    return render_page(
        "index.html.j2",
        studies=list(zip(rows, links, strict=True)),
        launches=[_numbers(row) for row in launches],
    )


def _numbers(launch: Mapping[str, str]) -> dict[str, Any]:
    """Return a launch with its numbers as numbers; a text that is none stays as it is."""
    read: dict[str, Any] = dict(launch)
    for name in ("before_mean", "before_sd", "after_mean", "after_sd"):
        with contextlib.suppress(ValueError):
            read[name] = float(launch[name])
    return read
