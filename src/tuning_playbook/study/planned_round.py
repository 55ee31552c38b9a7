"""A round of a procedure, as a study: its spec in the file that plans it.

    round:
      spec: config/studies/warmup.yaml
      name: warmup/rounds/2
      purpose: rates
      baseline: null
      taken: []
    # The round, as the spec of a study:
    goal: ...

It is read like a spec that is beside the procedure's. Where no round follows, the file says so:

    concluded: {spec: config/studies/warmup.yaml, rounds: 3}
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tuning_playbook.study.origin import EarlierResult, Taken, earlier_result
from tuning_playbook.study.read import WrittenSpec, shape_of
from tuning_playbook.study.yaml import read_yaml

ABOUT = "round"
"""The key that says which round of which procedure a file plans."""

CONCLUDED = "concluded"
"""The key of a file that says that no round follows."""

BEGINS = "# The round, as the spec of a study:\n"
"""The line before the spec."""

ROUND = re.compile(r"(.+)/rounds/([0-9]+)")
"""The name of a round: its procedure and its number."""

HEAD = "# Planned by snakemake from the rounds before it; change the procedure's spec instead.\n"


def round_name(procedure: str, number: int) -> str:
    """Return the name of a round, which is also its folder among the results."""
    return f"{procedure}/rounds/{number}"


def written_round(
    spec: Path,
    name: str,
    document: Mapping[str, Any],
    *,
    baseline: EarlierResult | None = None,
    taken: Sequence[Taken] = (),
) -> WrittenSpec:
    """Return a round of a procedure as the spec of a study.

    Args:
        spec: The procedure's file.
        name: The round's name, as `warmup/rounds/2`.
        document: Its spec, as YAML gives it.
        baseline: The incumbent that it is compared with, if with one of an earlier round.
        taken: What the procedure took from earlier studies.

    Raises:
        SpecError: A key or value is not of the right shape.
    """
    plain = dict(document)
    text = _dump(plain)
    shape, _ = shape_of(plain, text, spec)
    return WrittenSpec(spec, plain, text, (), shape, baseline, tuple(taken), None, name)


def write_round(written: WrittenSpec, purpose: str) -> str:
    """Return the content of the file that plans a round.

    Args:
        written: The round.
        purpose: What its procedure calls it.
    """
    about = {
        "spec": str(written.path),
        "name": written.name,
        "purpose": purpose,
        "baseline": asdict(written.baseline) if written.baseline else None,
        "taken": [item.to_json() for item in written.taken],
    }
    return f"{HEAD}{_dump({ABOUT: about})}{BEGINS}{written.text}"


def write_end(spec: Path, rounds: int) -> str:
    """Return the content of the file that says that a procedure ends after that many rounds."""
    return HEAD + _dump({CONCLUDED: {"spec": str(spec), "rounds": rounds}})


def read_round(document: Mapping[str, Any], text: str) -> WrittenSpec:
    """Return the round that a file plans.

    Args:
        document: As YAML gives it.
        text: The file's text.

    Raises:
        SpecError: A key or value is not of the right shape.
    """
    about = document[ABOUT]
    given: dict[str, Any] | None = about["baseline"]
    spec, path = text.partition(BEGINS)[2], Path(about["spec"])
    plain = {key: value for key, value in document.items() if key != ABOUT}
    shape, _ = shape_of(plain, spec, path)
    baseline = earlier_result(given) if given else None
    taken = tuple(Taken(**item) for item in about["taken"])
    return WrittenSpec(path, plain, spec, (), shape, baseline, taken, None, about["name"])


def is_end(file: Path) -> bool:
    """Return whether a file says that no round follows."""
    return CONCLUDED in read_yaml(file, what="plan of a round")[0]


def _dump(content: Mapping[str, Any]) -> str:
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 10**6
    yaml.dump(dict(content), text)
    return text.getvalue()
