"""Files of every format that were damaged at random give a dataset or one message, no traceback."""

import random

import pytest

from tests.sources.foreign import RUNS, WRITERS, spec_of
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study

TIMES = 100
BINARY = (".db", ".v2")


def write_one_table(folder, runs, separator=","):
    """A row for each measurement, with the hyperparameters beside it."""
    rows = [["trial", "lr", "layers", "opt", "run_seed", "step", "validation/loss"]]
    for seed, run in enumerate(runs):
        for step, value in run["loss"].items():
            given = [str(run["params"][name]) for name in ("lr", "layers", "opt")]
            rows.append([run["name"], *given, str(seed), str(step), repr(value)])
    table = "".join(f"{separator.join(row)}\n" for row in rows)
    (folder / "all.csv").write_text(table if separator == "," else table.replace(".", ","))
    return spec_of(folder, format="csv", trials="all.csv", measurements="all.csv")


def write_final_values(folder, runs):
    """A row for each trial."""
    rows = ["trial,lr,layers,opt,validation/loss"]
    for run in runs:
        given = [str(run["params"][name]) for name in ("lr", "layers", "opt")]
        rows.append(",".join([run["name"], *given, repr(run["loss"][4])]))
    (folder / "final.csv").write_text("\n".join(rows) + "\n")
    return spec_of(folder, format="csv", trials="final.csv")


EVERY = WRITERS | {
    "one table": write_one_table,
    "one table with semicolons": lambda folder, runs: write_one_table(folder, runs, ";"),
    "final values": write_final_values,
}


def cell_emptied(lines, draw):
    place = draw.randrange(len(lines))
    cells = lines[place].split(",")
    cells[draw.randrange(len(cells))] = ""
    lines[place] = ",".join(cells)


def line_cut(lines, draw):
    place = draw.randrange(len(lines))
    lines[place] = lines[place][: draw.randrange(len(lines[place]) + 1)]


def line_removed(lines, draw):
    del lines[draw.randrange(len(lines))]


def line_doubled(lines, draw):
    place = draw.randrange(len(lines))
    lines.insert(place, lines[place])


def columns_swapped(lines, draw):
    place = draw.randrange(len(lines))
    cells = lines[place].split(",")
    one, other = draw.randrange(len(cells)), draw.randrange(len(cells))
    cells[one], cells[other] = cells[other], cells[one]
    lines[place] = ",".join(cells)


def word_changed(lines, draw):
    place = draw.randrange(len(lines))
    words = lines[place].split(" ")
    new = ["nan", "None", "1e999", "-1", "true", "x", "9" * 5000, "[]", "{}", "\x00", "ü"]
    words[draw.randrange(len(words))] = draw.choice(new)
    lines[place] = " ".join(words)


def in_text(text, draw):
    lines = text.split("\n")
    kinds = (cell_emptied, line_cut, line_removed, line_doubled, columns_swapped, word_changed)
    draw.choice(kinds)(lines, draw)
    return "\n".join(lines)


def in_bytes(data, draw):
    """Some bytes changed, or the rest cut off."""
    if draw.random() < 0.3:
        return data[: draw.randrange(len(data) + 1)]
    found = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        if found:
            found[draw.randrange(len(found))] = draw.randrange(256)
    return bytes(found)


def damaged(path, draw):
    """What a file holds after something happened to it; None where it is gone."""
    data = path.read_bytes()
    if draw.random() < 0.05:
        return None
    if path.suffix in BINARY or draw.random() < 0.3:
        return in_bytes(data, draw)
    return in_text(data.decode(), draw).encode()


def names_a_file(message, files, folder):
    """Whether a message names one of some files, or the folder that it is in."""
    names = {path.name for path in files} | {str(path.parent) for path in files} - {str(folder)}
    return any(name in message for name in names)


@pytest.mark.parametrize("tool", EVERY)
def test_what_was_damaged_is_imported_or_gets_one_message_that_names_the_place(tmp_path, tool):
    spec = EVERY[tool](tmp_path, RUNS[:4])
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file() and path != spec]
    results = set()
    for seed in range(TIMES):
        draw = random.Random(seed)
        path = draw.choice(files)
        before = path.read_bytes()
        after = damaged(path, draw)
        path.unlink() if after is None else path.write_bytes(after)
        try:
            plan = plan_study(spec)
            dataset = import_datasets(plan)["study"]
            assert dataset.sizes["trial"] > 0
            ends = tuple(trial.record.reason for trial in plan.study.imported)
            results.add((ends, plan.study.import_notes))
        except TuningPlaybookError as error:
            assert str(tmp_path) in str(error), f"seed {seed}: {error}"
            assert names_a_file(str(error), files, tmp_path), f"seed {seed}: {error}"
            assert "\n" not in str(error), f"seed {seed}: {error}"
            results.add(str(error))
        path.write_bytes(before)
    assert len(results) > 10, "the damage is too small to be seen"
