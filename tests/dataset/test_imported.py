"""Which seeds of imported configurations choose, and which are reruns."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.sources.several_seeds import several_seeds
from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.dataset.imported import CHOSEN_AMONG, reruns_dataset
from tuning_playbook.planning.list_imported import as_trial

LUCKY_ONCE = [0.10, 0.30, 0.31, 0.32, 0.33]
GOOD = [0.20, 0.21, 0.22, 0.23, 0.24]
BEST_WITHOUT_ITS_FAILURE = [0.11, 0.12, 0.13, 0.14, None]


def names(imported, arm):
    reruns = every_seed(imported.study, imported.reruns)
    return [str(name) for name in reruns["source_trial"].values[reruns["arm"].values == arm]]


def seeds(name, first=0):
    return [f"{name}-{seed}" for seed in range(first, 5)]


def test_where_all_have_seeds_enough_the_best_mean_chooses_and_every_seed_is_a_rerun(tmp_path):
    imported = several_seeds(tmp_path, {"lucky": LUCKY_ONCE, "good": GOOD})
    assert names(imported, "all trials") == seeds("good")
    assert names(imported, "all trials: lucky-0") == seeds("lucky")
    assert imported.reruns.attrs[CHOSEN_AMONG] == 2


@pytest.mark.parametrize("baseline", [{}, {"baseline": "lucky-0"}], ids=["none", "one"])
def test_every_run_stands_in_one_file(tmp_path, baseline):
    imported = several_seeds(tmp_path, {"lucky": LUCKY_ONCE, "good": GOOD}, **baseline)
    files = (imported.study, imported.reruns)
    found = [str(name) for file in files for name in file["source_trial"].values]
    assert sorted(found) == [*seeds("good"), *seeds("lucky")]


def test_the_reruns_with_the_first_seeds_are_complete_and_stay_so(tmp_path):
    imported = several_seeds(tmp_path, {"lucky": LUCKY_ONCE, "good": GOOD})
    every = every_seed(imported.study, imported.reruns)
    assert every.sizes["trial"] == 10
    for trial in set(every["rerun_of"].values):
        rows = every["rerun"].values[every["rerun_of"].values == trial]
        assert sorted(rows.tolist()) == [0, 1, 2, 3, 4]
    assert every_seed(imported.study, every).identical(every)
    assert every_seed(imported.study, None) is None
    assert imported.reruns.sizes["trial"] == 8  # what was given is as it was


def test_a_configuration_with_an_infeasible_seed_comes_after_those_without(tmp_path):
    imported = several_seeds(tmp_path, {"unsafe": BEST_WITHOUT_ITS_FAILURE, "good": GOOD})
    assert names(imported, "all trials") == seeds("good")


@pytest.mark.parametrize("few", [[0.4], GOOD[:4]], ids=["one seed", "four seeds"])
def test_where_one_has_too_few_seeds_the_first_seeds_choose_and_are_no_reruns(tmp_path, few):
    """Who trained the lucky one again may have done so for its first seed."""
    imported = several_seeds(tmp_path, {"lucky": LUCKY_ONCE, "good": GOOD, "few": few})
    assert names(imported, "all trials") == seeds("lucky", first=1)
    assert names(imported, "all trials: good-0") == seeds("good", first=1)
    assert CHOSEN_AMONG not in imported.reruns.attrs
    both = [*imported.study["source_trial"].values, *imported.reruns["source_trial"].values]
    assert len(both) == len(set(both))


def test_the_baseline_competes_with_none(tmp_path):
    imported = several_seeds(tmp_path, {"lucky": LUCKY_ONCE, "good": GOOD}, baseline="lucky-0")
    assert names(imported, "baseline") == seeds("lucky")
    assert names(imported, "all trials") == seeds("good")
    assert CHOSEN_AMONG not in imported.reruns.attrs


def test_a_larger_objective_may_be_the_better_one(tmp_path):
    objective = {"metric": "validation/error", "mode": "max"}
    imported = several_seeds(tmp_path, {"a": LUCKY_ONCE, "b": GOOD}, objective=objective)
    assert names(imported, "all trials") == seeds("a")


def test_the_searched_trial_of_an_archive_is_no_rerun_though_it_competes_with_none(tmp_path):
    imported = several_seeds(tmp_path, {"old": LUCKY_ONCE, "new": GOOD}, baseline="old-0")
    study = imported.plan.study
    trained = [replace(trial, trained=as_trial(study, trial).to_json()) for trial in study.imported]
    plan = replace(imported.plan, study=replace(study, imported=tuple(trained)))
    reruns = reruns_dataset(plan, best_ids(imported.study))
    archived = SimpleNamespace(study=imported.study, reruns=reruns)
    assert names(archived, "all trials") == seeds("new", first=1)
    assert names(archived, "baseline") == seeds("old")
