"""A finished trial is found wherever its numbers stand, and only if they are what was measured."""

import shutil
from collections import Counter

import netCDF4
import numpy as np
import pytest
import xarray as xr

from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.dataset.collect import collect_study, keep_dataset, write_dataset
from tuning_playbook.dataset.kept import give_numbers_back, keep_chosen, kept_records
from tuning_playbook.dataset.replicates import collect_replicates
from tuning_playbook.dataset.reruns import choose_reruns, collect_reruns, rerun_trials
from tuning_playbook.files import write_atomically
from tuning_playbook.trials.pack_file import read_numbers, read_pack
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    pack_trials,
    trial_folder,
    write_trial,
)
from tuning_playbook.trials.trial_json import read_trial_json, write_trial_json

MARK = np.float32(0.123456789)
"""A number that stands nowhere else."""

DIVERGED = {"status": "diverged", "reason": "not finite at step 30"}


@pytest.fixture
def plan(tmp_path):
    """A study of two packs, whose trials are of two lengths."""
    changes = {
        "search": {
            "algorithm": "list",
            "trials": [{"learning_rate": 0.1 / n, "warmup_steps": 30 * (n % 2)} for n in (1, 2, 3)],
        },
        "training.warmup_extends": True,
        "replicates": 0,
        "resources.trials_per_job": 2,
    }
    return plan_of(tmp_path, changes)


def written(study, trial, **told):
    """Write a trial as a training job leaves it, and return its record."""
    length = 1 + trial.max_train_steps // trial.eval_every
    error = np.linspace(0.9, 0.1, length, dtype=np.float32) + np.float32(1e-3 * (trial.seed % 97))
    error[1] = MARK
    if told:
        error[2:] = np.nan
    record = record_of(trial, error, **told)
    write_trial(study, trial, record, kept_steps=(), provenance={})
    return record


def hashes(records):
    return {name: record.sha256 for name, record in records.items()}


class Trained:
    """A study whose trials are finished, each with its own numbers."""

    def __init__(self, plan, folder):
        self.plan, self.folder = plan, folder
        self.trials = [item.trial for item in plan.trials]
        told = [{}, DIVERGED, {}]
        self.records = {
            trial.id: written(folder, trial, **how)
            for trial, how in zip(self.trials, told, strict=True)
        }

    @property
    def packs(self):
        return [self.folder / f"packs/{pack}.nc" for pack in self.plan.packs]

    def pack(self):
        for path, pack in zip(self.packs, self.plan.packs.values(), strict=True):
            pack_trials(self.folder, path, pack.trials, self.records)

    def collect(self):
        keep_dataset(self.folder / "study.nc", collect_study(self.plan, self.packs))

    def kept(self):
        return hashes(kept_records(self.folder, self.trials))

    def __getitem__(self, place):
        return self.trials[place]


@pytest.fixture
def trained(plan, tmp_path):
    return Trained(plan, tmp_path / "study")


def copies(folder):
    """Return how often the marked number stands in the files of each name."""
    found = Counter()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        content = path.read_bytes()
        times = sum(content.count(np.array(MARK, order).tobytes()) for order in (">f4", "<f4"))
        found[path.name] += times
    return +found


def test_trials_are_found_in_their_folders_then_in_their_packs_then_in_the_dataset(trained):
    expected = hashes(trained.records)
    assert trained.kept() == expected
    trained.pack()
    trained.collect()
    assert not list(trained.folder.rglob(NUMBERS))
    (trained.folder / "study.nc").rename(trained.folder / "later.nc")
    assert trained.kept() == expected
    (trained.folder / "later.nc").rename(trained.folder / "study.nc")
    for path in trained.packs:
        path.unlink()
    assert trained.kept() == expected
    (trained.folder / "study.nc").unlink()
    assert trained.kept() == {}


