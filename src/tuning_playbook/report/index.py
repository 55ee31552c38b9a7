"""The page of all studies: what was learnt about each workload, round by round."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.planning.campaign_file import campaign_file
from tuning_playbook.report.page import DECISIONS, render_page
from tuning_playbook.report.study_rounds import link_to, make_history

NO_CONCLUSIONS: Mapping[str, Mapping[str, Any]] = {}


def render_index(
    rows: Sequence[Mapping[str, Any]],
    launches: Sequence[Mapping[str, str]] = (),
    conclusions: Mapping[str, Mapping[str, Any]] = NO_CONCLUSIONS,
) -> str:
    """Return the text of `index.html`, which is next to the studies' folders.

    Args:
        rows: A summary of each study, as `tracking.summary_row` gives it.
        launches: The launches that were adopted, as `launches.history` reads them.
        conclusions: The content of `conclusion.json` of each procedure, by its name.

    Returns:
        The text of one HTML file that loads nothing and links to each `<study>/report.html`.
    """
    decided = {row["decision"] for row in rows}
    return render_page(
        "index.html.j2",
        history=make_history(rows, conclusions),
        studies=len(rows),
        campaigns={row["workload"]: campaign_file(str(row["workload"])) for row in rows},
        decided=[decision for decision in DECISIONS if decision in decided],
        launches=[_numbers(row) for row in launches],
        procedures=[(name, link_to(name), item) for name, item in conclusions.items()],
    )


def _numbers(launch: Mapping[str, str]) -> dict[str, Any]:
    """Return a launch with numbers in place of numeric texts."""
    read: dict[str, Any] = dict(launch)
    for name in ("before_mean", "before_sd", "after_mean", "after_sd"):
        with contextlib.suppress(ValueError):
            read[name] = float(launch[name])
    return read
