"""A page of the documentation, played by a test: its files are written, its commands called."""

import re
import sys

from tests.workflow.project import BIN, CHECKOUT

PROGRAMS = {
    "tuning-playbook": f"PYTHONPATH=src {sys.executable} -m tuning_playbook",
    "snakemake": str(BIN / "snakemake"),
    "make": f"make --dry-run --directory {CHECKOUT}",
    "cp": "cp",
}
"""How a command is called where nothing is installed but the environment."""


def play(project, page):
    """Write every file of a page of `docs/` and call every command, in order.

    Yields each command with its run; a file is written before the commands below it are called.
    """
    blocks = re.findall(
        r"^```(yaml|python|bash)\n(.*?)^```",
        (CHECKOUT / "docs" / page).read_text(),
        re.DOTALL | re.MULTILINE,
    )
    for language, block in blocks:
        if language != "bash":
            place = block.splitlines()[0].removeprefix("# ")
            (project.root / place).write_text(block)
            continue
        for command in block.strip().splitlines():
            program, _, rest = command.partition(" ")
            yield command, project.shell(f"{PROGRAMS[program]} {rest}")
