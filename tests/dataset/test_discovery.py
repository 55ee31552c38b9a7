"""The datasets carry the attributes of ACDD 1.3, as its lists have them."""

import getpass
import platform

import pytest

from tests.sources.algoperf import import_logs
from tests.sources.test_csv_tables import datasets, write
from tuning_playbook.dataset.imported import resources_dataset
from tuning_playbook.dataset.resources import describe_resources

HIGHLY_RECOMMENDED = {"title", "summary", "keywords", "Conventions"}

RECOMMENDED = {
    *("id", "naming_authority", "history", "source", "processing_level", "license"),
    *("creator_name", "project"),
}
"""Those that apply. The others place data on the earth, or in the vocabulary of its sciences, or
give names and dates, which no dataset here does."""


@pytest.fixture(params=["study", "reruns", "resources"])
def dataset(request, tmp_path):
    imported = datasets(write(tmp_path))
    of_resources = resources_dataset(imported.plan.study, imported.study["trial"].to_numpy())
    resources = describe_resources(of_resources, "s")
    return {"study": imported.study, "reruns": imported.reruns, "resources": resources}[
        request.param
    ]


def test_what_is_highly_recommended_is_there_and_what_else_applies(dataset):
    assert dataset.attrs["Conventions"] == "ACDD-1.3"
    for name in HIGHLY_RECOMMENDED | RECOMMENDED:
        assert dataset.attrs[name].strip(), name


def test_each_variable_has_a_long_name(dataset):
    for name, variable in dataset.variables.items():
        assert variable.attrs.get("long_name"), name


def test_nobody_and_no_machine_is_named(dataset):
    text = " ".join(str(value) for value in dataset.attrs.values()).split()
    assert platform.node() not in text
    assert getpass.getuser() not in text


def test_the_id_is_that_of_the_trials(tmp_path):
    before = datasets(write(tmp_path)).study.attrs
    reworded = datasets(write(tmp_path, {"goal": "In other words?"})).study.attrs
    fewer = datasets(write(tmp_path, {"source.only": ["a", "b"]})).study.attrs
    assert reworded == before
    assert fewer["id"] != before["id"]


def test_the_three_files_of_a_study_are_told_apart(tmp_path):
    imported = import_logs(tmp_path, "imagenet_resnet_jax")
    resources = describe_resources(
        resources_dataset(imported.plan.study, ["a"]), imported.plan.study.name
    )
    for name in ("title", "summary", "id"):
        told = {each.attrs[name] for each in (imported.study, imported.reruns, resources)}
        assert len(told) == 3, name
