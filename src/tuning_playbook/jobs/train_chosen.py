"""Train what an earlier job has chosen: the reruns of an arm, the proposals of a round."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tuning_playbook.jobs.job import resources_of
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
from tuning_playbook.trials.trial import Trial


def train_chosen(snakemake: Any, trials: Iterable[Trial]) -> None:
    """Train some trials in the job of a script, as the parameter `like` asks for.

    Args:
        snakemake: Of the script; its parameters have the request without trials as JSON, `like`,
            and the study's folder of results, `folder`.
        trials: What was chosen.
    """
    params = snakemake.params
    request = request_from_json(json.loads(params.like)).asking_for(trials)
    output = Path(snakemake.output[0])
    train_pack(request, Path(params.folder), output, **resources_of(snakemake))
