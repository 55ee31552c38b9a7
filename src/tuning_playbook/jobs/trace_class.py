"""Trace a workload's methods as a study's trials will call them, in a separate process.

    python -m tuning_playbook.jobs.trace_class ANSWER WORKLOAD [FOLDER [DATA]]

reads signatures from `planning.class_signatures` on its standard input, and writes all mistakes, or
that there are none, to ANSWER.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.jobs.answer_apart import answer
from tuning_playbook.jobs.class_check import ClassSignature, all_mistakes
from tuning_playbook.jobs.load_workload import load_data, load_workload, refuse


def main(arguments: Sequence[str]) -> None:
    """Answer for the workload in the arguments."""
    path, name, import_from, data_folder = [*arguments, "", ""][:4]
    given = json.loads(sys.stdin.read())
    signatures = [ClassSignature(**item) for item in given]

    def check() -> bool:
        workload = load_workload(name, import_from, data_folder)
        refuse(name, all_mistakes(workload, load_data(name, workload), signatures))
        return True

    answer(Path(path), check)


if __name__ == "__main__":
    main(sys.argv[1:])
