"""What training jobs are asked for, in one file for a study."""

import json
import threading

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import ArtefactError, ChangedDuringRunError
from tuning_playbook.planning.plan import request_of, requests_of
from tuning_playbook.planning.requests import NAME, read_request, write_requests


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {"resources.trials_per_job": 3, "replicates": 2})


def test_every_pack_finds_what_it_is_asked_for(plan, tmp_path):
    requests = requests_of(plan)
    assert requests.keys() == plan.packs.keys() | plan.replicate_packs.keys()
    write_requests(tmp_path, requests)
    assert len((tmp_path / NAME).read_text().splitlines()) == len(requests) == 6
    for pack in (*plan.packs.values(), *plan.replicate_packs.values()):
        assert read_request(tmp_path, pack.id) == request_of(plan, pack.trials)


def test_every_line_is_json(plan, tmp_path):
    write_requests(tmp_path, requests_of(plan))
    lines = map(json.loads, (tmp_path / NAME).read_text().splitlines())
    assert {line["pack"] for line in lines} == plan.packs.keys() | plan.replicate_packs.keys()


def test_what_stands_there_already_is_not_written_again(plan, tmp_path):
    requests = requests_of(plan)
    write_requests(tmp_path, requests)
    before = (tmp_path / NAME).stat()
    write_requests(tmp_path, requests)
    assert (tmp_path / NAME).stat().st_ino == before.st_ino
    write_requests(tmp_path, dict(list(requests.items())[:1]))
    assert len((tmp_path / NAME).read_text().splitlines()) == 1


def test_a_file_that_is_shown_late_is_waited_for(plan, tmp_path):
    pack, *_ = plan.packs
    writer = threading.Timer(0.5, write_requests, (tmp_path, requests_of(plan)))
    writer.start()
    assert read_request(tmp_path, pack, patience=60.0).trials
    writer.join()


@pytest.mark.parametrize("written", [True, False])
def test_a_pack_that_nobody_asks_for_any_more_is_said(plan, tmp_path, written):
    if written:
        write_requests(tmp_path, requests_of(plan))
    with pytest.raises(ChangedDuringRunError, match=r"no pack 0123456789: .*run snakemake again"):
        read_request(tmp_path, "0123456789")


def test_trials_that_are_not_those_of_the_pack_are_refused_before_they_train(plan, tmp_path):
    write_requests(tmp_path, requests_of(plan))
    file, pack = tmp_path / NAME, next(iter(plan.packs))
    one, *rest = file.read_text().splitlines(keepends=True)
    content = json.loads(one)
    content["trials"][0]["seed"] += 1
    file.write_text("".join([json.dumps(content, separators=(",", ":")) + "\n", *rest]))
    with pytest.raises(ArtefactError, match=f"trials than those of the pack {pack}, so"):
        read_request(tmp_path, pack)
