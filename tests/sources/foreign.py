"""The same six trials in the files of other tools, written as those tools document them.

None of the tools is needed: each writer follows the format's description, and shares no code with
the reader.
"""

import json
import sqlite3
import struct
from contextlib import closing

from ruamel.yaml import YAML

from tests.specs import write_spec

RUNS = [
    {
        "name": f"run{n}",
        "params": {"lr": 10.0 ** -(1 + n / 2), "layers": 1 + n % 3, "opt": ("sgd", "adam")[n % 2]},
        "loss": {step: 1.0 / step + 0.01 * n for step in (1, 2, 3, 4)},
        "failed": n == 5,
    }
    for n in range(6)
]
CHOICES = ["sgd", "adam"]

SPEC = {
    "goal": "Which optimizer?",
    "workload": "elsewhere",
    "objective": {"metric": "validation/loss", "mode": "min"},
}


def spec_of(folder, **source):
    return write_spec(folder / "s.yaml", SPEC | {"source": source})


def with_source(spec, **changes):
    """Write a spec again with more under `source`."""
    document = YAML(typ="safe", pure=True).load(spec.read_text())
    return write_spec(spec, document | {"source": document["source"] | changes})


def write_csv(folder, runs=RUNS):
    names = ["lr", "layers", "opt"]
    rows = [",".join(["trial", *names, "status"])]
    measured = ["trial,step,validation/loss"]
    for run in runs:
        cells = [str(run["params"][name]) for name in names]
        rows.append(",".join([run["name"], *cells, "failed" if run["failed"] else ""]))
        measured += [f"{run['name']},{step},{value!r}" for step, value in run["loss"].items()]
    (folder / "trials.csv").write_text("\n".join(rows) + "\n")
    (folder / "measurements.csv").write_text("\n".join(measured) + "\n")
    return spec_of(folder, format="csv", trials="trials.csv", measurements="measurements.csv")


def write_json_lines(folder, runs=RUNS):
    with (folder / "trials.jsonl").open("w") as file:
        for run in runs:
            told = {"status": "failed"} if run["failed"] else {}
            file.write(json.dumps({"trial": run["name"], **run["params"], **told}) + "\n")
    with (folder / "measurements.jsonl").open("w") as file:
        for run in runs:
            for step, value in run["loss"].items():
                row = {"trial": run["name"], "step": step, "validation/loss": value}
                file.write(json.dumps(row) + "\n")
    return spec_of(folder, format="jsonl", trials="trials.jsonl", measurements="measurements.jsonl")


def write_algoperf(folder, runs=RUNS):
    for n, run in enumerate(runs):
        place = folder / "logs" / "study_0" / f"trial_{n + 1}"
        place.mkdir(parents=True)
        (place / "hparams.json").write_text(json.dumps(run["params"]))
        rows = ["global_step,validation/loss,validation/num_examples"]
        rows += [f"{step},{value!r},9" for step, value in run["loss"].items()]
        if run["failed"]:
            rows.append("5,,9")
        (place / "eval_measurements.csv").write_text("\n".join(rows) + "\n")
        (place / "flags_0.json").write_text(json.dumps({"rng_seed": 7 + n}))
    return spec_of(folder, format="algoperf", path="logs")


DISTRIBUTIONS = {
    "lr": {
        "name": "FloatDistribution",
        "attributes": {"step": None, "low": 1e-4, "high": 1.0, "log": True},
    },
    "layers": {
        "name": "IntDistribution",
        "attributes": {"log": False, "step": 1, "low": 1, "high": 3},
    },
    "opt": {"name": "CategoricalDistribution", "attributes": {"choices": CHOICES}},
}


def _internal(name, value):
    return float(CHOICES.index(value)) if name == "opt" else float(value)


