"""The page of the figures, docs/figures.md."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from figures.figure import ROOT, PlaybookFigure

PAGE = ROOT / "docs" / "figures.md"

IMAGES = "https://github.com/google-research/tuning_playbook/blob/main/assets"

HEAD = """\
# The playbook's figures

Each figure of the [Deep Learning Tuning Playbook](https://github.com/google-research/tuning_playbook)
beside what this software draws of small studies of its built-in workloads.

    make figures    # trains what is missing, and writes docs/figures/*.svg and this page

The specs are in `config/figures/`, the results in `results/figures/`. The pictures are there once
`make figures` has run. They are not under version control: the last digits of a training depend on
the machine, and a run must not change files of the repository. The playbook's own pictures are
linked, not copied.
"""


def page(figures: Sequence[PlaybookFigure]) -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *(line for figure in figures for line in _section(figure))])


def write(path: Path, text: str) -> None:
    """Write a text to a file unless it has it already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _section(figure: PlaybookFigure) -> Iterator[str]:
    specs = dict.fromkeys(panel.spec for panel in figure.panels)
    links = ", ".join(f"[{spec}](../config/figures/{spec}.yaml)" for spec in specs)
    yield f"## Figure {figure.number}"
    yield ""
    yield f"> {figure.caption}"
    yield ""
    yield f"The playbook's: [{figure.image}.png]({IMAGES}/{figure.image}.png). Ours, by {links}:"
    yield ""
    for panel in figure.panels:
        yield f"![{panel.shows}](figures/{figure.picture(panel)})"
        yield ""
    yield f"- The same: {figure.same}"
    yield f"- Different: {figure.differs}"
    yield ""
