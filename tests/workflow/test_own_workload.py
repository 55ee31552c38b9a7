"""A user's own workload, spec and results, all outside of the project and with hostile texts."""

import contextlib
import csv
import json
import shlex
import shutil
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.specs import changed, write_spec
from tests.workflow.background import in_background
from tests.workflow.my_model import HOSTILE
from tuning_playbook.__main__ import main
from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.zip_layout import write_zip

pytestmark = pytest.mark.workflow

GOAL = f"Is this safe?\n{HOSTILE}"
NOTES = f"=cmd|'/c touch pwned'!A1 {HOSTILE}"
STUDY = {
    "goal": GOAL,
    "notes": NOTES,
    "workload": "my_model:MyModel",
    "scientific": {"flavour": ["plain", HOSTILE]},
    "fixed": {"optimizer": "sgd"},
    "search.trials": 2,
    "reruns.seeds": 1,
    "launch": {"complexity": HOSTILE},
    "resources.trials_per_job": 16,
}


class Elsewhere:
    """A user's folder and folder of results, whose names need quotes."""

    def __init__(self, folder, project):
        self.project = project
        self.root = folder
        self.spec = folder / "a user's studies" / "own.yaml"
        self.model = self.spec.parent / "my_model.py"
        self.results = folder / "a user's results"
        self.model.parent.mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "my_model.py", self.model)
        write_spec(self.spec, changed(STUDY))

    @contextlib.contextmanager
    def other_model(self, old, new):
        """Replace a text in the model's code for a while."""
        code = self.model.read_text()
        assert code.count(old) == 1
        self.model.write_text(code.replace(old, new))
        yield
        self.model.write_text(code)

    def snakemake(self, *targets, **options):
        return self.project.snakemake(*targets, study=self.spec, results=self.results, **options)


@in_background
def own(workshop):
    """A trained study of a user's own."""
    elsewhere = Elsewhere(workshop.root / "user", workshop.new_project("for_a_user"))
    elsewhere.run = elsewhere.snakemake()
    return elsewhere


def text_of(html):
    """The text of a page, as a browser would read it."""
    texts = []
    parser = HTMLParser()
    parser.handle_data = texts.append
    parser.feed(html)
    return " ".join("".join(texts).split())


def test_a_users_own_workload_is_trained_and_reported(own):
    trials = own.project.trials("own", results=own.results)
    assert len(trials) == 4
    assert own.run.trained("own") == set(trials)
    report = (own.results / "own" / "report.html").read_text()
    assert "Softmax regression on three clouds." in report
    assert all(f'id="trial-{trial}"' in report for trial in trials)


def test_everything_of_it_is_in_the_results_folder_that_was_asked_for(own):
    assert {path.name for path in own.root.iterdir()} == {own.spec.parent.name, own.results.name}
    assert (own.results / "tracking.csv").exists()
    assert (own.results / "index.html").exists()
    assert not own.project.results.exists()


def test_nothing_that_a_spec_says_is_run_by_a_shell(own):
    assert not list(own.root.rglob("pwned*"))
    assert not list(own.project.root.rglob("pwned*"))
    assert not list(Path.cwd().glob("pwned*"))


@pytest.mark.parametrize("page", ["own/report.html", "index.html"])
def test_nothing_that_a_spec_says_is_markup_of_a_page(own, page):
    html = (own.results / page).read_text()
    assert "<script>alert" not in html
    assert " ".join(GOAL.split()) in text_of(html)
    assert " ".join(NOTES.split()) in text_of(html)


def test_nothing_that_a_spec_says_is_markup_of_a_plot(own):
    plots = list((own.results / "own" / "plots").glob("*.svg"))
    assert len(plots) >= 5
    assert not [plot.name for plot in plots if "<script" in plot.read_text()]


def test_nothing_that_a_spec_says_is_a_formula_of_the_tracking_sheet(own):
    with (own.results / "tracking.csv").open(newline="") as sheet:
        (row,) = csv.DictReader(sheet)
    assert row["goal"] == GOAL
    assert row["notes"] == f"'{NOTES}"


def test_the_commands_that_the_report_gives_name_the_users_files(own):
    """They are typed into a shell, so names with blanks are quoted."""
    with (own.results / "tracking.csv").open(newline="") as sheet:
        (row,) = csv.DictReader(sheet)
    given = own.project.shell(row["reproduction_command"].replace("--cores 2", "--dry-run"))
    assert given.status == 0, given.text
    assert given.nothing_to_do


@pytest.fixture(scope="session")
def archive(own):
    own.snakemake("archive")
    return own.results / "archive" / "own.zip"


def test_its_archive_holds_the_workload_and_trains_it_again_to_the_same_bits(own, archive, capsys):
    assert main(["verify", str(archive)]) == 0
    with zipfile.ZipFile(archive) as files:
        assert files.read("own/data/spec/my_model.py") == own.model.read_bytes()
        about = json.loads(files.read("own/data/archive.json"))
    assert about["workload"]["about"] == "Softmax regression on three clouds."
    again = f"python -m tuning_playbook reproduce {shlex.quote(str(archive))} --trial 0 --sample 1"
    done = own.project.shell(f"PYTHONPATH=src {again} --trust")
    assert done.status == 0, done.text
    assert done.output.splitlines()[-1] == "2 of 2 gave the same bits"


def test_the_code_of_an_archive_is_not_run_before_somebody_agrees(archive, capsys):
    assert main(["reproduce", str(archive), "--trial", "0"]) == 1
    told = capsys.readouterr().err
    assert "It would run the class my_model:" in told
    assert "from the archive (spec/my_model.py)" in told
    assert "give --trust if you trust it" in told
    assert "my_model" not in sys.modules


def test_other_code_than_the_trials_were_trained_with_is_refused_from_its_file(
    archive, tmp_path, capsys
):
    mark = tmp_path / "mark"
    inside = "own/data/"
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.startswith(inside)]
        payload = {name.removeprefix(inside): files.read(name) for name in names}
    payload["spec/my_model.py"] += f"open({str(mark)!r}, 'w')\n".encode()
    changed = tmp_path / "own.zip"
    write_zip(changed, {f"own/{name}": content for name, content in make_bag(payload).items()})
    assert main(["reproduce", str(changed), "--trial", "0", "--trust"]) == 1
    assert "the workload's code here and of the archive are not the same" in capsys.readouterr().err
    assert main(["verify", str(changed)]) == 1
    told = capsys.readouterr().err
    assert "spec: the code of my_model:" in told
    assert not mark.exists()


def test_nothing_that_a_spec_says_is_markup_of_an_archives_texts(archive):
    """In Markdown an indented line is shown as it is."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("own/data/README.md").decode().splitlines()
        entities = json.loads(files.read("own/data/ro-crate-metadata.json"))["@graph"]
    assert [line for line in lines if "<" in line] == [f"    {' '.join(GOAL.split())}"]
    (root,) = (entity for entity in entities if entity["@id"] == "./")
    assert root["description"] == GOAL


def test_other_code_of_the_workload_trains_every_trial_again(own):
    with own.other_model("0.5 * random", "0.6 * random"):
        planned = own.snakemake("study_dataset", dry=True).rules
    assert planned["train_pack"] == 2


def test_other_words_in_the_code_of_the_workload_train_nothing(own):
    with own.other_model("as a user would bring it", "of our own"):
        assert own.snakemake(dry=True).nothing_to_do
