"""The page that lists every study with its decision."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tuning_playbook.report.page import render_page


def render_index(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write `index.html`, which stands beside the studies' folders.

    Args:
        rows: A summary of each study, as `tracking.summary_row` gives it, in the order to show.

    Returns:
        The text of one HTML file that loads nothing and links to each `<study>/report.html`.
    """
    links = [f"./{quote(str(row['study']), safe='')}/report.html" for row in rows]
    return render_page("index.html.j2", studies=list(zip(rows, links, strict=True)))