def test_a_pack_whose_job_nobody_saw_end_costs_no_trial(trained):
    """Snakemake was killed, the job ended, and the next run removes what it takes for half a file.

    No dataset holds the trials yet.
    """
    trained.pack()
    shutil.rmtree(trained.folder / "packs")
    assert trained.kept() == hashes(trained.records)


def test_they_come_in_the_order_in_which_they_are_asked_for(trained):
    trained.pack()
    asked = [trained[2], trained[0]]
    assert list(kept_records(trained.folder, asked)) == [trial.id for trial in asked]


def test_what_comes_of_the_dataset_makes_the_same_pack(trained):
    """Every record is whole: those of infeasible and of shorter trials, too."""
    trained.pack()
    trained.collect()
    before = [path.read_bytes() for path in trained.packs]
    for path in trained.packs:
        path.unlink()
    trained.records = kept_records(trained.folder, trained.trials)
    trained.pack()
    assert [path.read_bytes() for path in trained.packs] == before


@pytest.mark.parametrize("damage", [b"", b"no netCDF", None])
def test_a_damaged_pack_is_passed_over_for_the_dataset(trained, caplog, damage):
    trained.pack()
    trained.collect()
    for path in trained.packs:
        path.write_bytes(damage if damage is not None else path.read_bytes()[:200])
    assert trained.kept() == hashes(trained.records)


@pytest.mark.parametrize("damage", [b"", b"no netCDF"])
def test_a_damaged_dataset_is_said_and_holds_no_trial(trained, caplog, damage):
    trained.pack()
    trained.collect()
    (trained.folder / "study.nc").write_bytes(damage)
    shutil.rmtree(trained.folder / "packs")
    assert trained.kept() == {}
    assert "study.nc: it cannot be read" in caplog.text
    assert f"the numbers of {trained[0].id} are nowhere what its trial.json says" in caplog.text


def flip(path, variable, row):
    """Flip the last bit of a number of a trial, or change a letter of one of its texts."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            content = dict(arrays)
        content[variable][row] = other(content[variable][row])
        np.savez(path, **content)
        return
    with netCDF4.Dataset(path, "a") as file:
        file.set_auto_mask(False)
        file[variable][row] = other(file[variable][row])


def other(values):
    """Another value, as near as can be."""
    if isinstance(values, str):
        return f"{values[:-1]}X"
    changed = np.array(values)
    if changed.dtype.kind == "S":
        changed.reshape(-1)[0] = b"X"
        return changed
    known = np.flatnonzero(np.isfinite(changed.reshape(-1).astype(float)))
    kind = {4: np.uint32, 8: np.uint64}[changed.dtype.itemsize]
    flat = changed.astype(changed.dtype.newbyteorder("=")).reshape(-1)
    flat.view(kind)[known[-1]] ^= 1
    return flat.reshape(changed.shape)


IN_PACKS = (
    *("metrics", "series", "grad_norm_count", "grad_norm_p90"),
    *("status", "infeasible_reason", "metrics_count"),
)


@pytest.mark.parametrize("variable", IN_PACKS)
@pytest.mark.parametrize("place", ["folder", "pack"])
def test_one_changed_bit_of_its_numbers_and_a_trial_is_not_kept(trained, place, variable):
    diverged = trained[1]
    path = trial_folder(trained.folder, diverged) / NUMBERS
    if place == "pack":
        trained.pack()
        trained.collect()
        (trained.folder / "study.nc").unlink()
        (path,) = (path for path in trained.packs if diverged.id in read_pack(path))
    held = read_numbers(path) if place == "folder" else read_pack(path)
    flip(path, variable, list(held).index(diverged.id))
    others = [trained[0].id, trained[2].id]
    assert trained.kept() == {name: trained.records[name].sha256 for name in others}


@pytest.mark.parametrize(
    "variable",
    [
        *("loss", "error_rate", "train_loss", "grad_norm_max"),
        *("grad_norm_count", "grad_norm_p90", "status", "infeasible_reason"),
    ],
)
def test_one_changed_bit_in_the_dataset_and_a_trial_is_not_kept(trained, variable):
    trained.pack()
    trained.collect()
    shutil.rmtree(trained.folder / "packs")
    flip(trained.folder / "study.nc", variable, 1)
    others = [trained[0].id, trained[2].id]
    assert trained.kept() == {name: trained.records[name].sha256 for name in others}


def test_a_changed_number_in_the_pack_is_put_right_by_the_dataset(trained):
    trained.pack()
    trained.collect()
    for path in trained.packs:
        flip(path, "metrics", 0)
    assert trained.kept() == hashes(trained.records)


def test_a_hash_of_other_numbers_is_no_trial(trained):
    folder = trial_folder(trained.folder, trained[0])
    other = trained.records[trained[2].id].sha256
    write_trial_json(folder, read_trial_json(folder) | {"numbers_sha256": other})
    assert trained[0].id not in trained.kept()


def test_a_trial_that_failed_is_tried_again(trained):
    written(trained.folder, trained[0], status="failed", reason="out of memory")
    assert trained[0].id not in trained.kept()


def test_a_trial_of_no_trial_json_is_not_looked_for(trained):
    trained.pack()
    (trial_folder(trained.folder, trained[0]) / "trial.json").unlink()
    assert set(trained.kept()) == {trained[1].id, trained[2].id}


def test_a_number_is_on_disk_twice_once_its_pack_is_written(trained):
    """In the trial's folder, then in a pack too, then in the pack and in study.nc."""
    of_a_trial = 2  # of the train and of the validation split
    assert copies(trained.folder) == {NUMBERS: 3 * of_a_trial}
    trained.pack()
    packs = {path.name: len(read_pack(path)) * of_a_trial for path in trained.packs}
    assert sum(packs.values()) == 3 * of_a_trial
    assert copies(trained.folder) == packs | {NUMBERS: 3 * of_a_trial}
    trained.collect()
    assert copies(trained.folder) == packs | {"study.nc": 3 * of_a_trial}


