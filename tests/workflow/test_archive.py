"""A study in one file: made, checked, read and trained again."""

import hashlib
import itertools
import json
import os
import platform
import random
import re
import shutil
import site
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import netCDF4
import pytest
import xarray as xr
from ruamel.yaml import YAML

from tests.sources.algoperf import datasets
from tests.specs import REMOVED, changed, write_spec
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import BIN, CHECKOUT, environment, recorded_jobs
from tuning_playbook.__main__ import main
from tuning_playbook.archive import read_trials
from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.contents import AsTold, archive_contents
from tuning_playbook.archive.provenance import jobs_of
from tuning_playbook.archive.settings import ArchiveSettings
from tuning_playbook.archive.verify import Verified, verify
from tuning_playbook.archive.zip_layout import unpack, write_zip
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.dataset.imported import imported_checkpoints, resources_dataset
from tuning_playbook.errors import ArchiveError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.trial_json import trial_json

pytestmark = pytest.mark.workflow


def test_one_job_makes_it_and_another_time_the_same_bytes(archived):
    assert archived.run.rules == {"archive_study": 1}
    project = archived.project
    made = project.results / "archive" / "small.zip"
    made.unlink()
    project.snakemake("archive")
    assert made.read_bytes() == archived.path.read_bytes()


def test_it_holds_what_made_the_study_and_what_the_study_made(archived):
    results = archived.project.results / "small"
    names = {name.removeprefix("small/data/") for name in archived.files}
    datasets_of_it = ("study.nc", "checkpoints.nc", "reruns.nc")
    for name in (*datasets_of_it, "diagnostics.json", "launch.json", "models.json"):
        assert archived.files[f"small/data/results/{name}"] == (results / name).read_bytes()
    trials = {path.parent.name for path in results.glob("trials/*/trial.json")}
    assert len(trials) == 6
    for trial in trials:
        of_trial = {name.rpartition("/")[2] for name in names if f"/trials/{trial}/" in name}
        objective = "validation-error_rate-min"
        told = {"trial.json", f"best-{objective}.json", f"predictions-{objective}.npz"}
        assert told <= of_trial
        assert "numbers.npz" not in of_trial  # they stand in its pack
    (best,) = json.loads((results / "models.json").read_text())["models"].values()
    kept = {name.split("/")[2] for name in names if "/checkpoints/" in name}
    assert kept == {best["trial"]}
    assert f"results/{best['path']}" in names
    wanted = {"spec/small.yaml", "code/workflow/Snakefile", "results/report.html"}
    assert wanted <= names
    environment = json.loads(archived.files["small/data/environment.json"])
    assert {"jax", "jaxlib", "numpy", "orbax-checkpoint"} <= environment["packages"].keys()
    (trained,) = environment["trained_in"]
    assert {"backend", "device", "driver", "machine", "python", "xla_flags"} <= trained.keys()
    assert trained["versions"]["jax"] == environment["packages"]["jax"]
    assert trained["trials"] == 6


def test_any_tool_that_knows_hashes_can_check_it(archived):
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = archived.files[f"small/{manifest}"].decode().splitlines()
        for line in lines:
            digest, _, name = line.partition("  ")
            assert hashlib.sha256(archived.files[f"small/{name}"]).hexdigest() == digest
    payload = [name for name in archived.files if name.startswith("small/data/")]
    assert len(archived.files["small/manifest-sha256.txt"].splitlines()) == len(payload)


def test_it_names_no_machine_and_no_folder_of_it(archived):
    places = [str(archived.project.root), str(archived.project.cache)]
    for name, content in archived.files.items():
        assert not any(place.encode() in content for place in places), name
        assert ".snakemake" not in name
        assert "__pycache__" not in name
    for name, content in archived.files.items():
        if name.endswith("trial.json"):
            assert "host" not in json.loads(content)["provenance"]
    host = platform.node().encode()
    report = archived.files["small/data/results/report.html"]
    assert b"<dt>host</dt><dd>withheld</dd>" in report
    assert b"<dd>" + host + b"</dd>" not in report
    assert host not in archived.files["small/data/results/resources.nc"].split(b"\0")


