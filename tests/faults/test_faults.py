"""Damaged files of a finished study: each is named, and made again as it was.

This is a sample; `make faults` has a run of Snakemake for each damage to each file.
"""

import pytest

from tests.faults import damages
from tests.workflow.background import in_background
from tests.workflow.project import restore, snapshot
from tuning_playbook.planning.set_aside import give_way

pytestmark = pytest.mark.workflow

AT_ONCE = {
    "study.nc": damages.empty,
    "launch.json": damages.cut_in_half,
    "plots/best_of.svg": damages.removed,
    "reruns.nc": damages.one_bit,
    "diagnostics.json": damages.another_file,
    "checkpoints.nc": damages.older,
    "summary.json": damages.from_the_future,
}


def nothing(folder, trials):
    """A dry run gives no trial its numbers back."""


@pytest.fixture(scope="module")
def finished(trained_once, tmp_path_factory):
    """The results of the small study, and a copy of them to damage."""
    copy = tmp_path_factory.mktemp("results") / "small"
    restore(trained_once.copy / "results/small", copy)
    return trained_once.copy / "results/small", copy


@pytest.mark.parametrize("damage", damages.CONTENT, ids=lambda damage: damage.__name__)
def test_every_file_that_is_not_what_was_written_is_named(finished, damage):
    whole, study = finished
    assert list(give_way(study, nothing, dry=True)) == []
    for name in damages.artefacts(study):
        file = study / name
        damage(file, study)
        (said,) = give_way(study, nothing, dry=True)
        assert said.startswith(f"{file}: it is ")
        restore_file(whole / name, file)


@pytest.mark.parametrize("damage", damages.RECORDS, ids=lambda damage: damage.__name__)
def test_a_pack_is_named_that_holds_a_trial_without_its_record(finished, damage):
    whole, study = finished
    record = damages.record_of(study)
    damage(study)
    (said,) = give_way(study, nothing, dry=True)
    assert str(record) in said and said.endswith("so it is made again")
    restore(whole / "trials", study / "trials")


@pytest.mark.parametrize("looking", ["--dry-run", "--summary", "--dag", "--unlock"])
def test_looking_changes_nothing(trained, looking, tmp_path):
    study = trained.results / "small"
    restore(study, tmp_path / "small")
    damages.one_bit(study / "launch.json", study)
    damages.empty(study / "report.html", study)
    damages.from_the_future(study / "study.nc", study)
    before = snapshot(trained.results)
    run = trained.run("--cores", 2, looking, "--config", "study=small")
    assert run.status == 0, run.text
    assert "launch.json: it is not what its job wrote" in run.text
    assert snapshot(trained.results) == before
    restore(tmp_path / "small", study)


def restore_file(whole, file):
    file.write_bytes(whole.read_bytes())


@in_background
def damaged(workshop):
    """A run after many damages at once, and what all files held before them."""
    done = workshop.wait_for("trained_once")
    project = workshop.new_project("damaged")
    restore(done.copy, project.root)
    expected = damages.contents(project.results)
    study = project.results / "small"
    pack = next(study.glob("packs/*.nc"))
    damages.one_bit(pack, study)
    damages.change_the_status(study)
    for name, damage in AT_ONCE.items():
        damage(study / name, study)
    return project, pack.name, expected, project.snakemake()


def test_one_run_makes_all_of_them_again_as_they_were(damaged):
    project, _, expected, _ = damaged
    assert damages.different(project.results, expected, but=damages.MEASURED_TIMES) == []


def test_it_says_what_was_damaged_and_keeps_what_somebody_may_want_to_see(damaged):
    project, pack, _, run = damaged
    of_content = [name for name, damage in AT_ONCE.items() if damage in damages.CONTENT]
    for name in [*of_content, f"packs/{pack}"]:
        assert f"results/small/{name}: it is " in run.text
    kept = {path.name for path in project.results.rglob("*.damaged")}
    whole = ("launch.json", "reruns.nc", "diagnostics.json", pack)
    assert kept == {f"{name}.damaged" for name in whole}
    assert "summary.json: it is dated in the future" in run.text


def test_then_there_is_nothing_to_do(damaged):
    project, *_ = damaged
    assert project.plan().nothing_to_do
