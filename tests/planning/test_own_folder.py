"""Two specs of one name do not share a folder of results."""

import shutil

import pytest

from tuning_playbook.errors import SpecError
from tuning_playbook.planning.own_folder import TAKEN, check_own_folder, keep_own_folder


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "yours"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "width.yaml").write_text("goal: A spec.")
    keep_own_folder(tmp_path / "results", "width", tmp_path / "mine/width.yaml")
    return tmp_path / "mine/width.yaml"


def test_a_study_finds_its_own_folder_again(spec, tmp_path):
    check_own_folder(tmp_path / "results", "width", spec)


def test_another_spec_of_its_name_is_refused_with_both_paths(spec, tmp_path):
    other = tmp_path / "yours/width.yaml"
    with pytest.raises(SpecError, match=r"yours/width\.yaml: .* mine/width\.yaml; rename one"):
        check_own_folder(tmp_path / "results", "width", other)
    check_own_folder(tmp_path / "elsewhere", "width", other)
    check_own_folder(tmp_path / "results", "depth", other)


def test_a_spec_that_was_moved_keeps_its_results(spec, tmp_path):
    moved = tmp_path / "yours/width.yaml"
    spec.replace(moved)
    check_own_folder(tmp_path / "results", "width", moved)
    keep_own_folder(tmp_path / "results", "width", moved)
    shutil.copy(moved, spec)
    with pytest.raises(SpecError):
        check_own_folder(tmp_path / "results", "width", spec)


def test_a_copy_of_a_project_with_its_results_is_a_project_of_its_own(spec, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "mine", copy / "mine")
    shutil.copytree(tmp_path / "results", copy / "results")
    check_own_folder(copy / "results", "width", copy / "mine/width.yaml")


def test_a_link_to_the_spec_is_the_spec(spec, tmp_path):
    (tmp_path / "linked").symlink_to(spec.parent)
    check_own_folder(tmp_path / "results", "width", tmp_path / "linked/width.yaml")


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_results_have_a_folder_for_is_no_studys(tmp_path, name):
    with pytest.raises(SpecError, match=f"'{name}'"):
        check_own_folder(tmp_path / "results", name, tmp_path / f"{name}.yaml")
