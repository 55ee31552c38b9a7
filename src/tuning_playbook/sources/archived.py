"""The trials of an archived study, as `archive.read_trials` reads them in its own process."""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Metric, Value, same, target_of
from tuning_playbook.errors import SourceError
from tuning_playbook.files import cache_folder, keep_cached
from tuning_playbook.sources.found import Found
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.study import Arm, Dimension, Draw
from tuning_playbook.study.workload_description import read_cache
from tuning_playbook.trials.best_checkpoint import BestCheckpoint
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.record import NO_CURVES, Curves, GradientSummary, TrialRecord


def read_archive(path: Path) -> Found:
    """Return the study in an archive: its trials and reruns, its arms and its baseline.

    The archive is verified, unless it was before and has not changed since.

    Raises:
        SourceError: There is no such archive, it is not whole, or its trials are another tool's.
    """
    if not path.is_file():
        raise SourceError(f"{path}: there is no such archive")
    key = "\0".join([str(path.resolve()), sys.executable, __file__])
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    cached = cache_folder() / "archives" / name
    content = read_cache(cached)
    if content is None:
        content = _read_apart(path)
        keep_cached(cached, json.dumps(content).encode())
    return found_in(path, content["study"])


def _read_apart(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tuning_playbook.archive.read_trials", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        content: dict[str, Any] = json.loads(done.stdout)
        return content
    if done.returncode == 1:
        raise SourceError(f"{done.stderr.strip()}; python -m tuning_playbook verify lists all")
    raise SourceError(f"{path}: it cannot be read:\n{done.stderr.strip()}")


def found_in(path: Path, content: Mapping[str, Any]) -> Found:
    """Return the study that `archive.read_trials` told of an archive."""
    trials = tuple(_trial(path, item) for item in content["trials"])
    values: dict[str, Value] = {}
    for trial in trials:
        values = dict(trial.hyperparameters) | values
    valid = _valid(content["searched"])
    known = {
        name: _declared(name, values[name], description, valid.get(name, ANY))
        for name, description in content["hyperparameters"].items()
        if name in values
    }
    return Found(
        trials=trials,
        workload=content["workload"],
        incumbent=content["baseline"],
        description=f"Trained in the study {content['study']}; read from its archive.",
        known=known,
        metrics={item["name"]: Metric(**item) for item in content["metrics"]},
        training=shape.Training.model_validate(content["training"]),
        arms=tuple(_arm(item, content, known, trials) for item in content["arms"]),
    )


ANY = (-math.inf, math.inf)


def _declared(
    name: str, default: Value, description: str, valid: tuple[float, float]
) -> Hyperparameter:
    low, high = valid
    return Hyperparameter(name, default, description, low=low, high=high)


def _valid(searched: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest valid value of what was searched, by its name."""
    found = {}
    for item in searched:
        low, high = item.get("lowest", -math.inf), item.get("highest", math.inf)
        if item["name"].startswith(ONE_MINUS):
            low, high = 1 - high, 1 - low
        found[target_of(item["name"])] = low, high
    return found


def _trial(path: Path, item: Mapping[str, Any]) -> ImportedTrial:
    measured, best = item["measured"], item["best"]
    return ImportedTrial(
        name=item["name"],
        where=f"{path}: trial {item['name']}",
        seed=item["seed"],
        hyperparameters=item["hyperparameters"],
        record=TrialRecord(
            fingerprint=item["fingerprint"],
            status=item["status"],
            reason=item["reason"],
            evaluations=_curves(measured["evaluations"]) if measured else NO_CURVES,
            logged=_curves(measured["logged"]) if measured else NO_CURVES,
            gradient=_gradient(measured),
        ),
        arm=item["arm"],
        trained=item["trained"],
        best=BestCheckpoint(**best) if best else None,
        provenance=item["provenance"],
        round=item["round"],
    )


def _gradient(measured: Mapping[str, Any] | None) -> GradientSummary | None:
    content = measured["gradient"] if measured else None
    return GradientSummary(**content) if content else None


def _curves(content: Mapping[str, Any]) -> Curves:
    values = {name: tuple(numbers) for name, numbers in content["values"].items()}
    return Curves(tuple(content["steps"]), values)


def _arm(
    item: Mapping[str, Any],
    content: Mapping[str, Any],
    known: Mapping[str, Hyperparameter],
    trials: tuple[ImportedTrial, ...],
) -> Arm:
    """Return an arm of the archived study, with what was searched in it."""
    dimensions = tuple(
        _dimension(searched, known)
        for searched in content["searched"]
        if item["name"] in searched["arms"]
    )
    own = [trial.hyperparameters for trial in trials if trial.arm == item["name"]]
    searched = {dimension.hyperparameter.name for dimension in dimensions}
    held = [{n: value for n, value in of.items() if n not in searched} for of in own]
    choices = dict.fromkeys(name for dimension in dimensions for name in dimension.when)
    fixed = _common(held) if choices else held[0]
    drawn: dict[tuple[Value | None, ...], list[dict[str, Value]]] = {}
    for of, values in zip(own, held, strict=True):
        if choices:
            drawn.setdefault(tuple(of.get(name) for name in choices), []).append(values)
    return Arm(
        name=item["name"],
        scientific=item["scientific"],
        batch_size=int(own[0]["batch_size"]),
        dimensions=dimensions,
        fixed=fixed,
        defaulted=(),
        draws=tuple(
            Draw(
                choices={n: v for n, v in zip(choices, key, strict=True) if v is not None},
                fixed={n: v for n, v in _common(of).items() if n not in fixed},
                defaulted=(),
            )
            for key, of in drawn.items()
        ),
    )


def _common(trials: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """Return what all trials have alike."""
    return {
        name: value
        for name, value in trials[0].items()
        if all(name in trial and same(trial[name], value) for trial in trials)
    }


def _dimension(searched: Mapping[str, Any], known: Mapping[str, Hyperparameter]) -> Dimension:
    kind = searched["distribution"]
    return Dimension(
        name=searched["name"],
        hyperparameter=known[target_of(searched["name"])],
        distribution=None
        if kind == "list"
        else Distribution(kind, searched["low"], searched["high"], tuple(searched["choices"])),
        condition=searched["condition"],
        when={name: tuple(values) for name, values in searched.get("when", {}).items()},
        role=searched["role"],
    )
