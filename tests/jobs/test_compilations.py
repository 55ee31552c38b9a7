"""What training compiles that no earlier process has, by JAX's own count of its cache.

Every process is one of its own, as jobs are; what the first has compiled the others find.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.specs import changed, write_spec
from tuning_playbook.trials.trial_json import read_provenance

TRAIN = """
import json, signal, sys
from pathlib import Path
import jax
from tuning_playbook.errors import InterruptedTrainingError
from tuning_playbook.jobs import progress_files
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import plan_study, request_of

count = {"hits": 0, "misses": 0}

def note(event, **_):
    for name in count:
        count[name] += event == f"/jax/compilation_cache/cache_{name}"

jax.monitoring.register_event_listener(note)
evaluated = progress_files.ProgressFiles.evaluated

def interrupted(self, lanes, step):
    evaluated(self, lanes, step)
    if step == stop_at:
        signal.raise_signal(signal.SIGTERM)

progress_files.ProgressFiles.evaluated = interrupted
for spec, stop_at in json.loads(sys.argv[1]):
    plan = plan_study(Path(spec))
    trials = [item.trial for item in plan.trials]
    folder = Path(spec).parent / "results"
    try:
        train_pack(request_of(plan, trials), folder, folder / "packs/all.nc")
    except InterruptedTrainingError:
        count["interrupted"] = True
json.dump(count, sys.stdout)
"""

BASE = {
    "search.trials": 1,
    "training": {"max_train_steps": 60, "batch_size": 32, "eval_every": 10},
    "fixed": {"optimizer": "adam", "width": 16, "weight_decay": 0.001},
}

NOTHING_NEW = {
    "range": {"nuisance.learning_rate": {"log_uniform": [1.0e-4, 1.0e-2]}},
    "number": {"fixed.weight_decay": 0.01},
    "seed": {"training.seed": 3},
    "trials": {"search.trials": 2},
    "objective": {"objective.metric": "validation/loss"},
}


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """What each process found in the cache, and what it did not, by what it trained."""
    root = tmp_path_factory.mktemp("compilations")

    def spec(name, changes=None):
        given = changed(BASE | (changes or {}))
        return str(write_spec(root / name / "study.yaml", given))

    def train(*studies):
        command = [sys.executable, "-c", TRAIN, json.dumps(studies)]
        environment = os.environ | {"XDG_CACHE_HOME": str(root / "cache")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first = train([spec("first"), None])
    changes = [[spec(name, changes), None] for name, changes in NOTHING_NEW.items()]
    second = train(*changes, [spec("stopped", {"training.seed": 4}), 30])
    (folder,) = (root / "stopped/results/trials").iterdir()
    resumed = train([spec("stopped", {"training.seed": 4}), None])
    assert read_provenance(folder)["resumed_at"] >= 30
    wider = train([spec("wider", {"fixed.width": 8}), None])
    return {"first": first, "second": second, "resumed": resumed, "wider": wider}


def test_a_first_process_compiles_and_one_with_another_shape(counts):
    assert counts["first"]["misses"] > 0
    assert counts["wider"]["misses"] > 0


def test_other_ranges_numbers_seeds_and_objectives_compile_nothing(counts):
    assert counts["second"]["interrupted"]
    assert counts["second"]["misses"] == 0
    assert counts["second"]["hits"] > 0


def test_a_resumed_trial_compiles_nothing(counts):
    assert counts["resumed"]["misses"] == 0
    assert counts["resumed"]["hits"] > 0
