"""What real trials of AlgoPerf say, of which the answers are known."""

import json
import statistics

import numpy as np
import pytest

from tests.sources.algoperf import LOGS, METRICS, datasets, import_logs, spec_of
from tests.specs import write_spec
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.study_variance import study_variance
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.launches.comparison import compare
from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study.caveats import caveats

LABEL_SMOOTHING = {"scientific": {"label_smoothing": [0.0, 0.1]}}
SEEDS = 5


def best_of(workload, trial):
    """The best validation metric of each seed of a trial, and its step, straight from the logs."""
    found = []
    for seed in range(SEEDS):
        folder = LOGS / workload / f"study_{seed}" / f"trial_{trial}"
        header, *rows = (folder / "eval_measurements.csv").read_text().splitlines()
        column = header.split(",").index(f"validation/{METRICS[workload]}")
        cells = [row.split(",") for row in rows]
        found.append(max((float(row[column]), -int(row[0])) for row in cells))
    return [value for value, _ in found], [-step for _, step in found]


def differ(imported):
    """How the better arm's seeds compare with the other's."""
    rows = {row.arm: row for row in trial_variance(imported.study, imported.reruns)}
    smoothed, plain = rows["label_smoothing=0.1"], rows["label_smoothing=0.0"]
    assert len(smoothed.feasible) == len(plain.feasible) == SEEDS
    return compare(smoothed.feasible, plain.feasible, sign=1.0)


@pytest.mark.parametrize("workload", METRICS)
def test_every_seed_of_every_trial_comes_in_with_the_objective_that_its_log_has(tmp_path, workload):
    imported = import_logs(tmp_path, workload)
    names = imported.study["source_trial"].values.tolist()
    assert [name.split("/")[0] for name in names] == ["study_0", "study_0"]
    for position, name in enumerate(names):
        objectives, steps = best_of(workload, name.rpartition("_")[2])
        trial = str(imported.study["trial"].values[position])
        assert imported.study["objective"].values[position] == objectives[0]
        assert imported.study["best_step"].values[position] == steps[0]
        reruns = imported.reruns["rerun_of"].values == trial
        assert set(imported.reruns["objective"].values[reruns]) <= set(objectives)
    every = [*names, *imported.reruns["source_trial"].values.tolist()]
    assert len(every) == len(set(every)) == 2 * SEEDS


def test_in_imagenet_label_smoothing_helps_beyond_the_spread_of_the_seeds(tmp_path):
    difference = differ(import_logs(tmp_path, "imagenet_resnet_jax", **LABEL_SMOOTHING))
    one, other = (best_of("imagenet_resnet_jax", trial)[0] for trial in (1, 3))
    assert difference.improvement == pytest.approx(statistics.mean(one) - statistics.mean(other))
    assert difference.lower_bound > 0
    assert difference.probability_better == 1.0


def test_in_wmt_label_smoothing_cannot_be_told_from_none(tmp_path):
    difference = differ(import_logs(tmp_path, "wmt_jax", **LABEL_SMOOTHING))
    assert difference.low < 0 < difference.high


def test_in_ogbg_one_trial_is_plainly_worse_and_the_other_is_best_early(tmp_path):
    imported = import_logs(tmp_path, "ogbg_jax", scientific={"label_smoothing": [0.0, 0.2]})
    good, bad = (
        next(row for row in trial_variance(imported.study, imported.reruns) if row.arm == arm)
        for arm in ("label_smoothing=0.2", "label_smoothing=0.0")
    )
    assert max(bad.feasible) < min(good.feasible)
    assert compare(good.feasible, bad.feasible, sign=1.0).lower_bound > 0
    every = every_seed(imported.study, imported.reruns)
    early = every["best_step"].values[every["arm"].values == good.arm]
    fractions = early / imported.study.attrs["max_train_steps"]
    assert len(fractions) == SEEDS
    assert fractions.mean() < 1 / 3
    assert (fractions < 1 / 3).sum() == SEEDS - 1  # the fifth seed's is at 0.35 of the run
    (overfitting,) = [item for item in diagnose(imported.study) if item.check == "overfitting"]
    assert overfitting.answer == "problem"


