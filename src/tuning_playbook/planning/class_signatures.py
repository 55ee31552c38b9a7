"""Check a user's workload before anything trains: trace its methods as the study calls them."""

import contextlib
from typing import Any

from tuning_playbook.errors import WorkloadError
from tuning_playbook.files import cache_folder, write_atomically
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.apart import ask
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.families import OWN
from tuning_playbook.trials.trial import canonical, digest


def check_class(plan: Plan) -> None:
    """Check what the methods of a study's workload return, for each of its static signatures.

    Passed checks are remembered until the code, the data or the signatures change. The built-in
    workloads have their own tests, and are not traced.

    Raises:
        WorkloadError: Something is wrong. The message names the place in the spec, the class, and
            every fault.
    """
    study = plan.study
    described = study.workload
    if study.imported or ":" not in described.name:
        return
    signatures = class_signatures(plan)
    place = [described.name, described.import_from, described.data_folder]
    passed = cache_folder() / "traced" / digest([place, dict(described.versions), signatures])[:32]
    if passed.exists():
        return
    try:
        ask("trace_class", place, signatures)
    except WorkloadError as error:
        placed = error_at(study.path, study.text, ("workload",), str(error))
        raise WorkloadError(str(placed)) from None
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not the run
        write_atomically(passed, "", lasting=False)


def class_signatures(plan: Plan) -> list[dict[str, Any]]:
    """Return what decides the programs of a study's trials, once for each program.

    Traced hyperparameters have the value of the first trial with the program.
    """
    own = plan.study.workload.hyperparameters
    found: dict[str, dict[str, Any]] = {}
    for item in plan.initial.trials:
        trial = item.trial
        values = {name: trial.hyperparameters[name] for name in own}
        traced = [name for name in own if name in trial.traced]
        static = {name: value for name, value in values.items() if name not in traced}
        makes = [name for name in ("optimizer", "schedule") if trial.hyperparameters[name] == OWN]
        if trial.hyperparameters.get("weight_decay"):
            makes.append("decay_mask")
        key = canonical([static, traced, trial.computed_at_once, trial.devices, makes])
        found.setdefault(
            key,
            {
                "values": values,
                "traced": traced,
                "batch_size": trial.computed_at_once,
                "devices": trial.devices,
                "makes": makes,
            },
        )
    return list(found.values())
