"""What a figure of the playbook is, and which plots of ours show the same."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SPECS = ROOT / "config" / "figures"
"""Where the specs of the studies are that the figures are drawn from."""

PICTURES = ROOT / "docs" / "figures"
"""Where the figures are written."""


@dataclass(frozen=True)
class Panel:
    """A plot of ours.

    Attributes:
        spec: The stem of the spec that it is made by.
        plot: The stem of its file among the plots of that study.
        shows: What is seen in it.
    """

    spec: str
    plot: str
    shows: str

    @property
    def source(self) -> str:
        """The file within the folder of results."""
        return f"{self.spec}/plots/{self.plot}.svg"


@dataclass(frozen=True)
class PlaybookFigure:
    """A picture of the playbook's beside what this software draws.

    Attributes:
        number: Of the figure, and the part where it has several: `1 left`.
        image: The playbook's file, without its ending.
        caption: What the playbook says under it.
        panels: Our plots, one at least.
        same: What both show.
        differs: Where the shape of ours differs, and why.
    """

    number: str
    image: str
    caption: str
    panels: tuple[Panel, ...]
    same: str
    differs: str

    def picture(self, panel: Panel) -> str:
        """Return the name of the file that a panel is written to."""
        part = chr(ord("a") + self.panels.index(panel)) if len(self.panels) > 1 else ""
        return f"figure_{self.number.replace(' ', '_')}{'_' if part else ''}{part}.svg"
