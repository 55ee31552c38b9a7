"""What a version covers, and what it does not."""

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.wrong_classes import Streams, StreamsUnversioned
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs import versions
from tuning_playbook.jobs.describe_workload import PACKAGE, workload_files
from tuning_playbook.jobs.load_workload import BUILT_IN, load_workload
from tuning_playbook.jobs.versions import (
    code_version,
    data_version,
    known_code_version,
    strip_comments,
    version_of_data,
)
from tuning_playbook.study.apart import ask
from tuning_playbook.workloads.digits_mlp import DigitsMLP

CODE = '''
"""Docstring."""

class A(B): "doc"

def f(x):
    """Another,

    over several rows."""
    return f"""kept

       {x} # no comment END
""" + "# none"  # a comment
'''.replace(" END", "   ")


def version(tmp_path, source):
    (tmp_path / "m.py").write_text(source)
    return code_version([tmp_path / "m.py"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment", "# other words"),
        ("Another,", "Yet another,"),
        ("class A", "\n\n# above\nclass A"),
        (' "doc"', ' "text"'),
    ],
)
def test_words_are_not_code(tmp_path, old, new):
    assert old in CODE
    assert version(tmp_path, CODE.replace(old, new)) == version(tmp_path, CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kept\n\n", "kept\n"),  # a blank row of a string
        ("comment   \n", "comment\n"),  # a space at the end of a row of a string
        ("# none", "# some"),
        ("class A(B)", "class A(C)"),
        ("def f(x)", "def f(x, y)"),
    ],
)
def test_code_is_code(tmp_path, old, new):
    assert old in CODE
    assert version(tmp_path, CODE.replace(old, new)) != version(tmp_path, CODE)


def test_a_version_is_worked_out_once_for_the_same_contents(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, second = tmp_path / "m.py", tmp_path / "n.py"
    first.write_text(CODE)
    second.write_text("x = 1\n")
    files = [first, second]
    known = known_code_version(files)
    assert known == code_version(files)
    with monkeypatch.context() as patched:
        patched.setattr(versions, "strip_comments", None)  # nothing is worked out again
        assert known_code_version(files[::-1]) == known
    for changed, same in (("x = 1  # one\n", True), ("x = 2\n", False)):
        second.write_text(changed)
        assert (known_code_version(files) == known) is same
        assert known_code_version(files) == code_version(files)


def test_a_version_that_was_damaged_in_the_cache_is_worked_out_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "m.py"
    source.write_text(CODE)
    known_code_version([source])
    (kept,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    kept.write_text("0123456789abcdef")
    assert known_code_version([source]) == code_version([source])


def test_a_form_feed_shifts_no_row():
    source = "x = 1\n\x0c\ndef f(y):\n    'doc'\n    return y\n"
    assert strip_comments(source) == "x = 1\ndef f(y):\n    return y"


def test_a_built_in_workload_is_its_module_and_what_that_imports():
    names = {path.name for path in workload_files(DigitsMLP(), "")}
    assert {"digits_mlp.py", "classification.py", "dropout.py"} <= names
    assert not names & {"mnist5k.py", "cifar10.py"}


def test_a_users_workload_is_its_modules_and_what_it_uses_of_ours(tmp_path, monkeypatch):
    (tmp_path / "my_model.py").write_text(
        "import my_layers, some_library\nimport tuning_playbook.workloads.dropout\n"
        "from tuning_playbook.workloads.digits_mlp import DigitsMLP\n"
        "class Mine(DigitsMLP): pass\n"
    )
    (tmp_path / "my_layers.py").write_text("x = 1\n")
    (tmp_path / "unused.py").write_text("")
    library = tmp_path / ".venv/lib/python3/site-packages"
    library.mkdir(parents=True)
    (library / "some_library.py").write_text("")
    monkeypatch.syspath_prepend(library)
    monkeypatch.syspath_prepend(tmp_path)
    workload = load_workload("my_model:Mine", str(tmp_path), "")
    names = {path.name for path in workload_files(workload, str(tmp_path))}
    assert {"my_model.py", "my_layers.py", "dropout.py", "digits_mlp.py"} <= names
    assert not names & {"unused.py", "some_library.py", "__init__.py"}


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("from tuning_playbook.workloads import Conv", {"convolution.py"}),
        ("from tuning_playbook.workloads import DROPOUT, Conv", {"convolution.py", "dropout.py"}),
        ("from tuning_playbook.workloads.convolution import Conv", {"convolution.py"}),
        ("from tuning_playbook import Hyperparameter, InfeasibleConfigurationError", set()),
    ],
)
def test_a_name_that_is_passed_on_is_the_module_that_defines_it(
    tmp_path, monkeypatch, imports, expected
):
    assert files_of_a_model(tmp_path, monkeypatch, imports) == {"model.py"} | expected


