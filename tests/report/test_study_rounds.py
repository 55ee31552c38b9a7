"""The order of a workload's rounds."""

from tuning_playbook.report.study_rounds import link_to, make_history


def study(name, finished="", builds_on=(), workload="digits_mlp"):
    day = f"2026-01-{finished}T10:00:00+00:00" if finished else None
    return {"study": name, "workload": workload, "finished": day, "builds_on": list(builds_on)}


def order(*rows):
    return [
        [(item.number, item.row["study"]) for item in history.rounds]
        for history in make_history(rows)
    ]


def test_the_rounds_of_a_workload_are_in_the_order_in_which_they_were_finished():
    rows = study("a", "09"), study("b", "05"), study("c", "07", workload="mnist5k_cnn")
    assert order(*rows) == [[(1, "b"), (2, "a")], [(1, "c")]]


def test_a_study_comes_after_those_that_it_takes_values_from():
    """The earlier one was trained again since."""
    rows = study("later", "05", ["first"]), study("first", "09"), study("other", "07")
    assert order(*rows) == [[(1, "other"), (2, "first"), (3, "later")]]


def test_those_of_which_nobody_knows_when_they_were_trained_come_first():
    assert order(study("a", "05"), study("b")) == [[(1, "b"), (2, "a")]]


def test_a_study_that_builds_on_one_without_a_report_or_on_itself_is_in_its_place():
    rows = study("a", "05", ["gone"]), study("b", "06", ["b"])
    assert order(*rows) == [[(1, "a"), (2, "b")]]
    ((gone,), ()) = (item.builds_on for item in make_history(rows)[0].rounds)
    assert gone == ("gone", "")


def test_a_circle_has_an_order_too():
    assert order(study("a", "06", ["b"]), study("b", "05", ["a"])) == [[(1, "b"), (2, "a")]]


def test_the_report_of_a_round_is_in_a_folder_of_its_procedure():
    assert link_to("stable") == "./stable/report.html"
    assert link_to("stable/rounds/2") == "./stable/rounds/2/report.html"
    assert link_to("../up/rounds/2") == "./..%2Fup/rounds/2/report.html"
    assert link_to("up/2") == "./up%2F2/report.html"