@pytest.mark.parametrize(
    ("workload", "decision"), [("imagenet_resnet_jax", "adopt"), ("wmt_jax", "reject")]
)
def test_against_one_of_the_trials_as_baseline_a_launch_is_decided(tmp_path, workload, decision):
    imported = import_logs(tmp_path, workload, baseline="trial_3")
    launch = decide(imported.study, imported.reruns, diagnose(imported.study))
    assert launch.decision == decision, launch.reasons
    assert len(launch.candidate.rerun_objectives) == SEEDS
    assert launch.baseline.mean == pytest.approx(statistics.mean(best_of(workload, 3)[0]))


def test_where_all_seeds_choose_a_configuration_all_are_its_reruns(tmp_path):
    imported = import_logs(tmp_path, "imagenet_resnet_jax")
    (row,) = trial_variance(imported.study, imported.reruns)
    assert row.feasible == tuple(best_of("imagenet_resnet_jax", 1)[0])
    launch = decide(imported.study, imported.reruns, ())
    assert "chosen among 2 configurations by the means of all their seeds" in launch.reasons[1]
    assert launch.configurations.verdict == "differs"


@pytest.mark.parametrize("workload", METRICS)
def test_the_studies_of_the_benchmark_are_repeats_of_the_search(tmp_path, workload):
    imported = import_logs(tmp_path, workload)
    (row,) = study_variance(imported.study, None, imported.reruns)
    trials = {str(name).split("/")[1] for name in imported.study["source_trial"].values}
    found = [best_of(workload, trial.rpartition("_")[2])[0] for trial in trials]
    assert row.bests == tuple(max(of_study) for of_study in zip(*found, strict=True))
    assert row.standard_deviation == pytest.approx(statistics.stdev(row.bests))
    assert row.low < min(row.bests) < max(row.bests) < row.high
    launch = decide(imported.study, imported.reruns, ())
    assert launch.study_variance == (row,)


def test_the_baseline_is_no_part_of_a_repeat(tmp_path):
    imported = import_logs(tmp_path, "wmt_jax", baseline="trial_3")
    (row,) = study_variance(imported.study, None, imported.reruns)
    (trial,) = {str(name).rpartition("_")[2] for name in imported.study["source_trial"].values}
    assert row.bests == tuple(best_of("wmt_jax", trial)[0])


def test_a_metric_can_be_what_its_name_and_its_values_say(tmp_path):
    highest = {"imagenet_resnet_jax": 1.0, "wmt_jax": 100.0, "ogbg_jax": 1.0}
    for workload, high in highest.items():
        attributes = import_logs(tmp_path, workload).study["objective"].attrs
        assert (attributes["valid_min"], attributes["valid_max"]) == (0.0, high)


def test_the_spec_may_say_what_a_metric_can_be(tmp_path):
    objective = {"metric": "validation/bleu", "mode": "max", "range": [None, 60]}
    attributes = import_logs(tmp_path, "wmt_jax", objective=objective).study["objective"].attrs
    assert "valid_min" not in attributes
    assert attributes["valid_max"] == 60.0


def test_a_range_that_a_trial_lies_outside_of_is_refused(tmp_path):
    objective = {"metric": "validation/bleu", "mode": "max", "range": [0, 1]}
    message = r"objective\.range: trial 'study_0/trial_1' reached .* more than the metric can be"
    with pytest.raises(TuningPlaybookError, match=message):
        import_logs(tmp_path, "wmt_jax", objective=objective)


def test_the_test_split_stays_closed(tmp_path):
    imported = import_logs(tmp_path, "ogbg_jax")
    for dataset in (imported.study, imported.reruns):
        assert dataset["split"].values.tolist() == ["train", "validation"]
    logged = (LOGS / "ogbg_jax/study_0/trial_2/eval_measurements.csv").read_text()
    assert "test/" in logged.splitlines()[0]


