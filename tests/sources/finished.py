"""Studies of finished trials, whose tables are made of the hyperparameters of each trial."""

from tests.specs import changed, write_spec

SPEC = {
    "goal": "What helps?",
    "workload": "elsewhere",
    "objective": {"metric": "validation/error", "mode": "min"},
    "source": {"format": "csv", "trials": "trials.csv", "measurements": "measurements.csv"},
}


def write_finished(folder, trials, changes=None, errors=None):
    """Write a spec with two tables; the trials are named t0, t1 and so on.

    Args:
        folder: Where the files go.
        trials: The hyperparameters of each trial, by name.
        changes: Of the spec, each named by its dotted path.
        errors: What each trial reached; as many tenths as its place if left out.
    """
    columns = list(dict.fromkeys(name for trial in trials for name in trial))
    lines = [",".join(["trial", *columns])]
    measured = ["trial,step,validation/error"]
    for number, trial in enumerate(trials):
        lines.append(",".join([f"t{number}", *(str(trial.get(name, "")) for name in columns)]))
        error = errors[number] if errors else 0.1 * (number + 1)
        measured += [f"t{number},0,9.0", f"t{number},100,{error}"]
    (folder / "trials.csv").write_text("\n".join(lines) + "\n")
    (folder / "measurements.csv").write_text("\n".join(measured) + "\n")
    return write_spec(folder / "s.yaml", changed(changes or {}, SPEC))
