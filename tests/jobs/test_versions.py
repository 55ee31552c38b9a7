"""What a version covers, and what it does not."""

import subprocess
import sys

import pytest

from tuning_playbook.jobs.describe_workload import PACKAGE, engine_files, workload_files
from tuning_playbook.jobs.load_workload import load_workload
from tuning_playbook.jobs.versions import code_version, strip_comments
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


def test_what_builds_programs_is_in_the_version_of_the_engine():
    names = {str(path.relative_to(PACKAGE)) for path in engine_files()}
    assert {"engine/program.py", "engine/optax_factories.py"} <= names


def test_the_description_is_the_same_in_another_process():
    command = [sys.executable, "-m", "tuning_playbook.jobs.describe_workload", "digits_mlp"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert code_version(workload_files(DigitsMLP(), "")) in done.stdout