def test_trials_measured_at_steps_of_their_own_share_the_steps_of_the_dataset(tmp_path):
    """At every step stands the nearest measurement of the trial, so none is made up."""
    imported = import_logs(tmp_path, "ogbg_jax")
    values = imported.study["mean_average_precision"].sel(split="validation").values
    assert np.isfinite(values).all()
    metric = "validation/mean_average_precision"
    for row, trial in zip(values, imported.plan.trials, strict=True):
        (finished,) = [
            item
            for item in imported.plan.study.imported
            if (item.seed, item.hyperparameters) == (trial.trial.seed, trial.trial.hyperparameters)
        ]
        measured = finished.record.evaluations.values[metric]
        assert set(row) <= set(measured)
        assert len(set(row)) > 0.95 * len(set(measured))


def test_what_was_logged_while_training_is_there_where_it_was_kept(tmp_path):
    imported = import_logs(tmp_path, "ogbg_jax")
    first = (LOGS / "ogbg_jax/study_0/trial_2/measurements.csv").read_text().splitlines()[1]
    assert imported.study["train_loss"].values[0, 0] == np.float32(first.split(",")[2])
    assert int(imported.study["grad_norm_count"][0].sum()) > 500
    others = imported.reruns["source_trial"].str.startswith("study_0").values
    assert np.isnan(imported.reruns["train_loss"].values[~others]).all()


def test_the_same_logs_give_the_same_dataset_wherever_they_lie(tmp_path):
    import_logs(tmp_path / "here", "wmt_jax")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/logs").symlink_to(LOGS / "wmt_jax")
    source = {"format": "algoperf", "path": "logs"}
    one = import_logs(tmp_path / "here", "wmt_jax")
    other = import_logs(tmp_path / "there", "wmt_jax", source=source)
    assert keys_of(one.plan)["study"] == keys_of(other.plan)["study"]
    assert one.study["trial"].equals(other.study["trial"])


def copied(tmp_path):
    """One seed of one trial, to be spoilt."""
    folder = tmp_path / "logs" / "study_0" / "trial_1"
    folder.mkdir(parents=True)
    (folder / "hparams.json").write_text(json.dumps({"learning_rate": 0.1, "nesterov": True}))
    (folder / "eval_measurements.csv").write_text(
        "global_step,validation/bleu,test/bleu\n1,0.5,1\n9,2.5,1\n"
    )
    source = {"format": "algoperf", "path": str(tmp_path / "logs")}
    return folder, write_spec(tmp_path / "s.yaml", spec_of("wmt_jax", source=source))


def repeated(tmp_path, flags):
    """Two trials in five studies, the second the better one, with the flags of each trial.

    Args:
        tmp_path: Where they are written.
        flags: By study and trial, the contents of its files of flags.
    """
    for study in range(SEEDS):
        for trial in (1, 2):
            folder = tmp_path / "logs" / f"study_{study}" / f"trial_{trial}"
            folder.mkdir(parents=True)
            (folder / "hparams.json").write_text(json.dumps({"learning_rate": 0.1 * trial}))
            bleu = 20 + trial + 0.01 * (study * trial) ** 2
            (folder / "eval_measurements.csv").write_text(
                f"global_step,validation/bleu\n1,5\n9,{bleu}\n"
            )
            for number, content in enumerate(flags(study, trial)):
                (folder / f"flags_{number}.json").write_text(json.dumps(content))
    source = {"format": "algoperf", "path": str(tmp_path / "logs")}
    spec = spec_of("wmt_jax", source=source, baseline="trial_1")
    return datasets(write_spec(tmp_path / "s.yaml", spec))


def seeds_of(imported):
    every = every_seed(imported.study, imported.reruns)
    trials = zip(every["source_trial"].values, every["seed"].values, strict=True)
    return {str(name): int(seed) for name, seed in trials}


def compared(imported):
    return decide(imported.study, imported.reruns, ()).difference


