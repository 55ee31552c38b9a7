"""Two lists of numbers from anywhere, and the decision about them."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.compare_lists import compare_lists

SPREAD = 0.001 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def write(path, objectives, seeds=None, header="seed,objective", encoding="utf-8"):
    seeds = range(1, len(objectives) + 1) if seeds is None else seeds
    rows = [f"{seed},{value}" for seed, value in zip(seeds, objectives, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


@pytest.fixture
def decide(tmp_path):
    def compared(candidate, baseline, mode="min", seeds=range(11, 99), **settings):
        files = (
            write(tmp_path / "candidate.csv", candidate),
            write(tmp_path / "baseline.csv", baseline, list(seeds)[: len(baseline)]),
        )
        return compare_lists(*files, mode=mode, **settings)

    return compared


def test_a_clear_improvement_is_adopted_and_a_clear_loss_rejected(decide):
    assert decide(0.05 + SPREAD, 0.10 + SPREAD).decision == "adopt"
    assert decide(0.05 + SPREAD, 0.10 + SPREAD, mode="max").decision == "reject"
    assert decide(0.95 + SPREAD, 0.90 + SPREAD, mode="max").decision == "adopt"
    assert decide(0.05 + SPREAD, 0.10 + SPREAD, min_improvement=0.06).decision == "reject"


def test_what_is_not_shown_says_how_many_more_reruns_would_settle_it(decide):
    found = decide(0.0995 + SPREAD, 0.100 + SPREAD)
    assert found.decision == "provisional"
    assert 50 < found.more_reruns < 200
    assert f"{found.more_reruns} more reruns of each would settle it." in found.text


def test_fewer_than_five_need_the_rest(decide):
    found = decide(0.05 + SPREAD[:3], 0.10 + SPREAD)
    assert (found.decision, found.more_reruns) == ("provisional", 2)


@pytest.mark.parametrize("nothing", ["", "nan", "NaN", "inf"])
def test_an_infeasible_run_is_no_number_and_forbids_adoption(decide, nothing):
    found = decide([*(0.05 + SPREAD), nothing], 0.10 + SPREAD)
    assert found.decision == "provisional"
    assert "1 of 6 reruns of the candidate are infeasible" in found.text


def test_equal_seeds_are_compared_seed_by_seed(decide):
    luck = np.array([0.03, -0.02, 0.01, -0.04, 0.02])
    values = 0.09 + luck + SPREAD / 4, 0.1 + luck
    assert decide(*values).decision == "provisional"
    paired = decide(*values, seeds=range(1, 6))
    assert (paired.decision, paired.evidence.difference.paired) == ("adopt", True)


def test_an_equal_gain_on_every_seed_is_judged_by_what_seeds_do(decide):
    found = decide(0.05 + SPREAD, 0.10 + SPREAD, seeds=range(1, 6))
    assert (found.decision, found.evidence.difference.paired) == ("adopt", False)


def test_the_json_object_has_every_number(decide):
    content = decide(0.05 + SPREAD, 0.10 + SPREAD).to_json()
    json.dumps(content, allow_nan=False)
    assert content["decision"] == "adopt"
    assert content["difference"]["improvement"] == pytest.approx(0.05)
    assert content["candidate"]["objectives"] == pytest.approx(0.05 + SPREAD)
    assert content["sentence"].startswith("The reruns of the candidate have a mean of 0.0500")


def test_columns_may_stand_in_any_order_beside_others_after_a_byte_order_mark(tmp_path):
    rows = [f"x,{value},{seed}" for seed, value in enumerate(0.05 + SPREAD)]
    path = tmp_path / "table.csv"
    path.write_text("\r\n".join(["note,objective,seed", *rows]), encoding="utf-8-sig")
    other = write(tmp_path / "other.csv", 0.1 + SPREAD, range(5, 10))
    assert compare_lists(path, other, mode="min").decision == "adopt"


WRONG = {
    "no column": ("seed,score\n1,0.5\n", "it has no column 'objective' (it has: seed, score)"),
    "empty": ("", "it has no column 'seed'"),
    "no run": ("seed,objective\n", "it has no run"),
    "no number": ("seed,objective\n1,high\n", "row 2: the objective 'high' is no number"),
    "no seed": ("seed,objective\none,0.5\n", "row 2: the seed 'one' is no whole number"),
    "one seed twice": ("seed,objective\n1,0.5\n1,0.6\n", "rows 2 and 3 have the seed 1"),
    "a short row": ("seed,objective\n1\n", "row 2: it has fewer cells"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_gets_one_message_that_names_file_and_row(tmp_path, what):
    content, message = WRONG[what]
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(content)
    with pytest.raises(ArtefactError) as raised:
        compare_lists(wrong, wrong, mode="min")
    assert str(raised.value).startswith(f"{wrong}: ")
    assert message in str(raised.value)


def call(*arguments):
    command = [sys.executable, "-m", "tuning_playbook", "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_tells_by_its_exit_status(tmp_path):
    good = write(tmp_path / "good.csv", 0.05 + SPREAD)
    bad = write(tmp_path / "bad.csv", 0.10 + SPREAD, range(11, 16))
    near = write(tmp_path / "near.csv", 0.0995 + SPREAD, range(21, 26))
    assert call(good, bad, "--mode", "min").returncode == 0
    assert call(good, bad, "--mode", "max").returncode == 3
    done = call(near, bad, "--mode", "min", "--json")
    assert (done.returncode, json.loads(done.stdout)["decision"]) == (4, "provisional")
    done = call(good, tmp_path / "none.csv", "--mode", "min")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"ArtefactError: {tmp_path / 'none.csv'}: it cannot be read")


@pytest.mark.parametrize(
    "wrong", [["--mode", "least"], [], ["--mode", "min", "--min-improvement", "-1"]]
)
def test_a_wrong_call_is_bad_input_too(tmp_path, wrong):
    done = call(tmp_path / "a.csv", tmp_path / "b.csv", *wrong)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: " in done.stderr
