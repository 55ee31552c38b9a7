"""The procedure `batch_sizes`, on probes of machines whose throughput is known."""

from dataclasses import replace

import pytest

from tests.procedures.probes import probe, refused, saturating
from tests.specs import write_spec
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.planning.probes import probe_plan
from tuning_playbook.procedures import batch_sizes
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.study.batch_sizes_settings import BatchSizesSettings

SIZES = [8 * 2**power for power in range(8)]
MICROSECOND = 1e-6


def settings(**changes):
    return BatchSizesSettings(**{"name": "batch_sizes", **changes})


def spec(**changes):
    return {
        "goal": "Which batch sizes?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/error_rate", "mode": "min"},
        "training": {"max_train_steps": 100, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "momentum"},
        **changes,
    }


def conclude(probes, document=None, **changes):
    return batch_sizes.next(History(document or spec(), settings(**changes), probes=tuple(probes)))


def test_doubling_pays_as_long_as_the_overhead_is_most_of_a_step():
    """The overhead is that of 1,500 examples: 1.8 times from 187 of them on."""
    found = conclude(saturating(SIZES, 1500 * MICROSECOND, MICROSECOND))
    assert found.values == {"largest": 1024, "worthwhile": 256}
    assert found.verdict == "doubling stops paying"
    assert "Doubling pays up to 256." in found.sentence
    assert "From 256 to 512 the throughput is multiplied by 1.75" in found.sentence
    assert "The bottleneck there is the computation" in found.sentence


@pytest.mark.parametrize("overhead", [400, 1500, 6000])
def test_with_noise_the_worthwhile_size_is_within_a_doubling_of_the_true_one(overhead):
    truth = conclude(saturating(SIZES, overhead * MICROSECOND, MICROSECOND)).values["worthwhile"]
    found = [
        conclude(saturating(SIZES, overhead * MICROSECOND, MICROSECOND, seed=seed, noise=0.03))
        for seed in range(20)
    ]
    assert all(0.5 <= item.values["worthwhile"] / truth <= 2 for item in found)


def test_what_pays_is_what_the_spec_says():
    probes = saturating(SIZES, 1500 * MICROSECOND, MICROSECOND)
    assert conclude(probes, pays=1.2).values["worthwhile"] > 256
    assert conclude(probes, pays=1.95).values["worthwhile"] == 64


def test_a_size_measured_while_the_machine_was_busy_does_not_make_the_next_one_pay():
    flat = [probe(size, size * MICROSECOND) for size in SIZES]
    flat[3] = probe(SIZES[3], 2 * SIZES[3] * MICROSECOND)
    found = conclude(flat)
    assert found.verdict == "no doubling pays"
    assert found.values["worthwhile"] is None


CROWDED = {"other_cores": 1.7, "cores": 2}


def test_where_a_larger_batch_took_less_time_nothing_is_told_of_the_times():
    """Eight examples were timed while other work took most of the machine."""
    probes = [probe(8, 0.3, **CROWDED), probe(16, 0.1), probe(32, 0.1)]
    found = conclude(probes)
    assert found.verdict == "cannot tell"
    assert found.values == {"largest": 32, "worthwhile": None}
    assert "a step took 300 ms at a batch size of 8 and 100 ms at 16" in found.sentence
    assert "Other work took up to 1.7 of the 2 cores meanwhile" in found.sentence
    assert found.advice.startswith("Probe again while nothing else runs on the machine")


def test_other_work_is_told_although_the_times_agree():
    times = saturating(SIZES, 1500 * MICROSECOND, MICROSECOND)
    crowded = [replace(item, machine={**item.machine, **CROWDED}) for item in times]
    assert "Other work took up to 1.7 of the 2 cores" in conclude(crowded).sentence
    assert "Other work" not in conclude(times).sentence


@pytest.mark.parametrize(("other", "cores"), [(0.2, 1), (1.2, 2), (60.0, 64)])
def test_work_on_cores_that_nobody_needs_is_not_told(other, cores):
    machine = {"other_cores": other, "cores": cores}
    found = conclude([probe(8, 0.1, **machine), probe(16, 0.1, **machine)])
    assert "Other work" not in found.sentence


def test_a_dip_below_the_worthwhile_size_is_told():
    times = [1.0, 1.2, 1.2, 1.2]
    found = conclude([probe(size, time) for size, time in zip(SIZES, times, strict=False)])
    assert found.values["worthwhile"] == found.values["largest"] == 64
    assert found.verdict == "doubling pays up to the largest batch size"
    assert "A doubling below that gains less: to 16 by 1.67." in found.sentence