def test_it_names_an_author_a_licence_and_machines_where_asked_to(archived, monkeypatch):
    contents = make_contents(
        archived, monkeypatch, ArchiveSettings("none", "Ada Lovelace", "CC-BY-4.0", hosts=True)
    )
    cited = YAML(typ="safe").load(contents.files["CITATION.cff"])
    assert cited["authors"] == [{"name": "Ada Lovelace"}]
    assert cited["license"] == "CC-BY-4.0"
    entities = entities_of(contents.files["ro-crate-metadata.json"])
    assert entities["#author"] == {"@id": "#author", "@type": "Person", "name": "Ada Lovelace"}
    assert entities["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    records = [content for name, content in contents.files.items() if name.endswith("trial.json")]
    assert {json.loads(record)["provenance"]["host"] for record in records} == {platform.node()}
    assert not any("/checkpoints/" in name for name in contents.files)


def test_it_holds_the_best_checkpoints_of_all_trials_where_asked_to(archived, monkeypatch):
    files = make_contents(archived, monkeypatch, ArchiveSettings("all")).files
    kept = {name.split("/")[2] for name in files if "/checkpoints/best/" in name}
    assert kept == {name.split("/")[2] for name in files if name.endswith("/trial.json")}


def make_contents(archived, monkeypatch, settings):
    """What an archive of the small study holds, made by this process."""
    project = archived.project
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.cache))
    folder = Path("results/small")
    artefacts = [
        path
        for pattern in ("*.*", "packs/*", "plots/*", "reruns/*")
        for path in folder.glob(pattern)
    ]
    spec = Path("config/studies/small.yaml")
    return archive_contents(plan_study(spec), folder, artefacts, settings, AsTold(spec))


def entities_of(metadata):
    return {entity["@id"]: entity for entity in json.loads(metadata)["@graph"]}


