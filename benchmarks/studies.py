"""The default study at other sizes, and its packs as the training jobs are given them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.process import ROOT
from tuning_playbook.planning.plan import make_pack, plan_study, request_of, requests_of

DEFAULT_STUDY = ROOT / "config" / "studies" / "optimizer_choice.yaml"


def write_study(
    path: Path,
    *,
    trials: int,
    resources: Mapping[str, int],
    training: Mapping[str, int] | None = None,
) -> Path:
    """Write the default study's spec with other numbers.

    Args:
        path: Where to.
        trials: In each arm.
        resources: Takes the place of the spec's own entries of `resources`.
        training: Likewise of `training`.
    """
    yaml = YAML(typ="safe", pure=True)
    spec = yaml.load(DEFAULT_STUDY.read_text())
    spec["search"]["trials"] = trials
    spec["resources"] |= resources
    spec["training"] |= training or {}
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
    of_arm = [i.trial for i in plan.trials if i.trial.hyperparameters["optimizer"] == arm]
    return request_of(plan, make_pack(arm, of_arm).trials).to_json()


def cnn_request(folder: Path, *, trials: int) -> dict[str, Any]:
    """Return what the training job of some trials of `mnist5k_cnn` is told."""
    yaml = YAML(typ="safe", pure=True)
    spec = yaml.load((ROOT / "config" / "studies" / "cnn_dropout.yaml").read_text())
    del spec["scientific"]
    spec["nuisance"] = {"learning_rate": {"log_uniform": [3.0e-4, 3.0e-3]}}
    spec["fixed"] = {"optimizer": "adam", "weight_decay": 1e-4}
    spec["search"]["trials"] = spec["resources"]["trials_per_job"] = trials
    path = folder / "cnn.yaml"
    with path.open("w") as file:
        yaml.dump(spec, file)
    return _only_request(path)


def workload_request(
    folder: Path,
    workload: str,
    *,
    metric: str,
    training: Mapping[str, int],
    learning_rate: float,
    fixed: Mapping[str, Any],
    data: Path | None = None,
) -> dict[str, Any]:
    """Return what the training job of one trial of any workload is told.

    Args:
        folder: Where its spec is written.
        workload: A built-in one.
        metric: Of the validation split, the smaller the better.
        training: As in a spec.
        learning_rate: Of its optimizer.
        fixed: Its other hyperparameters; those left out have their defaults.
        data: The folder of its data, where it has one.
    """
    spec: dict[str, Any] = {
        "goal": "What does this configuration reach?",
        "workload": workload,
        "objective": {"metric": f"validation/{metric}", "mode": "min"},
        "training": dict(training),
        "fixed": dict(fixed),
        "search": {"algorithm": "list", "trials": [{"learning_rate": learning_rate}]},
    }
    if data:
        spec["data"] = str(data)
    path = folder / f"{workload}.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(spec, file)
    request = _only_request(path)
    if data:
        request["data_folder"] = str(data)  # a plan has it from here, and the job runs elsewhere
    return request


def _only_request(spec: Path) -> dict[str, Any]:
    (request,) = requests_of(plan_study(spec)).values()
    return request.to_json()


def all_trials(spec: Path) -> list[dict[str, Any]]:
    """Return every trial of a study, as JSON objects."""
    return [item.trial.to_json() for item in plan_study(spec).trials]
