"""An archive of the last version is verified and imported still, and says what could reproduce it.

`tests/data/format_1.zip` is one that version 0.1 made, without its code, plots, checkpoints and
predictions; empty files stand for those that its crate tells of.
"""

import json
import shutil
import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from tests.sources.algoperf import datasets
from tests.specs import write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.verify import verify
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.dataset.imported import imported_checkpoints

ARCHIVE = Path(__file__).parents[1] / "data" / "format_1.zip"
INSIDE = "tiny/data/"
BEST = ("class_right", "class_examples")
"""What its study.nc says of the best checkpoints, which stands in checkpoints.nc now."""


@pytest.fixture(scope="module")
def files():
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [name for name in archive.namelist() if name.startswith(INSIDE)]
        return {name.removeprefix(INSIDE): archive.read(name) for name in names}


def problems_of(path, files):
    """What is wrong with an archive of other files, as its own hashes have it."""
    write_zip(path, {f"tiny/{name}": content for name, content in make_bag(files).items()})
    return verify(path).problems


def test_it_is_whole():
    found = verify(ARCHIVE)
    assert (found.trials, found.problems) == (10, ())


def a(files, ending):
    return next(name for name in files if name.endswith(ending))


def without_numbers(files, folder):
    name = a(files, "metrics.npz")
    return {other: content for other, content in files.items() if other != name}


def with_other_numbers(files, folder):
    name = a(files, "metrics.npz")
    return files | {name: files[name] + b" "}


def with_other_trial(files, folder):
    name = a(files, "trial.json")
    record = json.loads(files[name])
    record["trial"]["objective"]["mode"] = "max"
    return files | {name: json.dumps(record).encode()}


def edited(files, name, variable, folder):
    path = folder / "edited.nc"
    path.write_bytes(files[name])
    with netCDF4.Dataset(path, "a") as file:
        file[variable][(0,) * file[variable].ndim] = 3
    return files | {name: path.read_bytes()}


def with_false_numbers(files, folder):
    pack = next(name for name in files if name.startswith("results/packs/"))
    return edited(files, pack, "series", folder)


def with_false_objective(files, folder):
    return edited(files, "results/study.nc", "objective", folder)


def with_false_counts(files, folder):
    return edited(files, "results/study.nc", "class_right", folder)


CHANGED = {
    "metrics.npz: it is missing": without_numbers,
    "metrics.npz: it is not what trial.json recorded": with_other_numbers,
    "the fingerprint is not that of the configuration": with_other_trial,
    "in its pack is not that of its record": with_false_numbers,
    "study.nc: objective does not follow from the packs": with_false_objective,
    "study.nc: class_right does not follow from the packs": with_false_counts,
}


@pytest.mark.parametrize("problem", CHANGED)
def test_what_does_not_follow_in_it_is_found(files, problem, tmp_path):
    problems = problems_of(tmp_path / "tiny.zip", CHANGED[problem](files, tmp_path))
    assert any(problem in found for found in problems), problems


def test_the_version_that_can_reproduce_it_is_named(capsys):
    assert main(["reproduce", str(ARCHIVE), "--trial", "0"]) == 1
    told = capsys.readouterr().err
    assert "it was made by version 0.1 of this software" in told
    assert "PYTHONPATH=<archive>/data/code/src" in told


@pytest.fixture
def imported(tmp_path):
    shutil.copyfile(ARCHIVE, tmp_path / "tiny.zip")
    spec = {
        "goal": "What did it find?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/error_rate", "mode": "min"},
        "source": {"format": "archive", "path": "tiny.zip"},
    }
    return datasets(write_spec(tmp_path / "imported.yaml", spec))


@pytest.mark.parametrize("name", ["study", "reruns"])
def test_a_study_of_it_has_every_number(imported, files, tmp_path, name):
    (tmp_path / "archived.nc").write_bytes(files[f"results/{name}.nc"])
    told = getattr(imported, name)
    with xr.open_dataset(tmp_path / "archived.nc") as known:
        assert told["source_trial"].to_numpy().tolist() == known["trial"].to_numpy().tolist()
        own = {"trial", "fingerprint", "rerun_of"}  # a trial's identity has other parts now
        for variable in known.variables.keys() - {*own, *BEST}:
            np.testing.assert_array_equal(told[variable], known[variable], err_msg=variable)


def test_what_it_says_of_best_checkpoints_comes_with_them(imported, files, tmp_path):
    (tmp_path / "archived.nc").write_bytes(files["results/study.nc"])
    told = imported_checkpoints(imported.plan, imported.study)
    assert not told["kept"].to_numpy().any()
    with xr.open_dataset(tmp_path / "archived.nc") as known:
        for variable in BEST:
            np.testing.assert_array_equal(told[variable], known[variable])
