"""The default study at other sizes, and its packs as the training jobs are given them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.process import ROOT
from tuning_playbook.search.plan import Pack, make_pack, pack_json, plan_study

DEFAULT_STUDY = ROOT / "config" / "studies" / "optimizer_choice.yaml"


def write_study(path: Path, *, trials: int, resources: Mapping[str, int]) -> Path:
    """Write the default study's spec with other numbers.

    Args:
        path: Where to.
        trials: In each arm.
        resources: Takes the place of the spec's own entries of `resources`.
    """
    yaml = YAML(typ="safe", pure=True)
    spec = yaml.load(DEFAULT_STUDY.read_text())
    spec["search"]["trials"] = trials
    spec["resources"] |= resources
    spec["baseline"] = str(ROOT / spec["baseline"])
    with path.open("w") as file:
        yaml.dump(spec, file)
    return path


def pack_request(folder: Path, *, trials: int, lanes: int = 1, arm: str = "adam") -> dict[str, Any]:
    """Return what the training job of one arm's first trials is told, as a JSON object.

    No trial of Adam's diverges in the default study, so that every one is trained to its end, as
    the bare script trains it.
    """
    spec = write_study(
        folder / "pack.yaml", trials=trials, resources={"trials_per_job": trials, "lanes": lanes}
    )
    plan = plan_study(spec)
    pack: Pack = make_pack(
        [item.trial for item in plan.trials if item.trial.hyperparameters["optimizer"] == arm]
    )
    request: dict[str, Any] = json.loads(pack_json(plan, pack))
    return request


def all_trials(spec: Path) -> list[dict[str, Any]]:
    """Return every trial of a study, as JSON objects."""
    return [item.trial.to_json() for item in plan_study(spec).trials]
