"""A settled spec: a study's spec with values in the places of what it takes from earlier studies.

    settled:
      spec: config/studies/second.yaml
      sha256: 5f1c...
      baseline: null
      taken:
      - {place: fixed.learning_rate, value: '0.02', study: first, arm: all trials, trial: ...}
    goal: ...
    fixed: {learning_rate: 0.02}

It is read like the spec that it is of: errors name that one's file and lines.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.study.earlier_results import EarlierArm, put_in
from tuning_playbook.study.origin import EarlierResult, Taken, earlier_result
from tuning_playbook.study.planned_round import ABOUT as ROUND
from tuning_playbook.study.planned_round import read_round
from tuning_playbook.study.read import WrittenSpec, shape_of, written_spec
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.study.yaml import read_yaml

ABOUT = "settled"
"""The key of a settled spec that says of which spec it is, and where its values are from."""


def settle(
    written: WrittenSpec,
    results: Mapping[EarlierArm, EarlierResult],
    workload: WorkloadDescription,
) -> WrittenSpec:
    """Return a spec with results in the places of its references; one without is as it was.

    Args:
        written: The spec.
        results: What it refers to.
        workload: The study's, which knows what values are valid.

    Raises:
        SpecError: A result has not what is referred to, or it does not fit.
    """
    if not written.references:
        return written
    path, text = written.path, written.text
    document, baseline, taken = put_in(
        written.document, written.references, results, workload, path=path, text=text
    )
    spec, procedure = shape_of(document, text, path)
    return WrittenSpec(path, document, text, (), spec, baseline, taken, procedure)


def write_settled(settled: WrittenSpec) -> str:
    """Return the content of the file of a settled spec."""
    about = {
        "spec": str(settled.path),
        "sha256": _digest(settled.text),
        "baseline": asdict(settled.baseline) if settled.baseline else None,
        "taken": [item.to_json() for item in settled.taken],
    }
    text = io.StringIO()
    text.write(
        f"# What is carried out of {settled.path}: it stands here with the values that it takes\n"
        "# from the results of earlier studies. Written by snakemake; change that file instead.\n"
    )
    yaml = YAML()
    yaml.width = 10**6
    yaml.dump({ABOUT: about, **settled.document}, text)
    return text.getvalue()


def read_settled(path: Path) -> WrittenSpec:
    """Return the spec in a file: a settled one, a round of a procedure, or one that a user wrote.

    Raises:
        ChangedDuringRunError: The spec that was settled is another by now.
        SpecError: It cannot be read, or a key or value is not of the right shape.
    """
    document, text = read_yaml(path, what="study spec")
    if isinstance(document.get(ROUND), dict):
        return read_round(document, text)
    about = document.get(ABOUT)
    if not isinstance(about, dict):
        return written_spec(path, document, text)
    document = {key: value for key, value in document.items() if key != ABOUT}
    spec = Path(about["spec"])
    text = spec.read_text(encoding="utf-8") if spec.is_file() else ""
    if _digest(text) != about["sha256"]:
        raise ChangedDuringRunError(
            f"{spec} changed after {path} was made of it; run snakemake again"
        )
    given: dict[str, Any] | None = about["baseline"]
    baseline = earlier_result(given) if given else None
    taken = tuple(Taken(**item) for item in about["taken"])
    shape, procedure = shape_of(document, text, spec)
    return WrittenSpec(spec, document, text, (), shape, baseline, taken, procedure)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
