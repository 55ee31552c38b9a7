"""Which trials of a study were trained before under another id, and why the id is different.

Training a trial again costs time that the user does not expect, so the reason is shown before
anything trains.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.planning.plan import Plan
from tuning_playbook.trials.trial import Trial, canonical

MOST_READ = 1000
"""Most earlier trials that are read, because every planning of a study waits for this."""

VERSIONS = {
    "engine": "the code of the engine changed",
    "workload": "the code of the workload changed",
    "data": "the data changed",
}

OF_FORMAT_1 = "an earlier version of this software trained them, and their ids have changed with it"


def retraining_lines(plan: Plan, folder: Path) -> Iterator[str]:
    """Yield how many trials of a study train again although they were trained before, and why.

    Args:
        plan: The study's.
        folder: Its folder of results.
    """
    planned = {item.trial.id: item.trial for item in plan.trials}
    planned |= {item.trial.id: item.trial for repeat in plan.replicates for item in repeat.trials}
    there = {path.name for path in folder.glob("trials/*") if (path / "trial.json").exists()}
    missing = [trial for name, trial in planned.items() if name not in there]
    if not missing or not there:
        return
    before = _trained_before(folder, sorted(there))
    again = [(trial, before[key]) for trial in missing if (key := _key(trial.to_json())) in before]
    reasons = Counter(reason for trial, content in again for reason in _reasons(trial, content))
    if again:
        why = "; ".join(reason for reason, _ in reasons.most_common())
        count = f"{len(again)} of {len(planned)} trials train again"
        yield f"{count}, though they were trained before: {why}"


def _trained_before(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the trial.json of trials that were trained; of very many, a sample from all over."""
    found = {}
    for name in names[:: 1 + len(names) // MOST_READ]:
        try:
            content = json.loads((folder / "trials" / name / "trial.json").read_text())
            found[_key(content["trial"])] = content
        except (OSError, ValueError, LookupError, TypeError):  # damaged, or of another version
            continue
    return found


def _key(trial: Mapping[str, Any]) -> str:
    """Return what identifies a configuration with its seed, whatever code trained it."""
    return canonical([trial["hyperparameters"], trial["batch_size"], trial["seed"]])


def _reasons(trial: Trial, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a trial differs from an earlier one of the same configuration and seed."""
    now, then = trial.to_json(), content["trial"]
    if "format" not in content:
        yield OF_FORMAT_1
        return
    for name, reason in VERSIONS.items():
        if now["versions"].get(name) != then["versions"].get(name):
            yield reason
    if now["traced"] != list(then["traced"]):
        yield "hyperparameters are declared in another way"
    for name in sorted((now.keys() | then.keys()) - {"versions", "traced"}):
        if now.get(name) != then.get(name):
            yield f"{name} is {now.get(name, 'left out')}, and was {then.get(name, 'left out')}"