@pytest.fixture(scope="session")
def unpacked(archived, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    unpack(archived.path, folder)
    return folder / "small"


def test_bagit_finds_it_a_valid_bag(unpacked):
    done = subprocess.run(
        [BIN / "bagit.py", "--validate", unpacked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (unpacked / "data" / "more").write_text("")
    done = subprocess.run([BIN / "bagit.py", "--validate", "--quiet", unpacked], check=False)
    (unpacked / "data" / "more").unlink()
    assert done.returncode != 0


CONTEXT = "https://w3id.org/ro/crate/1.1/context"
VALIDATOR = shutil.which(
    "rocrate-validator", path=f"{CHECKOUT / '.venv-validator/bin'}{os.pathsep}{os.environ['PATH']}"
)


@pytest.mark.skipif(not VALIDATOR, reason="no rocrate-validator: make .venv-validator/.installed")
def test_the_validator_finds_it_a_provenance_run_crate(unpacked, tmp_path):
    """All that the profile requires; of the network it needs one file, which stands here."""
    beside = Path(VALIDATOR).with_name("python")
    here = CHECKOUT / "tests" / "archive"
    warm = [beside, here / "warm_cache.py", tmp_path / "cache", CONTEXT]
    subprocess.run([*warm, here / "ro-crate-1.1-context.jsonld"], check=True)
    options = ["--offline", "--cache-path", tmp_path / "cache", "-p", "provenance-run-crate-0.5"]
    answer = ["-l", "required", "--output-format", "json", "--output-file", tmp_path / "answer"]
    subprocess.run(
        [VALIDATOR, "-y", "validate", *options, *answer, unpacked / "data"],
        check=False,
        capture_output=True,
    )
    answer = json.loads((tmp_path / "answer").read_text())
    assert answer["issues"] == []
    assert answer["passed"]
    assert answer["skipped_checks"] == 0
    assert answer["statistics"]["total_passed_checks"] > 80


def test_its_crate_says_which_job_made_what_from_what_as_snakemake_recorded_it(archived):
    entities = entities_of(archived.files["small/data/ro-crate-metadata.json"])
    actions = [entity for name, entity in entities.items() if name.startswith("#job/")]
    told = {(job_of(action), *files_of(action)) for action in actions}
    recorded = recorded_jobs(archived.project, "small")
    spec = ("spec/small.yaml",)
    assert told == {(rule, made, of or spec) for rule, made, of in recorded}


def references(value):
    return [item["@id"] for item in (value if isinstance(value, list) else [value])]


def job_of(action):
    script, *_ = references(action["instrument"])
    return Path(script).stem


def files_of(action):
    """The results that an action made, and its objects, without folders of trials."""
    made = [name for name in references(action["result"]) if not name.endswith("/")]
    of = references(action["object"])
    return [tuple(sorted(name.removeprefix("results/") for name in names)) for names in (made, of)]


def test_its_crate_says_when_trials_were_trained_and_with_what_software(archived):
    files = study_files(archived)
    entities = entities_of(files["ro-crate-metadata.json"])
    (pack,) = (name for name in entities if name.startswith("#job/train_pack/"))
    trained = [name for name in references(entities[pack]["result"]) if name.endswith("/")]
    records = [json.loads(files[f"{name}trial.json"])["provenance"] for name in trained]
    assert len(records) == 4
    assert entities[pack]["startTime"] == min(record["started"] for record in records)
    assert entities[pack]["endTime"] == max(record["finished"] for record in records)
    software = [entities[name] for name in references(entities[pack]["instrument"])[1:]]
    told = {item["name"]: item["softwareVersion"] for item in software}
    assert told == records[0]["versions"] | {"Python": records[0]["python"]}


def test_it_is_whole_and_one_command_says_so(archived, capsys):
    assert verify(archived.path).problems == ()
    assert main(["verify", str(archived.path)]) == 0
    assert f"{len(archived.files)} files, 6 trials and reruns" in capsys.readouterr().out
    cut = archived.path.with_name("cut.zip")
    cut.write_bytes(archived.path.read_bytes()[:-1000])
    assert main(["verify", str(cut)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"ArchiveError: {cut}: ")
    assert "cut off" in told


def study_files(archived):
    """The payload of the archive, by names within `data/`."""
    inside = "small/data/"
    return {
        name.removeprefix(inside): content
        for name, content in archived.files.items()
        if name.startswith(inside)
    }


def problems_of(path, files):
    """What is wrong with a bag of other files, as its own hashes have it."""
    write_zip(path, {f"small/{name}": content for name, content in make_bag(files).items()})
    return verify(path).problems


def test_a_change_of_any_byte_is_found_or_changes_nothing_that_is_read(archived, tmp_path):
    """Without the code, which is most of its files, this is quick."""
    changed = tmp_path / "changed.zip"
    kept = {n: c for n, c in study_files(archived).items() if not n.startswith("code/")}
    assert all("which is not there" in problem for problem in problems_of(changed, kept))
    files = make_bag(kept)
    original = changed.read_bytes()
    draw = random.Random(0)
    found = 0
    for number in range(200):
        content = bytearray(original)
        content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
        changed.write_bytes(content)
        try:
            unpack(changed, tmp_path / str(number))
        except ArchiveError:
            found += 1
        else:
            for name, file in files.items():
                assert (tmp_path / str(number) / "small" / name).read_bytes() == file
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)
    assert found > 190


UNHASHED = {
    "changed": lambda files: files | {"small/data/results/study.nc": b"nothing"},
    "missing": lambda files: {n: c for n, c in files.items() if not n.endswith("study.nc")},
    "added": lambda files: files | {"small/data/results/more.nc": b"nothing"},
}


@pytest.mark.parametrize("what", UNHASHED)
def test_a_file_that_the_bag_does_not_know_so_is_found(archived, what, tmp_path):
    write_zip(tmp_path / "small.zip", UNHASHED[what](archived.files))
    (problem, *more) = verify(tmp_path / "small.zip").problems
    assert what in problem
    assert not more


def edit_netcdf(content, variable, value, tmp_path):
    path = tmp_path / "edited.nc"
    path.write_bytes(content)
    with netCDF4.Dataset(path, "a") as file:
        place = (0,) * file[variable].ndim
        file[variable][place] = value
    return path.read_bytes()


@pytest.mark.parametrize(
    ("dataset", "variable"),
    [
        ("study.nc", "objective"),
        ("study.nc", "error_rate"),
        ("study.nc", "train_loss"),
        ("study.nc", "grad_norm_count"),
        ("study.nc", "hp_learning_rate"),
        ("study.nc", "seed"),
        ("reruns.nc", "loss"),
        ("reruns.nc", "best_step"),
        ("checkpoints.nc", "class_right"),
    ],
)
def test_a_dataset_that_does_not_follow_from_its_packs_is_found(
    archived, dataset, variable, tmp_path
):
    files = study_files(archived)
    content = edit_netcdf(files[f"results/{dataset}"], variable, 3, tmp_path)
    problems = problems_of(tmp_path / "small.zip", files | {f"results/{dataset}": content})
    assert any(problem.startswith(f"{dataset}: {variable}") for problem in problems)


def test_packs_and_dataset_that_agree_on_false_numbers_are_found_by_the_trials(archived, tmp_path):
    files = study_files(archived)
    (pack,) = (name for name in files if name.startswith("results/packs/"))
    changed = {
        pack: edit_netcdf(files[pack], "series", 3, tmp_path),
        "results/study.nc": edit_netcdf(files["results/study.nc"], "train_loss", 3, tmp_path),
    }
    problems = problems_of(tmp_path / "small.zip", files | changed)
    assert any(NOT_RECORDED in problem for problem in problems)


NOT_RECORDED = "its numbers in its pack are not those that trial.json recorded"


def with_other_trial(files):
    name = next(name for name in files if name.endswith("trial.json"))
    record = json.loads(files[name])
    record["trial"]["hyperparameters"]["learning_rate"] *= 1.01
    return {name: json.dumps(record).encode()}


def edit_json(files, ending, **changes):
    name = next(name for name in files if name.endswith(ending))
    return {name: json.dumps(json.loads(files[name]) | changes).encode()}


def with_other_hash(files):
    return edit_json(files, "trial.json", numbers_sha256="0" * 64)


def with_other_status(files):
    return edit_json(files, "trial.json", status="diverged")


def without_its_step(files):
    names = [name for name in files if name.endswith("trial.json")]
    return {k: v for name in names for k, v in edit_json(files, name, kept_steps=[]).items()}


def with_other_best(files):
    names = [name for name in files if "/best-validation" in name]
    return {k: v for name in names for k, v in edit_json(files, name, class_right=[1] * 10).items()}


def with_other_checkpoint(files):
    name = next(name for name in files if name.endswith("/_METADATA"))
    return {name: files[name] + b" "}


def with_other_model(files):
    name = next(name for name in files if name.endswith(".jax_export"))
    return {name: files[name] + b" "}


def with_other_launch(files, **changes):
    launch = json.loads(files["results/launch.json"])
    launch["candidate"] |= changes.pop("candidate", {})
    return {"results/launch.json": json.dumps(launch | changes).encode()}


def with_other_report(files):
    report = files["results/report.html"].decode()
    mean = f"{json.loads(files['results/launch.json'])['candidate']['mean']:.4g}"
    assert mean in report
    return {"results/report.html": report.replace(mean, "0.0001").encode()}


def edit_crate(files, identity, **changes):
    crate = json.loads(files["ro-crate-metadata.json"])
    (entity,) = (item for item in crate["@graph"] if item["@id"].startswith(identity))
    entity.update(changes)
    return {"ro-crate-metadata.json": json.dumps(crate).encode()}


def with_unknown_file(files):
    return edit_crate(files, "results/study.nc", **{"@id": "results/other.nc"})


def with_other_time(files):
    return edit_crate(files, "#job/train_pack/", endTime="2001-01-01T00:00:00+00:00")


def with_other_software(files):
    script = {"@id": "code/src/tuning_playbook/jobs/train_pack.py"}
    return edit_crate(files, "#job/train_pack/", instrument=script)


def with_other_environment(files):
    environment = json.loads(files["environment.json"])
    environment["trained_in"][0]["versions"]["jaxlib"] = "0.0.1"
    return {"environment.json": json.dumps(environment).encode()}


def with_other_citation(files):
    cited = files["CITATION.cff"].replace(b"study small", b"study large")
    assert cited != files["CITATION.cff"]
    return {"CITATION.cff": cited}


REHASHED = {
    "it tells of results/other.nc, which is not there": with_unknown_file,
    "it says nothing of results/study.nc": with_unknown_file,
    "ran at another time than its trials were trained": with_other_time,
    "names other software than its trials were trained with": with_other_software,
    "environment.json: it is not what the trials recorded": with_other_environment,
    "CITATION.cff: its title and its date are not": with_other_citation,
    "the fingerprint is not that of the configuration": with_other_trial,
    NOT_RECORDED: with_other_hash,
    "is of another training than its record": with_other_status,
    "kept no checkpoint of step": without_its_step,
    "checkpoints.nc: class_right of trial": with_other_best,
    "it is not the checkpoint that was saved": with_other_checkpoint,
    "it is not the model that models.json recorded": with_other_model,
    "launch.json: the search objective of": lambda files: with_other_launch(
        files, candidate={"search_objective": 0.0}
    ),
    "launch.json: mean of all trials is not": lambda files: with_other_launch(
        files, candidate={"mean": 0.0}
    ),
    "launch.json: the reruns of all trials are not": lambda files: with_other_launch(
        files, candidate={"rerun_objectives": [0.0, 0.0]}
    ),
    "report.html: it says provisional": lambda files: with_other_launch(files, decision="adopt"),
    "report.html: it lacks what launch.json says: Because.": lambda files: with_other_launch(
        files, reasons=["Because."]
    ),
    "report.html: the numbers of all trials are not": with_other_report,
    "archive.json: it cannot be read": lambda files: {"archive.json": b"[" * 100_000},
    "its format is 99": lambda files: {"archive.json": b'{"format": 99}'},
    "study.nc: it cannot be read": lambda files: {"results/study.nc": b"nothing"},
}


@pytest.mark.parametrize("problem", REHASHED)
def test_what_does_not_follow_is_found_though_its_hashes_are_right(archived, problem, tmp_path):
    files = study_files(archived)
    problems = problems_of(tmp_path / "small.zip", files | REHASHED[problem](files))
    assert any(problem in found for found in problems), problems


def call(arguments, folder, python=sys.executable, **variables):
    """Run Python in a folder as a user with an empty cache does."""
    return subprocess.run(
        [python, *map(str, arguments)],
        cwd=folder,
        env=environment(folder / "cache") | variables,
        capture_output=True,
        text=True,
        check=False,
    )


UNREACHABLE = re.compile(
    r"Retry\(total=0.*^ERROR: No matching distribution found|^ERROR: .*Max retries exceeded",
    re.MULTILINE | re.DOTALL,
)
"""What pip says that tried to reach a package index as often as it may, and could not."""


PACKAGES = {Path(place).resolve() for place in site.getsitepackages()}
"""Where the packages of the tests lie."""


def install(lock, folder):
    """Return the Python of a new environment that has what a lock file lists, and no more."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--require-hashes"]
    for listed in (CHECKOUT / "envs" / "pip.lock", lock):
        done = subprocess.run(
            [python, "-m", "pip", "install", *options, "-r", listed],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        if UNREACHABLE.search(done.stderr):
            pytest.skip(f"no package index within reach: {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
    return python


def test_its_own_code_and_packages_train_three_trials_to_the_same_bits(archived, tmp_path):
    """In an empty folder, and an environment of the archive's own lock file."""
    unpack(archived.path, tmp_path / "unpacked")
    code = tmp_path / "unpacked" / "small" / "data" / "code"
    (tmp_path / "empty").mkdir()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder).resolve() / "fresh"
        python = install(code / "requirements.lock", fresh)
        own = {"python": python, "PYTHONPATH": str(code / "src")}
        imported = "import jax, sys, tuning_playbook as ours; print(jax.__file__, ours.__file__)"
        places = call(["-c", f"{imported}; print(*sys.path)"], tmp_path / "empty", **own)
        command = ["reproduce", archived.path, "--trial", "1", "--sample", "2"]
        done = call(["-m", "tuning_playbook", *command], tmp_path / "empty", **own)
    jax, ours, *searched = places.stdout.split()
    assert Path(jax).is_relative_to(fresh)
    assert Path(ours).is_relative_to(code)
    assert not {Path(place).resolve() for place in searched} & PACKAGES
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("environment: as recorded")
    assert len([line for line in lines if "the same bits" in line]) == 4
    assert lines[-1] == "3 of 3 gave the same bits"


def with_record(files, trial_id, **changes):
    name = f"results/trials/{trial_id}/trial.json"
    record = json.loads(files[name])
    for part, values in changes.items():
        record[part] |= values
    return files | {name: trial_json(record).encode()}


def test_other_bits_are_told_beside_the_trial_variance_and_the_facts_that_differ(
    archived, tmp_path, capsys
):
    files = study_files(archived)
    (pack,) = (name for name in files if name.startswith("results/packs/"))
    path = tmp_path / "pack.nc"
    path.write_bytes(files[pack])
    trial, *_ = read_pack(path)
    with netCDF4.Dataset(path, "a") as file:
        file["metrics"][0] = file["metrics"][1]
    versions = {"jax": "0.10.2", "jaxlib": "0.0.1"}
    told = {"provenance": {"versions": versions}}
    files = with_record(files | {pack: path.read_bytes()}, trial, **told)
    problems_of(tmp_path / "small.zip", files)
    assert main(["reproduce", str(tmp_path / "small.zip"), "--trial", trial]) == 1
    first, told, last, decided = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"environment: jaxlib: 0.0.1 in the archive, [0-9.]+ here", first)
    assert told.startswith(f"{trial}: other bits in ")
    assert "validation/error_rate" in told
    assert re.search(r"standard deviations of 2 reruns of all trials \([0-9.e-]+\)", told)
    assert told.endswith(first.removeprefix("environment: "))
    assert last == "0 of 1 gave the same bits"
    assert decided.startswith("the decision survives: with this trial in place of")


WRONG_REQUESTS = {
    "the archive has no trial '99'": ["--trial", "99"],
    "name a trial with --trial": [],
    "the engine here and of the archive are not the same": ["--trial", "0"],
}


@pytest.mark.parametrize("message", WRONG_REQUESTS)
def test_what_cannot_be_trained_again_is_told_in_one_line(archived, message, tmp_path, capsys):
    files = study_files(archived)
    if "not the same" in message:
        for name in [name.split("/")[2] for name in files if name.endswith("trial.json")]:
            record = json.loads(files[f"results/trials/{name}/trial.json"])["trial"]
            other = {"versions": record["versions"] | {"engine": "other"}}
            files = with_record(files, name, trial=other)
    problems_of(tmp_path / "small.zip", files)
    assert main(["reproduce", str(tmp_path / "small.zip"), *WRONG_REQUESTS[message]]) == 1
    told = capsys.readouterr().err
    assert told.startswith("ArchiveError: ")
    assert message in told


DOCUMENT = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()


def test_the_ten_lines_of_the_documentation_read_it_with_xarray_alone(archived, tmp_path):
    (lines,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(lines.splitlines()) == 10
    shutil.copyfile(archived.path, tmp_path / "small.zip")
    alone = "import sys; assert not any(name.startswith('tuning_playbook') for name in sys.modules)"
    done = call(["-c", lines.replace("optimizer_choice", "small") + alone], tmp_path)
    assert done.returncode == 0, done.stderr
    launch = json.loads(archived.files["small/data/results/launch.json"])["candidate"]
    first = done.stdout.splitlines()[0].split()
    assert first[0] == launch["trial"]
    assert float(first[-1]) == launch["search_objective"]


IMPORTED = {
    "goal": "What did the archived study find?",
    "workload": "digits_mlp",
    "objective": {"metric": "validation/error_rate", "mode": "min"},
    "source": {"format": "archive", "path": "small.zip"},
}


@pytest.fixture
def beside(archived, tmp_path, monkeypatch):
    """A folder with the archive, for specs that import it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(archived.project.cache))
    shutil.copyfile(archived.path, tmp_path / "small.zip")
    return tmp_path


def write_import(folder, changes=None):
    return write_spec(folder / "imported.yaml", changed(changes or {}, IMPORTED))


@pytest.mark.parametrize("name", ["study", "reruns"])
def test_a_study_of_an_archive_has_every_number_of_the_archived_one(archived, beside, name):
    imported = getattr(datasets(write_import(beside)), name)
    write_dataset(beside / "imported.nc", imported)
    (beside / "archived.nc").write_bytes(archived.files[f"small/data/results/{name}.nc"])
    with (
        xr.open_dataset(beside / "imported.nc") as told,
        xr.open_dataset(beside / "archived.nc") as known,
    ):
        told.load()
        xr.testing.assert_equal(told.drop_vars("source_trial"), known)
        for variable in known.data_vars:
            assert told[variable].attrs == known[variable].attrs
        assert (
            told.attrs["rerun_seeds" if name == "reruns" else "arms"]
            == (known.attrs["rerun_seeds" if name == "reruns" else "arms"])
        )


def test_what_was_measured_of_the_best_checkpoints_comes_with_it_and_they_do_not(archived, beside):
    imported = datasets(write_import(beside))
    told = imported_checkpoints(imported.plan, imported.study)
    other = imported.study.assign(best_steps=imported.study["best_steps"] + 1)
    assert set(imported_checkpoints(imported.plan, other)) == {"kept"}
    (beside / "archived.nc").write_bytes(archived.files["small/data/results/checkpoints.nc"])
    with xr.open_dataset(beside / "archived.nc") as known:
        assert known["kept"].to_numpy().all()
        assert not told["kept"].to_numpy().any()
        for name in ("class_right", "class_examples"):
            assert known[name].to_numpy().any()
            assert told[name].to_numpy().tolist() == known[name].to_numpy().tolist()


def test_a_study_of_an_archive_tells_what_its_trials_took_and_on_what(archived, beside):
    imported = datasets(write_import(beside))
    (beside / "archived.nc").write_bytes(archived.files["small/data/results/resources.nc"])
    with xr.open_dataset(beside / "archived.nc") as known:
        told = resources_dataset(imported.plan.study, known["trial"].to_numpy())
        assert set(told["host"].to_numpy()) == {""}  # an archive withholds it
        xr.testing.assert_equal(told.drop_vars("host"), known.load())
        for variable in known.data_vars:
            assert told[variable].attrs == known[variable].attrs


def test_a_study_may_be_about_some_of_the_trials_with_their_reruns(archived, beside):
    whole = datasets(write_import(beside))
    (rerun,) = set(whole.reruns["rerun_of"].to_numpy().tolist())
    other = next(trial for trial in whole.study["trial"].to_numpy() if trial != rerun)
    some = datasets(write_import(beside, {"source.only": [str(rerun), str(other)]}))
    assert set(some.study["trial"].to_numpy()) == {rerun, other}
    assert some.reruns["trial"].to_numpy().tolist() == whole.reruns["trial"].to_numpy().tolist()


def test_a_study_of_an_archive_may_give_its_own_arms(archived, beside):
    rates = datasets(write_import(beside)).study["hp_learning_rate"].to_numpy().tolist()
    regrouped = datasets(write_import(beside, {"scientific": {"learning_rate": rates}}))
    assert len(regrouped.plan.study.arms) == len(rates) == 4
    assert regrouped.study["hp_learning_rate"].attrs["role"] == "scientific"


def test_a_study_of_an_archive_that_was_itself_imported_needs_the_source_of_that_one(
    archived, beside, capsys, monkeypatch
):
    """Such an archive is stood in for by one that says so, though its other files do not."""
    files = study_files(archived)
    about = json.loads(files["archive.json"]) | {"trained": False}
    archive = beside / "small.zip"
    changed = files | {"archive.json": json.dumps(about).encode()}
    assert problems_of(archive, changed) == ("archive.json: 'trained' is not what its files say",)
    whole = Verified(len(files), 4, ())
    monkeypatch.setattr(read_trials, "verify", lambda archive, trials_only: whole)
    with pytest.raises(ArchiveError, match="its study read its trials from a source; give that"):
        read_trials.finished_study(archive)
    assert main(["reproduce", str(archive), "--trial", "0"]) == 1
    assert "its trials were read from a source, which alone" in capsys.readouterr().err


def cut_off(folder):
    archive = folder / "small.zip"
    archive.write_bytes(archive.read_bytes()[:-1000])


def forge(folder):
    """An archive whose hashes are right, and whose dataset is not what its packs say."""
    unpack(folder / "small.zip", folder / "forged")
    data = folder / "forged" / "small" / "data"
    found = [path for path in data.rglob("*") if path.is_file()]
    files = {path.relative_to(data).as_posix(): path.read_bytes() for path in found}
    name = "results/study.nc"
    files[name] = edit_netcdf(files[name], "objective", 0.001, folder)
    bag = make_bag(files)
    write_zip(folder / "small.zip", {f"small/{name}": content for name, content in bag.items()})


def remove(folder):
    (folder / "small.zip").unlink()


WRONG_IMPORTS = {
    "small.zip: there is no such archive": ({}, remove),
    "it does not end as an archive does": ({}, cut_off),
    "study.nc: objective does not follow from the packs": ({}, forge),
    "workload: the source holds trials of the workload 'digits_mlp'": ({"workload": "other"}, None),
    "no trial has a metric 'validation/eror_rate'; did you mean 'validation/error_rate'?": (
        {"objective.metric": "validation/eror_rate"},
        None,
    ),
    "source.only[0]: no trial is named 'none'": ({"source.only": ["none"]}, None),
    "baseline: no trial is named 'none'": ({"baseline": "none"}, None),
    "nuisance.learning_rate: trial": ({"nuisance": {"learning_rate": {"uniform": [5, 6]}}}, None),
}


@pytest.mark.parametrize("message", WRONG_IMPORTS)
def test_what_cannot_be_imported_gets_one_message(archived, beside, message, capsys):
    changes, spoil = WRONG_IMPORTS[message]
    if spoil:
        spoil(beside)
    assert main(["check", str(write_import(beside, changes))]) == 1
    lines = capsys.readouterr().err.splitlines()
    (told,) = [line for line in lines if not line.startswith("waiting for ")]
    assert re.match(r"(SourceError|SpecError): ", told)
    assert message in told
    assert str(beside) in told


@pytest.fixture(scope="session")
def built_on(archived):
    """A study that takes its best value and its baseline from one of an archive; its trials."""
    project = archived.project
    folder = project.root / "config" / "studies"
    shutil.copyfile(archived.path, folder / "small.zip")
    write_import(folder)
    best = {"from": "imported", "of": "best"}
    taken = {"fixed.learning_rate": best, "baseline": {"from": "imported"}, "nuisance": {}}
    search = {"search": {"algorithm": "grid", "points": 2}, "scientific": {"width": [8, 16]}}
    project.write_study("second", IN_ONE_JOB | taken | search | {"fixed.width": REMOVED})
    run = project.snakemake("study_dataset", study="second")
    again = project.plan("study_dataset", study="second")
    return SimpleNamespace(project=project, run=run, again=again)


def test_a_next_study_builds_on_one_of_an_archive_that_nothing_was_trained_for(built_on, archived):
    project = built_on.project
    assert built_on.run.rules["import_trials"] == 1
    assert len(built_on.run.trained("second")) == 2
    assert built_on.again.nothing_to_do
    assert not (project.results / "imported" / "trials").exists()
    candidate = json.loads(archived.files["small/data/results/launch.json"])["candidate"]
    settled = YAML(typ="safe").load(project.results / "second" / "settled.yaml")
    origins = settled["settled"]["taken"]
    assert {origin["trial"] for origin in origins} == {candidate["trial"]}
    with xr.open_dataset(project.results / "second" / "study.nc") as second:
        rates = set(second["hp_learning_rate"].to_numpy().tolist())
    assert rates == {settled["fixed"]["learning_rate"]}


@pytest.mark.parametrize(
    ("study", "rules"),
    [
        ("imported", {"import_trials"}),
        ("second", {"settle_study", "train_pack", "collect_study"}),
    ],
)
def test_which_job_made_what_is_told_of_such_studies_too(built_on, study, rules, monkeypatch):
    project = built_on.project
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.cache))
    spec, results = Path(f"config/studies/{study}.yaml"), Path("results") / study
    settled = results / "settled.yaml"
    plan = plan_study(settled if settled.exists() else spec)
    jobs = itertools.takewhile(lambda job: job.rule in rules, jobs_of(plan, results))
    told = {(job.rule, tuple(sorted(job.made)), tuple(sorted(job.of))) for job in jobs}
    # What an earlier study made is no file of this one.
    recorded = {
        (rule, made, tuple(name for name in of if not name.startswith("results/")))
        for rule, made, of in recorded_jobs(project, study)
    }
    assert {rule for rule, *_ in told} == rules
    assert told == recorded