def test_trials_of_repeats_are_found_in_their_dataset(tmp_path):
    plan = plan_of(tmp_path, {"replicates": 1})
    study = tmp_path / "study"
    trials = [item.trial for repeat in plan.replicates for item in repeat.trials]
    records = {trial.id: written(study, trial) for trial in trials}
    pack_trials(study, study / "packs/all.nc", trials, records)
    keep_dataset(study / "replicates.nc", collect_replicates(plan, [study / "packs/all.nc"]))
    assert not list(study.rglob(NUMBERS))
    (study / "packs/all.nc").unlink()
    assert hashes(kept_records(study, trials)) == hashes(records)


class Reruns:
    """A study that reruns the best trial of its arm, whichever that is."""

    def __init__(self, plan, folder):
        self.plan, self.folder = plan, folder
        (self.arm,) = {item.arm for item in plan.trials}
        self.output = folder / "reruns/all.nc"

    def trials(self, best):
        chosen = choose_reruns(self.plan, {self.arm: self.plan.trials[best].trial.id})
        return chosen, rerun_trials(chosen, self.arm, range(2))

    def choose(self):
        """Do what the job that chooses does before it writes its choice."""
        keep_chosen(self.folder, "reruns", "reruns.nc")

    def train(self, best):
        """Do what the job of the reruns does; return the ids of the trials that it trained."""
        _, trials = self.trials(best)
        records = kept_records(self.folder, trials)
        missing = [trial for trial in trials if trial.id not in records]
        records |= {trial.id: written(self.folder, trial) for trial in missing}
        pack_trials(self.folder, self.output, trials, records)
        return [trial.id for trial in missing]

    def own(self):
        """Return the ids of the trials that have numbers of their own."""
        return [path.parent.name for path in self.folder.rglob(NUMBERS)]

    def collect(self, best):
        chosen, _ = self.trials(best)
        dataset = collect_reruns(self.plan, chosen, [self.output])
        keep_dataset(self.folder / "reruns.nc", dataset)