def test_all_that_is_passed_on_counts_where_no_name_is_asked_for(tmp_path, monkeypatch):
    names = files_of_a_model(tmp_path, monkeypatch, "import tuning_playbook.workloads")
    assert {"model.py", "__init__.py", "convolution.py", "normalization.py"} <= names
    assert "digits_mlp.py" not in names


def files_of_a_model(tmp_path, monkeypatch, imports):
    """The names of the files that a user's workload with these imports stands in."""
    package = tmp_path / tmp_path.name  # a name of this test alone: Python keeps what it imported
    package.mkdir()
    (package / "model.py").write_text(f"{imports}\n\nclass Model: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    workload = importlib.import_module(f"{package.name}.model").Model()
    return {path.name for path in workload_files(workload, str(tmp_path))}


def test_a_file_of_the_package_decides_numbers_in_the_engine_or_for_the_workloads_that_use_it(
    tmp_path,
):
    """Every file is changed, in a copy; the fingerprints of trials change with the versions."""
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, Path(__file__).parent / "each_file_changed.py", tmp_path]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    changed = {path: set(names) for path, names in json.loads(done.stdout).items()}
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert changed.keys() == files
    for path in files:
        if path.startswith("engine/"):
            expected = {f"engine of {name}" for name in BUILT_IN}
        else:
            expected = {f"workload of {name}" for name in BUILT_IN if path in reached(name)}
        assert changed[path] == expected, path


def reached(name):
    """The files of `workloads/` that a built-in workload reaches, by the names in its imports."""
    files, pending = set(), {BUILT_IN[name].partition(":")[0].rpartition(".")[2]}
    while pending:
        path = PACKAGE / "workloads" / f"{pending.pop()}.py"
        if path not in files:
            files.add(path)
            pending |= set(re.findall(r"from tuning_playbook\.workloads\.(\w+)", path.read_text()))
    return {path.relative_to(PACKAGE).as_posix() for path in files}


def test_a_description_is_the_same_in_another_process_and_names_what_it_was_made_of():
    described = ask("describe_workload", ["digits_mlp"])
    version = described["description"]["versions"]["workload"]
    assert version == code_version(workload_files(DigitsMLP(), ""))
    depends = {Path(name) for name, _, _ in described["depends"]}
    made_by = {"jobs/describe_workload.py", "jobs/versions.py", "study/families.py"}
    assert {PACKAGE / name for name in (*made_by, "engine/program.py")} <= depends


def test_arrays_are_hashed_in_pieces_to_the_hash_of_the_whole(monkeypatch):
    random = np.random.default_rng(0)
    arrays = {
        "rows": random.normal(size=(97, 5, 3)).astype(np.float32),
        "windows": np.lib.stride_tricks.sliding_window_view(np.arange(500, dtype=np.uint8), 40),
        "columns": np.asfortranarray(random.integers(0, 9, (31, 17))),
        "none": np.zeros((0, 4), np.float32),
        "flags": random.random(45) > 0.5,
    }
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"train/{name}:{array.dtype.str}{array.shape}\0".encode())
        state.update(array.tobytes())
    for piece in (1, 7, 100, 10**9):
        monkeypatch.setattr(versions, "PIECE_BYTES", piece)
        assert data_version({"train": arrays}) == state.hexdigest()[:16]


def test_a_view_is_not_copied_whole_to_be_hashed():
    """Windows of a text overlap: as an array of their own they would be 200 MB."""
    windows = np.lib.stride_tricks.sliding_window_view(np.zeros(200_000, np.uint8), 1_000)
    tracemalloc.start()
    data_version({"train": {"text": windows}})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * versions.PIECE_BYTES


def test_what_a_workload_says_of_its_data_stands_for_its_arrays():
    class Told(Streams):
        said = "1"

        def data_version(self):
            return self.said

    told, splits = Told(), Streams().load_data()
    first = version_of_data(told, splits)
    assert version_of_data(told, {}) == first
    told.said = "2"
    assert version_of_data(told, splits) != first
    told.said = 2
    with pytest.raises(WorkloadError, match=r"Told.data_version returns an object of type int"):
        version_of_data(told, splits)


def test_the_files_that_a_stream_is_read_from_decide_its_version(tmp_path):
    class Read(StreamsUnversioned):
        def data_files(self):
            return [tmp_path / "text.txt", tmp_path / "more"]

    def version():
        return version_of_data(Read(), Streams().load_data())

    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "1.txt").write_text("more")
    with pytest.raises(WorkloadError, match="is not known: FileNotFoundError"):
        version()
    (tmp_path / "text.txt").write_text("text")
    before = version()
    os.utime(tmp_path / "text.txt")
    assert version() == before
    (tmp_path / "more" / "1.txt").write_text("less")
    assert version() != before
