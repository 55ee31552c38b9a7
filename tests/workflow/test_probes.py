"""A procedure of probes: each a job of its own, one after the other, until one does not fit."""

import json
from types import SimpleNamespace

import pytest

from tests.specs import REMOVED
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset

pytestmark = pytest.mark.workflow

PROBES = {"name": "batch_sizes", "from": 256, "memory_mb": 30, "repeats": 5}
SIZES = {
    "goal": "Which batch sizes fit?",
    "fixed.width": 1024,
    "procedure": PROBES,
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": REMOVED,
    "resources": {"threads": 1, "memory_mb": 1500},
}
"""By the compiler's estimate a step of 256 digits takes 28 MB, and one of 512 takes 33 MB."""


@in_background
def probed(workshop):
    """Probes from nothing, and what is planned before and after; then with another bar."""
    project = workshop.new_project("probed")
    project.write_study("sizes", SIZES)
    before = project.plan(study="sizes")
    run = project.snakemake(study="sizes")
    folder = project.results / "sizes"
    first = SimpleNamespace(
        run=run,
        probes={
            int(path.stem): json.loads(path.read_text()) for path in folder.glob("probes/*.json")
        },
        conclusion=json.loads((folder / "conclusion.json").read_text()),
        dataset=load_dataset(folder / "conclusion.nc"),
        report=project.report("sizes"),
        index=(project.results / "index.html").read_text(),
        plots={path.name for path in (folder / "plots").iterdir()},
        again=project.plan(study="sizes"),
    )
    project.write_study(
        "sizes", SIZES | {"procedure": PROBES | {"pays": 1.5}, "fixed.learning_rate": 0.02}
    )
    bar = project.plan(study="sizes")
    project.write_study("sizes", SIZES | {"fixed.width": 24})
    return SimpleNamespace(before=before, first=first, bar=bar, model=project.plan(study="sizes"))


def test_all_probes_are_planned_beforehand_and_nothing_is_trained(probed):
    assert probed.before.rules["probe"] == 3
    assert not {"train_pack", "plan_round", "collect_study"} & set(probed.before.rules)


def test_memory_ends_the_search_and_nothing_larger_is_tried(probed):
    probes = probed.first.probes
    assert {size: probe["fits"] for size, probe in probes.items()} == {
        256: True,
        512: False,
        1024: False,
    }
    assert "procedure.memory_mb is 30 MB" in probes[512]["reason"]
    assert probes[1024]["reason"] == "not tried, as 512 does not fit"


def test_a_probe_says_what_a_step_takes_and_where(probed):
    probe = probed.first.probes[256]
    assert probe["examples_per_second"] == pytest.approx(256 / probe["seconds_per_step"])
    assert probe["machine"]["threads"] == 1
    assert probe["memory"]["estimate"] <= probe["memory"]["limit"] == 30_000_000
    assert probe["memory"]["peak"] is None


def test_the_conclusion_is_of_the_probes(probed):
    first = probed.first
    assert first.conclusion["values"] == {"largest": 256, "worthwhile": None}
    assert first.conclusion["rounds"] == []
    assert first.dataset["batch_size"].values.tolist() == [256, 512, 1024]
    assert first.plots == {"throughput.svg", "step_time.svg"}
    assert first.conclusion["sentence"] in first.report
    assert f"sizes: {first.conclusion['sentence']}" in first.run.text
    assert 'href="./sizes/report.html"' in first.index


def test_a_second_run_has_nothing_to_do(probed):
    assert probed.first.again.nothing_to_do


def test_another_bar_or_another_rate_concludes_anew_of_the_same_probes(probed):
    assert "probe" not in probed.bar.rules
    assert probed.bar.rules["conclude_probes"] == 1


def test_another_model_is_probed_anew(probed):
    assert probed.model.rules["probe"] == 3