def test_memory_ends_the_search_with_its_reason():
    probes = [*saturating(SIZES[:3], 1.0, MICROSECOND), refused(64), refused(128, machine={})]
    found = conclude(probes)
    assert found.values == {"largest": 32, "worthwhile": 32}
    assert "64 does not: out of memory: it takes 2 MB, and the limit is 1 MB" in found.sentence


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"to": 1500}, "the spec asks for no larger one"),
        ({}, "the training set has fewer than 2,048 examples"),
    ],
)
def test_where_all_fit_it_is_said_what_ended_the_search(changes, end):
    found = conclude(saturating(SIZES, 1.0, MICROSECOND), **changes)
    assert f"Batch sizes up to 1,024 fit; {end}." in found.sentence


def test_where_nothing_fits_both_values_are_null_with_the_reason():
    found = conclude([refused(8), refused(16, machine={})])
    assert found.values == {"largest": None, "worthwhile": None}
    assert found.sentence.startswith("Not even a batch size of 8 fits: out of memory")
    assert "smaller batch size" in found.advice


def test_one_size_alone_shows_no_doubling():
    found = conclude([probe(8, 0.1), refused(16)])
    assert found.values == {"largest": 8, "worthwhile": None}
    assert "no doubling was measured" in found.sentence


def test_times_of_different_machines_are_not_compared():
    probes = [probe(8, 0.1), probe(16, 0.1, device="NVIDIA H200", backend="gpu")]
    found = conclude(probes)
    assert found.values == {"largest": 16, "worthwhile": None}
    assert "measured on different machines" in found.sentence
    assert "NVIDIA H200" in found.sentence


def test_hosts_of_one_kind_are_compared():
    found = conclude([probe(8, 0.1), probe(16, 0.1, host="elsewhere")])
    assert found.values["worthwhile"] == 16


@pytest.mark.parametrize(
    ("input_", "part"),
    [
        ((0.9, 0.05, 0.05), "reading or making the examples"),
        ((0.05, 0.9, 0.05), "putting batches together on the host"),
        ((0.05, 0.05, 0.9), "moving batches to the device"),
    ],
)
def test_where_a_doubling_does_not_pay_the_part_of_the_input_that_takes_longest_is_named(
    input_, part
):
    cost = [1e-4 * item for item in input_]
    probes = [
        probe(size, 1e-4 * size, compute=1e-5 * size, input_=[size * item for item in cost])
        for size in SIZES
    ]
    found = conclude(probes)
    assert "a step waits for it 90 % of its time" in found.sentence
    assert f"most of it for {part}" in found.sentence
    assert found.advice.startswith("Fix the input first")


def test_an_input_that_holds_every_size_up_is_named_although_doubling_pays():
    """A fixed time for each batch halves with every doubling, and is most of every step."""
    probes = [probe(size, 0.1, compute=0.01, input_=(0.1, 0.0, 0.0)) for size in SIZES]
    found = conclude(probes)
    assert found.verdict == "doubling pays up to the largest batch size"
    assert "The bottleneck at 1,024 is the input" in found.sentence


def test_timings_that_spread_are_told_where_they_leave_it_open():
    times = {8: 0.1, 16: 0.115}
    close = conclude([probe(size, time, spread=0.3) for size, time in times.items()])
    clear = conclude([probe(size, time, spread=0.01) for size, time in times.items()])
    assert "though the timings allow for" in close.sentence
    assert "though the timings allow for" not in clear.sentence


def test_gradient_accumulation_is_named_as_no_gain():
    advice = conclude(saturating(SIZES, 1e-3, MICROSECOND)).advice
    assert "Gradient accumulation" in advice and "gives no throughput" in advice


@pytest.mark.parametrize(
    "fixed", [{"optimizer": "momentum"}, {"optimizer": "adam", "learning_rate": 0.01}]
)
def test_the_next_study_searches_the_learning_rate_at_the_worthwhile_size(tmp_path, fixed):
    found = conclude(saturating(SIZES, 1500 * MICROSECOND, MICROSECOND), spec(fixed=fixed))
    plan = plan_study(write_spec(tmp_path / "next.yaml", dict(found.next_study)))
    assert {item.trial.batch_size for item in plan.trials} == {256}
    assert [item.name for item in plan.study.arms[0].dimensions] == ["learning_rate"]


def test_where_none_is_found_the_next_probes_begin_lower(tmp_path):
    found = conclude([refused(64), refused(128, machine={})], **{"from": 64, "memory_mb": 9})
    asked = probe_plan(write_spec(tmp_path / "next.yaml", dict(found.next_study))).settings
    assert (asked.from_, asked.memory_mb) == (8, 9)
