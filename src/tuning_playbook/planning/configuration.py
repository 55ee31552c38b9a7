"""What the workflow's configuration asks for: which studies, and where their results go."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.planning.chain import Link, plan_chain
from tuning_playbook.planning.plan import find_spec

CONFIG_KEYS = (
    "studies",
    "study",
    "results",
    "force",
    "checkpoints",
    "incomplete",
    "trials_per_job",
    "author",
    "license",
    "hosts",
)
"""The keys that the configuration may have; config/README.md and docs/archive.md explain them."""


def asked_for(config: Mapping[str, Any], *, folder: Path) -> list[Path]:
    """Return the specs of the studies that the configuration asks for.

    Args:
        config: `studies`, a list of names or paths, or `study`, a single one that replaces them.
        folder: Where studies are looked up by name.

    Raises:
        SpecError: The configuration cannot be carried out as written.
    """
    for key in config:
        if key not in CONFIG_KEYS:
            raise SpecError(
                f"unknown configuration key '{key}'{nearest(key, CONFIG_KEYS)} "
                f"(known: {', '.join(CONFIG_KEYS)})"
            )
    for key, example in (("study", f"{folder}/<name>.yaml"), ("results", "./<name>")):
        if config.get(key) is not None and not isinstance(config[key], str):
            if key == "study" and _read_as(config[key], folder):
                continue
            raise SpecError(
                f"configuration key '{key}' was read as the {type(config[key]).__name__} "
                f"{config[key]!r}; give a path with a '/', as {example}"
            )
    chosen = [config["study"]] if config.get("study") is not None else config.get("studies")
    if not isinstance(chosen, list) or not chosen:
        raise SpecError(
            "the configuration names no study: list some under 'studies' in "
            "config/config.yaml, or give --config study=<name or path>"
        )
    names = [study if isinstance(study, str) else _read_as(study, folder) for study in chosen]
    return [
        find_spec(name or str(study), folder=folder)
        for name, study in zip(names, chosen, strict=True)
    ]


def _read_as(value: object, folder: Path) -> str:
    """Return the one study whose name was read as a number or a boolean; empty if there is none.

    Snakemake reads `study=2026_11_29` as the number 20261129, and YAML does likewise.
    """
    found = [path.stem for path in sorted(folder.glob("*.yaml")) if value in _readings(path.stem)]
    return found[0] if len(found) == 1 else ""


def _readings(name: str) -> list[object]:
    """Return the numbers or booleans that a name may be read as."""
    readings: list[object] = []
    for read in (int, float):
        try:
            readings.append(read(name))
        except ValueError:
            continue
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return [*readings, *([words[name.lower()]] if name.lower() in words else [])]


def plan_studies(config: Mapping[str, Any], *, folder: Path) -> dict[str, Link]:
    """Return the studies that the configuration asks for and those that they take from, by name.

    Raises:
        SpecError: The configuration or a spec cannot be carried out as written.
        WorkloadError: A workload cannot be imported.
    """
    return plan_chain(asked_for(config, folder=folder))


def results_folder(config: Mapping[str, Any]) -> str:
    """Return the folder of all results, checked for use in Snakemake's patterns.

    Raises:
        SpecError: Its name has characters with a meaning in patterns.
    """
    folder = str(config.get("results") or "results").rstrip("/") or "/"
    if set(folder) & set("{}*?[]"):
        raise SpecError(f"results folder '{folder}': its name must not hold any of {{}}*?[]")
    return folder


def trials_per_job(config: Mapping[str, Any]) -> int:
    """Return how many trials a job trains where the spec leaves it open; 0 if nothing is said.

    Raises:
        SpecError: It is no whole number from 1 on.
    """
    given = config.get("trials_per_job")
    if given is None:
        return 0
    if not str(given).isdecimal() or int(given) < 1:
        raise SpecError(
            f"configuration key 'trials_per_job' is a whole number from 1 on, not {given!r}"
        )
    return int(given)


def is_forced(config: Mapping[str, Any]) -> bool:
    """Return whether the configuration says `force`, as YAML or the command line writes it.

    Raises:
        SpecError: It is neither true nor false.
    """
    given = str(config.get("force", False)).lower()
    if given not in ("true", "false"):
        raise SpecError(f"configuration key 'force' is true or false, not '{config['force']}'")
    return given == "true"