def test_the_seed_of_a_trial_is_the_one_that_its_flags_tell(tmp_path):
    told = repeated(tmp_path, lambda study, trial: [{"rng_seed": 10**9 + 10 * study + trial}])
    assert seeds_of(told)["study_3/trial_2"] == 10**9 + 32
    assert "seeds" not in " ".join(caveats(told.plan.study))
    assert not compared(told).paired


def test_reruns_are_compared_seed_by_seed_where_their_real_seeds_are_equal(tmp_path):
    assert compared(repeated(tmp_path, lambda study, _: [{"rng_seed": 77 + study}])).paired


UNTOLD = {
    "no flags": [],
    "no seed": [{"framework": "jax"}],
    "drawn by the hardware": [{"rng_seed": None}],
    "drawn by the hardware as well": [{"rng_seed": 0}],
    "resumed with another": [{"rng_seed": 5}, {"rng_seed": 6}],
}


@pytest.mark.parametrize("untold", UNTOLD)
def test_the_number_of_a_study_is_no_seed(tmp_path, untold):
    """Two trials of one study share nothing, so that they are compared as any others."""
    imported = repeated(tmp_path, lambda *_: UNTOLD[untold])
    assert len(set(seeds_of(imported).values())) == 2 * SEEDS
    assert not compared(imported).paired
    assert "seeds of 10 of 10 trials are not known" in " ".join(caveats(imported.plan.study))


def test_another_seed_of_a_rerun_makes_the_reruns_again(tmp_path):
    before = repeated(tmp_path, lambda study, _: [{"rng_seed": 7 + study}]).plan
    flags = tmp_path / "logs" / "study_4" / "trial_2" / "flags_0.json"
    flags.write_text(json.dumps({"rng_seed": 99}))
    after = plan_study(tmp_path / "s.yaml")
    assert keys_of(after)["study"] == keys_of(before)["study"]
    assert keys_of(after)["reruns"] != keys_of(before)["reruns"]


def test_a_resumed_trial_keeps_its_seed(tmp_path):
    told = repeated(tmp_path, lambda study, _: [{"rng_seed": 7 + study}] * 2)
    assert seeds_of(told)["study_1/trial_1"] == 8


def test_one_trial_is_enough(tmp_path):
    _, spec = copied(tmp_path)
    imported = datasets(spec)
    assert imported.study["objective"].values.tolist() == [2.5]
    assert imported.reruns.sizes["trial"] == 0
    launch = decide(imported.study, imported.reruns, diagnose(imported.study))
    assert launch.decision == "provisional"


SPOILT = {
    "no evaluations": ("eval_measurements.csv", None, "eval_measurements.csv: there is no such"),
    "no hyperparameters": ("hparams.json", None, "hparams.json: there is no such file"),
    "not JSON": ("hparams.json", "{", "cannot be read as JSON"),
    "infinite": (
        "hparams.json",
        '{"learning_rate": Infinity}',
        "parameter 'learning_rate': a hyperparameter cannot be inf",
    ),
    "no metric": ("eval_measurements.csv", "global_step,train/loss\n1,2\n", "'validation/bleu'"),
    "text": (
        "eval_measurements.csv",
        "global_step,validation/bleu\n1,2\n7,bad\n",
        "row 3, column 'validation/bleu': 'bad' is no number",
    ),
    "half a step": (
        "eval_measurements.csv",
        "global_step,validation/bleu\n1.5,2\n",
        "row 2, column 'global_step': '1.5' is no whole number",
    ),
    "cut off": ("eval_measurements.csv", "global_step,validation/bleu\n1\n", "row 2 has 1 cells"),
    "empty": ("eval_measurements.csv", "", "the table has no rows"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_bad_file_gets_a_message_that_says_which_and_where(tmp_path, spoilt):
    folder, spec = copied(tmp_path)
    name, content, message = SPOILT[spoilt]
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(TuningPlaybookError) as caught:
        plan_study(spec)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)
