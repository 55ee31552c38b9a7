"""Pages from templates: escaped, in one file, without the network."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tuning_playbook.report.checklist_section import finding_anchor
from tuning_playbook.report.formatting import anchor, text

DECISIONS = {"adopt": "✓", "reject": "✕", "provisional": "◐", "undecided": "○"}
"""The symbol of each decision."""


def render_page(template: str, **content: Any) -> str:
    """Render a template with the pages' common style and script.

    The page's Content-Security-Policy lets nothing be loaded and runs no script but ours, which
    it knows by its hash. Styles are allowed inline: whether a page's policy reaches into an SVG
    in an `img` is left open by the standard, and every plot of matplotlib has a `style`.

    Args:
        template: The name of a file in `templates`.
        **content: What the template shows; texts are escaped.
    """
    environment = _environment()
    style, script = _asset("report.css"), _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return environment.get_template(template).render(
        **content,
        decisions=DECISIONS,
        style=style,
        script=script,
        script_hash=f"sha256-{digest}",
    )


def breakable(name: str) -> Markup:
    """Return a name that may break after its underscores and slashes.

    Example:
        >>> str(breakable("validation/error_rate"))
        'validation/<wbr>error_<wbr>rate'
    """
    parts = re.split("(?<=[_/=])", name)
    return Markup("<wbr>").join(parts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tuning_playbook.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "value": text,
        "anchor": anchor,
        "finding_anchor": finding_anchor,
        "breakable": breakable,
    }
    return environment


@cache
def _asset(name: str) -> Markup:
    """Return our own style or script, which is not escaped."""
    template = files("tuning_playbook.report").joinpath("templates", name)
    return Markup(template.read_text(encoding="utf-8"))
