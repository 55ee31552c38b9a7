"""Train the trials of a JSON file on several devices, in a process that has so many.

python -m tests.engine.several_devices TRIALS FOLDER DEVICES
"""

import json
import sys
from pathlib import Path

from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.trials.trial import trial_from_json

prepare(Resources())

from tests.engine.normalized import WORKLOADS  # noqa: E402 - JAX comes after its environment
from tests.engine.quadratic import request_for  # noqa: E402
from tuning_playbook.jobs.groups import train_trials  # noqa: E402


def main(trials, folder, devices):
    for name, listed in json.loads(Path(trials).read_text()).items():
        chosen = [trial_from_json(item) for item in listed]
        workload = WORKLOADS[chosen[0].workload]()
        train_trials(request_for(chosen), workload, Path(folder) / name, devices=int(devices))


if __name__ == "__main__":
    main(*sys.argv[1:])
