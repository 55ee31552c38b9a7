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
    """Train trials in a script's job, using the request in its parameter `like`.

    Args:
        snakemake: The script's `snakemake` object; its parameters are `like`, a request without
            trials as JSON, and `folder`, the study's folder of results.
        trials: The chosen trials.
    """
    params = snakemake.params
    request = request_from_json(json.loads(params.like)).asking_for(trials)
    output = Path(snakemake.output[0])
    train_pack(request, Path(params.folder), output, **resources_of(snakemake))