@pytest.fixture
def reruns(plan, tmp_path):
    return Reruns(plan, tmp_path / "study")


@pytest.mark.parametrize("removed", [False, True])
def test_reruns_that_give_way_to_others_are_not_trained_again(reruns, removed):
    """Snakemake removes the pack before the job that makes it anew; others may be collected."""
    first, second = ([trial.id for trial in reruns.trials(best)[1]] for best in (0, 1))
    assert reruns.train(0) == first
    reruns.collect(0)
    for best, trained in ((1, second), (0, []), (1, []), (0, [])):
        reruns.choose()
        if removed:
            reruns.output.unlink()
        assert reruns.train(best) == trained
        reruns.collect(best)
        assert set(read_pack(reruns.output)) == set(second if best else first)
        assert not [name for name in reruns.own() if name in (second if best else first)]


@pytest.mark.parametrize("lost", ["pack", "dataset"])
def test_reruns_are_kept_where_either_place_of_them_is_lost(reruns, lost):
    """An arm is left out and comes back: the newer choice makes Snakemake remove both."""
    first = reruns.train(0)
    reruns.collect(0)
    assert reruns.own() == []
    (reruns.output if lost == "pack" else reruns.folder / "reruns.nc").unlink()
    reruns.choose()
    assert sorted(reruns.own()) == sorted(first)
    for path in (reruns.output, reruns.folder / "reruns.nc"):
        path.unlink(missing_ok=True)
    assert reruns.train(0) == []


def test_only_what_was_chosen_last_is_given_back(trained):
    """Searched trials stand in packs that are named by them, in which no others ever stand."""
    trained.pack()
    trained.collect()
    keep_chosen(trained.folder, "rounds/all-1", "study.nc")
    assert not list(trained.folder.rglob(NUMBERS))


def test_reruns_that_were_never_collected_are_not_trained_again(reruns):
    """The run was stopped between the two jobs, and another trial is the best one then."""
    reruns.train(0)
    reruns.choose()
    reruns.output.unlink()
    reruns.train(1)
    reruns.choose()
    reruns.output.unlink()
    assert reruns.train(0) == []


def test_trials_of_a_round_are_kept_when_others_are_proposed(trained):
    """The proposals of a round follow from results, and its pack is named by its place."""
    output = trained.folder / "rounds/all-1/0.nc"
    pack_trials(trained.folder, output, trained.trials, trained.records)
    keep_dataset(trained.folder / "study.nc", collect_study(trained.plan, [output]))
    assert not list(trained.folder.rglob(NUMBERS))
    keep_chosen(trained.folder, "rounds/all-1", "study.nc")
    output.unlink()
    (trained.folder / "study.nc").unlink()
    assert trained.kept() == hashes(trained.records)


def test_trials_whose_pack_is_gone_are_given_their_numbers_back(trained):
    """What there is of a study is collected anew, and the dataset removed before."""
    trained.pack()
    trained.collect()
    gone, _ = trained.packs
    alone = set(read_pack(gone))
    gone.unlink()
    give_numbers_back(trained.folder, alone)
    assert {path.parent.name for path in trained.folder.rglob(NUMBERS)} == alone
    (trained.folder / "study.nc").unlink()
    assert trained.kept() == hashes(trained.records)


def test_the_dataset_of_other_trials_is_not_in_the_way(trained, tmp_path):
    trained.pack()
    trained.collect()
    with xr.open_dataset(trained.folder / "study.nc") as study:
        write_dataset(tmp_path / "other.nc", study.isel(trial=[2]).load())
    write_atomically(trained.folder / "study.nc", (tmp_path / "other.nc").read_bytes())
    shutil.rmtree(trained.folder / "packs")
    assert trained.kept() == {trained[2].id: trained.records[trained[2].id].sha256}