def write_optuna_journal(folder, runs=RUNS):
    """Operations as `JournalStorage` appends them: a study, then each trial step by step."""
    worker = {"worker_id": "w-1"}
    lines = [{"op_code": 0, **worker, "study_name": "s", "directions": [1]}]
    for n, run in enumerate(runs):
        lines.append(
            {"op_code": 4, **worker, "study_id": 0, "datetime_start": "2026-01-01T00:00:00"}
        )
        for name, value in run["params"].items():
            lines.append(
                {
                    "op_code": 5,
                    **worker,
                    "trial_id": n,
                    "param_name": name,
                    "param_value_internal": _internal(name, value),
                    "distribution": json.dumps(DISTRIBUTIONS[name]),
                }
            )
        lines += [
            {"op_code": 7, **worker, "trial_id": n, "step": step, "intermediate_value": value}
            for step, value in run["loss"].items()
        ]
        state, values = (3, None) if run["failed"] else (1, [run["loss"][4]])
        lines.append({"op_code": 6, **worker, "trial_id": n, "state": state, "values": values})
    (folder / "optuna.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return spec_of(folder, format="optuna", path="optuna.log")


OPTUNA_TABLES = """
CREATE TABLE studies (study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL,
    PRIMARY KEY (study_id));
CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL, direction VARCHAR(8) NOT NULL,
    study_id INTEGER NOT NULL, objective INTEGER NOT NULL, PRIMARY KEY (study_direction_id));
CREATE TABLE trials (trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER,
    state VARCHAR(8) NOT NULL, datetime_start DATETIME, datetime_complete DATETIME,
    PRIMARY KEY (trial_id));
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL, trial_id INTEGER,
    "key" VARCHAR(512), value_json TEXT, PRIMARY KEY (trial_user_attribute_id));
CREATE TABLE trial_params (param_id INTEGER NOT NULL, trial_id INTEGER, param_name VARCHAR(512),
    param_value FLOAT, distribution_json TEXT, PRIMARY KEY (param_id));
CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,
    objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL,
    PRIMARY KEY (trial_value_id));
CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL,
    trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value FLOAT,
    intermediate_value_type VARCHAR(7) NOT NULL, PRIMARY KEY (trial_intermediate_value_id));
"""


def write_optuna_sqlite(folder, runs=RUNS):
    """The tables of Optuna from version 3 on."""
    with closing(sqlite3.connect(folder / "optuna.db")) as database, database:
        database.executescript(OPTUNA_TABLES)
        database.execute("INSERT INTO studies VALUES (1, 's')")
        database.execute("INSERT INTO study_directions VALUES (1, 'MINIMIZE', 1, 0)")
        for n, run in enumerate(runs):
            state = "FAIL" if run["failed"] else "COMPLETE"
            trial = n + 1
            database.execute(
                "INSERT INTO trials VALUES (?, ?, 1, ?, NULL, NULL)", (trial, n, state)
            )
            for name, value in run["params"].items():
                row = (trial, name, _internal(name, value), json.dumps(DISTRIBUTIONS[name]))
                database.execute("INSERT INTO trial_params VALUES (NULL, ?, ?, ?, ?)", row)
            for step, value in run["loss"].items():
                database.execute(
                    "INSERT INTO trial_intermediate_values VALUES (NULL, ?, ?, ?, 'FINITE')",
                    (trial, step, value),
                )
            if not run["failed"]:
                row = (trial, run["loss"][4])
                database.execute("INSERT INTO trial_values VALUES (NULL, ?, 0, ?, 'FINITE')", row)
    return spec_of(folder, format="optuna", path="optuna.db")


def write_ray(folder, runs=RUNS, results="result.json"):
    """An experiment's folder, as Ray's loggers for JSON and for CSV write it."""
    for run in runs:
        place = folder / "experiment" / run["name"]
        place.mkdir(parents=True)
        (place / "params.json").write_text(json.dumps(run["params"]))
        (place / "params.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
        rows = [
            {
                "val_loss": value,
                "training_iteration": step,
                "time_total_s": 1.5 * step,
                "done": step == 4,
                "trial_id": run["name"],
                "config": run["params"],
            }
            for step, value in run["loss"].items()
        ]
        if results == "result.json":
            (place / results).write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            names = ["val_loss", "training_iteration", "done"]
            lines = [",".join(names), *(",".join(repr(row[n]) for n in names) for row in rows)]
            (place / results).write_text("\n".join(lines) + "\n")
        if run["failed"]:
            (place / "error.txt").write_text("Traceback:\n  ...\nRuntimeError: out of memory\n")
    return spec_of(folder, format="ray", path="experiment", objective="val_loss")


def write_ray_csv(folder, runs=RUNS):
    return write_ray(folder, runs, "progress.csv")


def write_mlflow(folder, runs=RUNS):
    """A folder `mlruns/` as MLflow's file store lays it out."""
    experiment = folder / "mlruns" / "123"
    experiment.mkdir(parents=True)
    (experiment / "meta.yaml").write_text(
        "artifact_location: file:///tmp/mlruns/123\ncreation_time: 1700000000000\n"
        "experiment_id: '123'\nlast_update_time: 1700000000000\nlifecycle_stage: active\n"
        "name: mine\n"
    )
    for n, run in enumerate(runs):
        key = f"{n:032x}"
        place = experiment / key
        for part in ("params", "metrics", "tags", "artifacts"):
            (place / part).mkdir(parents=True)
        (place / "meta.yaml").write_text(
            f"artifact_uri: file:///tmp/mlruns/123/{key}/artifacts\nend_time: 1700000009000\n"
            f"entry_point_name: ''\nexperiment_id: '123'\nlifecycle_stage: active\nrun_id: {key}\n"
            f"run_name: {run['name']}\nrun_uuid: {key}\nsource_name: ''\nsource_type: 4\n"
            f"source_version: ''\nstart_time: 1700000000000\nstatus: {4 if run['failed'] else 3}\n"
            "tags: []\nuser_id: me\n"
        )
        for name, value in run["params"].items():
            (place / "params" / name).write_text(str(value))
        lines = [
            f"{1700000000000 + step} {value!r} {step}\n" for step, value in run["loss"].items()
        ]
        (place / "metrics" / "val_loss").write_text("".join(lines))
        (place / "tags" / "mlflow.runName").write_text(run["name"])
    return spec_of(folder, format="mlflow", path="mlruns", objective="val_loss")


MLFLOW_TABLES = """
CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL,
    artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), PRIMARY KEY (experiment_id));
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9),
    start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), experiment_id INTEGER,
    PRIMARY KEY (run_uuid));
CREATE TABLE metrics ("key" VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL,
    is_nan BOOLEAN DEFAULT '0' NOT NULL,
    PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan));
CREATE TABLE params ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, PRIMARY KEY ("key", run_uuid));
CREATE TABLE tags ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL,
    PRIMARY KEY ("key", run_uuid));
"""


def write_mlflow_sqlite(folder, runs=RUNS):
    """The tables of MLflow's store for databases that say something of a run."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.executescript(MLFLOW_TABLES)
        database.execute("INSERT INTO experiments VALUES (0, 'Default', '', 'active')")
        database.execute("INSERT INTO experiments VALUES (1, 'mine', '', 'active')")
        for n, run in enumerate(runs):
            key, status = f"{n:032x}", "FAILED" if run["failed"] else "FINISHED"
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, 0, 1, 'active', 1)", (key, run["name"], status)
            )
            for name, value in run["params"].items():
                database.execute("INSERT INTO params VALUES (?, ?, ?)", (name, str(value), key))
            for step, value in run["loss"].items():
                row = (value, 1700000000000 + step, key, step)
                database.execute("INSERT INTO metrics VALUES ('val_loss', ?, ?, ?, ?, 0)", row)
    return spec_of(folder, format="mlflow", path="mlflow.db", objective="val_loss")


def number(value):
    """A varint."""
    parts = []
    while True:
        value, low = value >> 7, value & 0x7F
        parts.append(low | (0x80 if value else 0))
        if not value:
            return bytes(parts)


def field(place, content, kind=2):
    key = number(place << 3 | kind)
    return key + (number(len(content)) + content if kind == 2 else content)


def crc(data):
    """CRC-32C bit by bit, masked as TensorFlow does."""
    check = 0xFFFFFFFF
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = check >> 1 ^ (0x82F63B78 if check & 1 else 0)
    check ^= 0xFFFFFFFF
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data):
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", crc(length)) + data + struct.pack("<I", crc(data))


def event(step, *values):
    summary = b"".join(field(1, value) for value in values)
    stamp = field(1, struct.pack("<d", 1700000000.0 + step), 1)
    return record(stamp + field(2, number(step), 0) + field(5, summary))


def scalar(tag, value):
    """A number as TensorFlow 1 and PyTorch write it."""
    return field(1, tag.encode()) + field(2, struct.pack("<f", value), 5)


def tensor(tag, value):
    """A number as TensorFlow 2 writes it: a tensor of one float."""
    content = field(1, number(1), 0) + field(2, b"") + field(4, struct.pack("<f", value))
    plugin = field(1, field(1, b"scalars"))
    return field(1, tag.encode()) + field(8, content) + field(9, plugin)


def hparams(tag, place, content):
    data = field(1, number(0), 0) + field(place, content)
    plugin = field(1, b"hparams") + field(2, data)
    return field(1, tag.encode()) + field(9, field(1, plugin))


def started(params):
    entries = b""
    for name, value in params.items():
        if isinstance(value, str):
            held = field(3, value.encode())
        elif isinstance(value, bool):
            held = field(4, number(value), 0)
        else:
            held = field(2, struct.pack("<d", value), 1)
        entries += field(1, field(1, name.encode()) + field(2, held))
    return hparams("_hparams_/session_start_info", 3, entries)


def ended(status):
    return hparams("_hparams_/session_end_info", 4, field(1, number(status), 0))


def write_tensorboard(folder, runs=RUNS):
    """A folder for each run, half of them as TensorFlow 2 writes and half as PyTorch does."""
    for n, run in enumerate(runs):
        place = folder / "runs" / run["name"]
        place.mkdir(parents=True)
        value = tensor if n % 2 else scalar
        content = record(field(1, struct.pack("<d", 1.7e9), 1) + field(3, b"brain.Event:2"))
        content += event(0, started(run["params"]))
        content += b"".join(event(step, value("val_loss", v)) for step, v in run["loss"].items())
        content += event(0, ended(2 if run["failed"] else 1))
        (place / "events.out.tfevents.1700000000.host.1.0.v2").write_bytes(content)
    return spec_of(folder, format="tensorboard", path="runs", objective="val_loss")


def write_wandb(folder, runs=RUNS):
    """The columns of an export; a table has the last metrics alone."""
    about = '"Name","State","Notes","User","Tags","Created","Runtime","Sweep"'
    rows = [f'{about},"lr","layers","opt","_step","val_loss"']
    for run in runs:
        state = "crashed" if run["failed"] else "finished"
        params = ",".join(f'"{value}"' for value in run["params"].values())
        rows.append(
            f'"{run["name"]}","{state}","","me","","2026-01-01T00:00:00.000Z","9","",'
            f'{params},"4","{run["loss"][4]!r}"'
        )
    (folder / "runs.csv").write_text("\n".join(rows) + "\n")
    return spec_of(folder, format="wandb", path="runs.csv", objective="val_loss")


WRITERS = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "algoperf": write_algoperf,
    "optuna journal": write_optuna_journal,
    "optuna sqlite": write_optuna_sqlite,
    "ray": write_ray,
    "ray progress.csv": write_ray_csv,
    "mlflow": write_mlflow,
    "mlflow sqlite": write_mlflow_sqlite,
    "tensorboard": write_tensorboard,
    "wandb": write_wandb,
}
