"""The page of all rounds of one workload."""

import pytest

from tests.report.pages import read, structure
from tuning_playbook.planning.campaign_file import campaign_file
from tuning_playbook.report.campaign import make_campaign, render_campaigns
from tuning_playbook.report.tracking import summary_row


@pytest.fixture(scope="module")
def row(example):
    return summary_row(example.card, example.study, example.launch, example.resources)


def round_of(row, study, day, *, mean=None, builds_on=(), cost=10, baseline=None, **about):
    """The summary of a round in which something was compared, searched, fixed or taken."""
    defaults = {"compared": {}, "searched": [], "fixed": {}, "defaulted": [], "taken": []}
    trainings = {"trainings": cost, "steps": 100 * cost, "seconds": 60.0 * cost}
    return row | {
        "study": study,
        "goal": f"What of {study}?",
        "finished": f"2026-01-{day:02}T10:00:00Z",
        "candidate_rerun_mean": mean,
        "candidate_rerun_sd": None if mean is None else 0.001,
        "baseline_rerun_mean": baseline,
        "builds_on": list(builds_on),
        "campaign": defaults | {"cost": trainings} | about,
    }


@pytest.fixture
def rows(row):
    """Normalization is compared, then dropout with the winner; then both of a later one."""
    return [
        round_of(
            row,
            "norm",
            1,
            mean=0.10,
            baseline=0.12,
            compared={"normalization": "none, layer"},
            searched=["learning_rate"],
        ),
        round_of(
            row,
            "drop",
            2,
            mean=0.11,
            builds_on=["norm"],
            cost=20,
            compared={"dropout": "0.0, searched"},
            fixed={"normalization": "layer", "learning_rate": "0.03", "width": "16"},
            taken=[
                {"place": "fixed.normalization", "study": "norm"},
                {"place": "fixed.learning_rate", "study": "norm"},
            ],
        ),
        round_of(
            row,
            "rate",
            3,
            mean=0.08,
            searched=["learning_rate"],
            fixed={"normalization": "layer", "dropout": "0.0", "activation": "relu"},
            defaulted=["activation", "dropout"],
        ),
    ]


def test_a_value_that_an_earlier_round_compared_is_its_decision(rows):
    found = {(one.name, one.by): one for one in make_campaign(rows).decisions}
    assert found.keys() == {
        ("normalization", "norm"),
        ("learning_rate", "norm"),
        ("dropout", "drop"),
    }
    norm = found["normalization", "norm"]
    assert (norm.value, norm.how, norm.frozen_in) == ("layer", "compared", ("drop", "rate"))
    assert found["learning_rate", "norm"].how == "best trial"
    # Left out of the spec it is as fixed as if it stood there.
    assert found["dropout", "drop"].frozen_in == ("rate",)


def test_each_round_says_what_was_fixed_because_of_it(rows):
    told = {item.round.row["study"]: item.decided for item in make_campaign(rows).rounds}
    assert [one.name for one in told["norm"]] == ["normalization", "learning_rate"]
    assert [one.name for one in told["drop"]] == ["dropout"]
    assert told["rate"] == ()


def test_what_no_round_varied_at_once_was_never_tested_together(rows, row):
    pairs = make_campaign(rows).never_together
    # The first round searched the rate in every arm of the normalization.
    assert pairs == (("normalization", "dropout"), ("dropout", "learning_rate"))
    both = {"normalization": "none, layer", "dropout": "0.0, 0.2"}
    crossed = round_of(row, "both", 4, compared=both, searched=["one_minus_momentum"])
    assert make_campaign([*rows, crossed]).never_together == (("dropout", "learning_rate"),)


def test_the_best_so_far_is_by_reruns_against_all_that_was_trained(rows):
    rounds = make_campaign(rows).rounds
    assert [item.best for item in rounds] == ["0.1", "0.1", "0.08"]
    assert [item.is_best for item in rounds] == [True, False, True]
    assert [item.cumulated for item in rounds] == ["10", "30", "40"]
    assert [item.cumulated_steps for item in rounds] == ["1,000", "3,000", "4,000"]
    assert [item.time for item in rounds] == ["10 min 0 s", "20 min 0 s", "10 min 0 s"]


def test_the_baseline_counts_and_larger_may_be_better(row):
    rows = [
        round_of(row, "one", 1, mean=0.8, baseline=0.85) | {"objective_mode": "max"},
        round_of(row, "two", 2, mean=0.9) | {"objective_mode": "max"},
    ]
    rounds = make_campaign(rows).rounds
    assert [(item.best, item.is_best) for item in rounds] == [("0.85", False), ("0.9", True)]


def test_rounds_of_another_objective_are_not_compared(rows):
    other = rows[0] | {"objective_metric": "validation/loss", "candidate_rerun_mean": 0.01}
    rounds = make_campaign([other, *rows[1:]]).rounds
    assert [item.best for item in rounds] == ["–", "0.11", "0.08"]
    steps = rows[0] | {"campaign": rows[0]["campaign"] | {"target": 0.05}}
    first, *_ = make_campaign([steps, *rows[1:]]).rounds
    assert first.best == "–"


def test_the_line_steps_down_from_left_to_right(rows):
    points = [tuple(map(float, point.split(","))) for point in make_campaign(rows).points.split()]
    xs, ys = zip(*points, strict=True)
    assert list(xs) == sorted(xs)
    assert (xs[-1], ys[-1]) == (588.0, 188.0)  # the best is the lowest, at the last step
    assert ys[0] == 12.0
    assert make_campaign(rows[:1]).points == ""


def test_a_summary_of_an_earlier_version_is_shown_as_far_as_it_goes(row):
    earlier = {name: value for name, value in row.items() if name != "campaign"}
    (item,) = make_campaign([earlier]).rounds
    assert (item.trainings, item.cumulated, item.decided) == ("–", "0", ())


def test_every_workload_has_a_page_of_its_own(rows, row):
    pages = render_campaigns([*rows, row | {"study": "b", "workload": "my_model:MyModel"}])
    assert list(pages) == [campaign_file("digits_mlp"), campaign_file("my_model:MyModel")]
    page = read(pages["campaigns/digits_mlp.html"])
    assert page.one("h1").text == "digits_mlp"
    assert len(page.all("li", "round")) == 3
    links = {link.attributes["href"] for link in page.all("a")}
    assert {"../index.html", "../norm/report.html", "../drop/report.html"} <= links
    told = page.one("main").text
    assert "Fixed because of it: normalization=layer (in drop, rate); learning_rate=0.03" in told
    assert "normalization and dropout" in told


def test_texts_and_names_stay_text(rows):
    hostile = "\"><script>alert('1')</script>"
    texts = dict.fromkeys(("study", "goal", "answer", "notes"), hostile)
    (page,) = render_campaigns([rows[0] | texts]).values()
    (plain,) = render_campaigns([rows[0]]).values()
    assert structure(page) == structure(plain)
    for link in read(page).all("a"):
        assert link.attributes["href"].startswith(("../", "#"))


def test_the_summary_says_what_was_varied_fixed_and_what_it_cost(row, example):
    about = row["campaign"]
    assert about["compared"] == {"optimizer": "nesterov, adam"}
    assert "learning_rate" in about["searched"]
    trainings = example.resources.sizes["trial"]
    assert about["cost"]["trainings"] == trainings
    assert about["cost"]["steps"] == trainings * example.study.attrs["max_train_steps"]
