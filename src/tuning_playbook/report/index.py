"""The page of all studies: what was learnt of each workload, round by round."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.planning.campaign_file import campaign_file
from tuning_playbook.report.page import DECISIONS, render_page
from tuning_playbook.report.study_rounds import make_history


def render_index(
    rows: Sequence[Mapping[str, Any]], launches: Sequence[Mapping[str, str]] = ()
) -> str:
    """Write `index.html`, which stands beside the studies' folders.

    Args:
        rows: A summary of each study, as `tracking.summary_row` gives it.
        launches: The launches that were adopted, as `launches.history` reads them.

    Returns:
        The text of one HTML file that loads nothing and links to each `<study>/report.html`.
    """
    decided = {row["decision"] for row in rows}
    return render_page(
        "index.html.j2",
        history=make_history(rows),
        studies=len(rows),
        campaigns={row["workload"]: campaign_file(str(row["workload"])) for row in rows},
        decided=[decision for decision in DECISIONS if decision in decided],
        launches=[_numbers(row) for row in launches],
    )


def _numbers(launch: Mapping[str, str]) -> dict[str, Any]:
    """Return a launch with its numbers as numbers; a text that is none stays as it is."""
    read: dict[str, Any] = dict(launch)
    for name in ("before_mean", "before_sd", "after_mean", "after_sd"):
        with contextlib.suppress(ValueError):
            read[name] = float(launch[name])
    return read
