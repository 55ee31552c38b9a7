"""The configuration that a study is compared with: of a baseline file, or an earlier result."""

from pathlib import Path

from tuning_playbook.errors import SpecError
from tuning_playbook.study.baselines import Baseline, Replaced
from tuning_playbook.study.draft import Draft, error_at
from tuning_playbook.study.families import choices_of
from tuning_playbook.study.given_values import BATCH_SIZE, complete
from tuning_playbook.study.read import read_baseline
from tuning_playbook.study.study import (
    Incumbent,
    available,
)
from tuning_playbook.study.workload_description import WorkloadDescription


def compared_with(baseline: Baseline, study: str) -> Baseline | Replaced:
    """Return the configuration of a baseline file that a study is compared with.

    Where the study's own launch is part of how the baseline came to be, that is what it replaced:
    a study is not compared with its own result.
    """
    for launch in reversed(baseline.launches):
        if launch.study == study and launch.replaced is not None:
            return launch.replaced
    return baseline


def read_incumbent(draft: Draft) -> Incumbent | None:
    """Return the configuration in the baseline file that a spec names; None where it names none."""
    given = draft.spec.baseline
    if given is None:
        return None
    beside = draft.path.parent / given
    file = beside if beside.exists() else Path(given)
    if not file.exists():
        raise draft.error(
            ("baseline",), f"there is no file '{given}', neither beside the spec nor from here"
        )
    baseline, text = read_baseline(file)
    if not _is_of(baseline.workload, draft.workload):
        raise error_at(
            file,
            text,
            ("workload",),
            f"is a baseline of '{baseline.workload}', and the study's workload is "
            f"'{draft.workload.name}'",
        )
    compared = compared_with(baseline, draft.path.stem)
    try:
        hyperparameters, _ = complete(compared.hyperparameters, draft.workload)
    except SpecError as error:
        raise error_at(file, text, ("hyperparameters",), str(error)) from None
    batch_size = compared.batch_size or draft.spec.training.batch_size
    if batch_size is None:
        raise error_at(
            file,
            text,
            ("batch_size",),
            "the study compares batch sizes, so the baseline must say its own",
        )
    return Incumbent(given, batch_size, hyperparameters)


def _is_of(named: str, workload: WorkloadDescription) -> bool:
    """Whether a baseline names the workload: a command by its file, wherever that lies."""
    return workload.name in (named, Path(named).name if workload.is_command else named)


def earlier_incumbent(draft: Draft) -> Incumbent | None:
    """Return the incumbent that is the best trial of an earlier study."""
    result = draft.baseline
    if result is None:
        return None
    if result.workload != draft.workload.name:
        raise draft.error(
            ("baseline",),
            f"'{result.study}' is a study of the workload '{result.workload}', and this one's is "
            f"'{draft.workload.name}'",
        )
    known = available(draft.workload, choices_of(result.values))
    given = {name: value for name, value in result.values.items() if name in known}
    try:
        hyperparameters, _ = complete(given, draft.workload)
    except SpecError as error:
        raise draft.error(("baseline",), f"'{result.study}': {error}") from None
    path = f"{result.study}: trial {result.trial}"
    return Incumbent(path, int(result.values[BATCH_SIZE.name]), hyperparameters)
