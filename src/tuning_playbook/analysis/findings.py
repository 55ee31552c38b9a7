"""A finding: one answer of the playbook's checklist, with the numbers and the advice behind it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Answer = Literal["ok", "warning", "problem", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """One answer of the checklist.

    Attributes:
        check: Which diagnostic, as the name of its function.
        question: The question it answers, in the playbook's words.
        answer: `problem` forbids to trust a comparison of the arms; `warning` asks for a look.
        summary: One or two sentences: what was found, with the numbers that matter.
        numbers: Every number behind the answer (JSON values).
        trials: The ids of the trials it is about.
        advice: What the playbook says to do about it; empty where nothing is to be done.
        section: The playbook's section that it comes from.
    """

    check: str
    question: str
    answer: Answer
    summary: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    trials: tuple[str, ...] = ()
    advice: str = ""
    section: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return asdict(self) | {"trials": list(self.trials), "numbers": dict(self.numbers)}


def read_findings(diagnostics: Path) -> list[Finding]:
    """Return what the checklist found of a study, from its `diagnostics.json`."""
    content = json.loads(diagnostics.read_text())
    return [Finding(**finding) for finding in content["findings"]]
