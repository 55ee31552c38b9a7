"""The request for a training job: its trials, and which checkpoints are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tuning_playbook.trials.checkpoint_selection import CheckpointSelection, selection_from_json
from tuning_playbook.trials.trial import Trial, trial_from_json


@dataclass(frozen=True)
class PackRequest:
    """The request for a training job.

    Attributes:
        trials: The trials of the pack.
        import_from: The folder searched for the workload's module before the installed packages.
        data_folder: The folder of its data, for a workload that takes one.
        selection: Which checkpoints of each trial are kept.
    """

    trials: tuple[Trial, ...]
    import_from: str
    data_folder: str
    selection: CheckpointSelection

    def to_json(self) -> dict[str, Any]:
        """Return the request as a JSON object."""
        return {
            "trials": [trial.to_json() for trial in self.trials],
            "import_from": self.import_from,
            "data_folder": self.data_folder,
            "selection": self.selection.to_json(),
        }

    def asking_for(self, trials: Iterable[Trial]) -> "PackRequest":
        """Return the same request for other trials."""
        return replace(self, trials=tuple(trials))


def request_from_json(content: Mapping[str, Any]) -> PackRequest:
    """Return the request that `PackRequest.to_json` wrote."""
    return PackRequest(
        trials=tuple(trial_from_json(item) for item in content["trials"]),
        import_from=content["import_from"],
        data_folder=content["data_folder"],
        selection=selection_from_json(content["selection"]),
    )
