"""Draw the playbook's figures anew: `python -m figures`.

Snakemake trains the studies whose results are missing; the plots are copied to docs/figures/.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from figures.figure import PICTURES, ROOT, SPECS, PlaybookFigure
from figures.page import PAGE, page, write
from figures.playbook import FIGURES


def main() -> None:
    """Train what is missing, copy the plots, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    cores = str(os.cpu_count() or 1)
    parser.add_argument("--cores", default=cores, help="how many cores may train (%(default)s)")
    parser.add_argument(
        "--results", default="results/figures", help="the folder of results (%(default)s)"
    )
    chosen = parser.parse_args()
    done = subprocess.run(command(FIGURES, chosen.results, chosen.cores), cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"the figures are not drawn: Snakemake ended with status {done.returncode}")
    copy_plots(FIGURES, ROOT / chosen.results, PICTURES)
    write(PAGE, page(FIGURES))
    print(f"{PAGE.relative_to(ROOT)} and {PICTURES.relative_to(ROOT)}/*.svg are up to date")


def command(figures: Sequence[PlaybookFigure], results: str, cores: str) -> list[str]:
    """Return the call of Snakemake that makes the plots, and nothing else, of the studies.

    Args:
        figures: What is to be drawn.
        results: The folder of results, from the root of the repository.
        cores: How many cores may train.
    """
    panels = [panel for figure in figures for panel in figure.panels]
    specs = dict.fromkeys(str((SPECS / f"{p.spec}.yaml").relative_to(ROOT)) for p in panels)
    return [
        *(sys.executable, "-m", "snakemake", "--cores", cores, "--quiet", "rules", "progress"),
        *("--config", f"studies=[{','.join(specs)}]", f"results={results}", "--"),
        *dict.fromkeys(f"{results}/{panel.source}" for panel in panels),
    ]


def copy_plots(figures: Sequence[PlaybookFigure], results: Path, pictures: Path) -> None:
    """Copy the plots of all figures from the results to one folder."""
    pictures.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        for panel in figure.panels:
            shutil.copyfile(results / panel.source, pictures / figure.picture(panel))


if __name__ == "__main__":
    main()
