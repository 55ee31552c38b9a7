"""What a workload prints, starts or warns of breaks nothing, and is in the log."""

import logging
import subprocess
import sys

import pytest

from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.job import logged
from tuning_playbook.study.apart import ask

NOISY = """
import os, subprocess, sys, warnings
from tests.jobs.wrong_classes import Right as Imported

print("printed on import")

class Right(Imported):
    '''One that is right, and says much.'''

    def load_data(self):
        print('{"answer": "wrong"}')
        os.write(1, b"written below Python\\n")
        subprocess.run(["echo", "by another program"])
        warnings.warn("of a workload")
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        return super().load_data()

class Forks(Imported):
    '''One whose child comes back.'''

    def load_data(self):
        self.child = os.fork()
        return super().load_data()

class Unseeded(Imported):
    def load_data(self):
        import numpy as np
        splits = super().load_data()
        splits["train"]["x"] += np.random.default_rng().normal()
        return splits

class Leaves(Imported):
    def load_data(self):
        sys.exit("no data today")

class Vanishes(Imported):
    def load_data(self):
        print("before the end", flush=True)
        os._exit(7)

class Lingers(Imported):
    '''One that leaves a process behind.'''

    def load_data(self):
        self.left = subprocess.Popen(["sleep", "600"])
        open(os.environ["LEFT"], "w").write(str(self.left.pid))
        return super().load_data()
"""


@pytest.fixture
def described(tmp_path, monkeypatch):
    (tmp_path / "noisy_class.py").write_text(NOISY)
    monkeypatch.setenv("LEFT", str(tmp_path / "left"))

    def described(kind):
        return ask("describe_workload", [f"noisy_class:{kind}", str(tmp_path)])["description"]

    return described


def test_a_workload_that_prints_forks_and_warns_is_described(described):
    assert described("Right")["description"] == "One that is right, and says much."


def test_a_child_that_comes_back_answers_nothing(described):
    assert described("Forks")["examples"] == {"train": 90, "validation": 35}


def test_a_process_that_is_left_behind_is_not_waited_for(described, tmp_path):
    assert described("Lingers")["description"] == "One that leaves a process behind."
    subprocess.run(["kill", (tmp_path / "left").read_text()], check=True)


def test_data_that_differs_from_call_to_call_is_named_with_both_hashes_and_the_cure(described):
    with pytest.raises(WorkloadError, match=r"Unseeded': load_data .*\(hashes \w+ and \w+\).*seed"):
        described("Unseeded")


def test_a_workload_that_ends_the_process_is_named(described):
    with pytest.raises(WorkloadError, match=r"Leaves.*it called sys.exit\('no data today'\)"):
        described("Leaves")
    with pytest.raises(WorkloadError, match=r"(?s)Vanishes.*exit status 7; .*before the end"):
        described("Vanishes")


def test_the_output_of_a_job_is_in_its_log_and_nowhere_else(tmp_path, capfd):
    log = tmp_path / "job.log"
    with logged(str(log)):
        print("printed")
        print("to stderr", file=sys.stderr)
        subprocess.run(["sh", "-c", "echo by a program; echo and its errors >&2"], check=True)
        logging.getLogger("tuning_playbook").info("a line of the log")
    print("after it")
    text = log.read_text()
    for said in ("printed", "to stderr", "by a program", "and its errors", "a line of the log"):
        assert said in text
    assert capfd.readouterr() == ("after it\n", "")
    logging.getLogger("tuning_playbook").setLevel(logging.NOTSET)


def test_a_job_that_fails_says_its_last_words_outside_of_the_log(tmp_path):
    code = (
        "import warnings\n"
        "from tuning_playbook.jobs.job import logged\n"
        "from tuning_playbook.errors import WorkloadError\n"
        f"with logged({str(tmp_path / 'job.log')!r}):\n"
        "    print('printed')\n"
        "    warnings.warn('a warning')\n"
        "    raise WorkloadError('one line')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "WorkloadError: one line\n"
    assert "UserWarning: a warning" in (tmp_path / "job.log").read_text()
