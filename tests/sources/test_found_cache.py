"""What a source holds is read once: until its files, the spec or the reading code change."""

import os
import shutil

import pytest

from tests.sources.foreign import RUNS, WRITERS, with_source
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.sources import found_cache, imported_study


@pytest.fixture(autouse=True)
def keeps_everything(monkeypatch, tmp_path_factory):
    """Small sources, and those that were written just now, are kept too."""
    monkeypatch.setattr(found_cache, "LEAST_BYTES", 0)
    monkeypatch.setattr(found_cache, "SETTLED_SECONDS", -3600.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def reads(monkeypatch):
    """How often a source was read, as a list that grows."""
    done = []
    read = imported_study.read_source

    def counted(written, place):
        done.append(written.path)
        return read(written, place)

    monkeypatch.setattr(imported_study, "read_source", counted)
    return done


@pytest.mark.parametrize("tool", WRITERS)
def test_the_second_plan_is_the_first_and_reads_no_source(tmp_path, reads, tool):
    spec = WRITERS[tool](tmp_path, RUNS)
    first = plan_study(spec)
    second = plan_study(spec)
    assert len(reads) == 1
    assert repr(second.study.imported) == repr(first.study.imported)  # NaN is equal to none
    assert second.study.import_notes == first.study.import_notes
    assert second.study.arms == first.study.arms
    assert [item.trial.id for item in second.trials] == [item.trial.id for item in first.trials]


def replaced(path):
    """As many other bytes, and the old time: what changes is the file's own record of it."""
    status = path.stat()
    path.write_text(path.read_text().replace("0.5", "0.6"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def lengthened(path):
    path.write_text(path.read_text() + "run0,9,0.1\n")


CHANGES = {
    "another number": lambda folder, _spec: replaced(folder / "measurements.csv"),
    "one more row": lambda folder, _spec: lengthened(folder / "measurements.csv"),
    "another table": lambda folder, _spec: replaced(folder / "trials.csv"),
    "the spec": lambda _folder, spec: with_source(spec, only=["run0", "run1"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_read_again(tmp_path, reads, change):
    spec = WRITERS["csv"](tmp_path, RUNS)
    before = plan_study(spec).study.imported
    CHANGES[change](tmp_path, spec)
    after = plan_study(spec).study.imported
    assert len(reads) == 2
    if change != "another table":  # which had no such number
        assert after != before


def test_a_file_that_comes_into_a_folder_is_read(tmp_path, reads):
    spec = WRITERS["ray"](tmp_path, RUNS[:3])
    assert len(plan_study(spec).study.imported) == 3
    first = spec.parent / "experiment" / "run0"
    shutil.copytree(first, first.with_name("run9"))
    (first.with_name("run9") / "params.json").write_text('{"lr": 7.0, "layers": 1, "opt": "sgd"}')
    assert len(plan_study(spec).study.imported) == 4
    assert len(reads) == 2


def test_what_a_database_writes_beside_its_file_belongs_to_it(tmp_path, reads):
    spec = WRITERS["mlflow sqlite"](tmp_path, RUNS[:3])
    plan_study(spec)
    (tmp_path / "mlflow.db-wal").write_bytes(b"")
    plan_study(spec)
    assert len(reads) == 2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_cache_that_is_cut_off_is_not_used(tmp_path, reads, share):
    spec = WRITERS["csv"](tmp_path, RUNS)
    first = plan_study(spec).study.imported
    (kept,) = (found_cache.cache_folder() / "sources").iterdir()
    kept.write_bytes(kept.read_bytes()[: int(share * kept.stat().st_size)])
    assert plan_study(spec).study.imported == first
    assert len(reads) == 2


def test_a_source_that_changed_just_now_is_not_kept(tmp_path, reads, monkeypatch):
    """It may change again within one tick of the file system's clock."""
    monkeypatch.setattr(found_cache, "SETTLED_SECONDS", 3600.0)
    spec = WRITERS["csv"](tmp_path, RUNS)
    plan_study(spec)
    plan_study(spec)
    assert len(reads) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path, reads, monkeypatch):
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no folder"))
    spec = WRITERS["csv"](tmp_path, RUNS)
    assert plan_study(spec).study.imported == plan_study(spec).study.imported
    assert len(reads) == 2
