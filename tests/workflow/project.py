"""A copy of the project that a test runs Snakemake in, changes and looks at."""

import base64
import functools
import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from tests.specs import changed, write_spec
from tests.workflow import imported
from tests.workflow.reading import load_dataset

CHECKOUT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "src", "config", "profiles", "slurm", "envs", "requirements.lock")
BIN = Path(sys.executable).parent

HANGS = 900
"""Seconds after which nothing is expected to happen any more, on however slow a machine."""

NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


def read_rules():
    """The directives of every rule, by its name."""
    rules = {}
    files = [CHECKOUT / "Snakefile", *(CHECKOUT / "workflow").rglob("Snakefile")]
    for file in [*files, *(CHECKOUT / "workflow").rglob("*.smk")]:
        found = re.findall(
            r"^(?:rule|checkpoint) (\w+):\n((?: .*\n|\n)+)", file.read_text(), re.MULTILINE
        )
        rules |= {name: set(re.findall(r"^ +(\w+):", body, re.MULTILINE)) for name, body in found}
    return rules


RULES = read_rules()

TARGETS = {name for name, directives in RULES.items() if "output" not in directives}
"""Rules that only name files to be made."""


def environment(cache):
    """The environment of a user with an empty cache, in an activated virtual environment."""
    dropped = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "no_proxy", "NO_PROXY")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return kept | NO_NETWORK | {"PATH": path, "XDG_CACHE_HOME": str(cache)}


@dataclass(frozen=True)
class Run:
    """A finished call of Snakemake."""

    results: Path
    started: float
    status: int
    output: str
    error: str

    @property
    def rules(self):
        """How many jobs each rule had; targets are no work and are left out."""
        table = re.search(r"^Job stats:\n.*\n-.*\n((?:\w+ +\d+\n)+)", self.text, re.MULTILINE)
        rows = [line.split() for line in table[1].splitlines()] if table else []
        return {rule: int(count) for rule, count in rows if rule not in {*TARGETS, "total"}}

    @property
    def text(self):
        return self.output + self.error

    @property
    def nothing_to_do(self):
        return "Nothing to be done" in self.text and not self.rules

    def trained(self, study):
        """The searched trials that were trained, as their jobs say and their files bear out."""
        return self._told(study, "train", "to train")

    def kept(self, study):
        """The searched trials that a job found finished."""
        return self._told(study, "train", "kept")

    def retrained(self, study):
        """The reruns that were trained."""
        return self._told(study, "rerun", "to train")

    def _told(self, study, kind, what):
        told = self._read_logs(study, kind, what)
        said = set().union(*(self._read_logs(study, k, "to train") for k in ("train", "rerun")))
        records = (self.results / study / "trials").glob("*/trial.json")
        written = {path.parent.name for path in records if self._is_trained(path)}
        assert said == written, "the jobs' logs and the trials' files disagree"
        return told

    def _read_logs(self, study, kind, what):
        found = []
        for log in (self.results / study / "logs" / kind).glob("*.log"):
            if self._is_new(log):
                count, ids = re.search(rf" {what} (\d+) trials: (.*)", log.read_text()).groups()
                listed = [] if ids == "none" else ids.split()
                assert len(listed) == int(count)
                found += listed
        return only_once(found)

    def _is_trained(self, record):
        """Whether a trial was finished since; where it is packed its record is written again."""
        finished = json.loads(record.read_text())["provenance"]["finished"]  # to the second
        told = datetime.fromisoformat(finished).timestamp()
        return self._is_new(record) and told >= math.floor(self.started)

    def _is_new(self, path):
        return path.stat().st_mtime >= self.started


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    root: Path
    cache: Path

    @property
    def results(self):
        return self.root / "results"

    def write_study(self, name, changes=None, base=None):
        """Write the small spec with changes as the study `name`."""
        return write_spec(self.root / f"config/studies/{name}.yaml", changed(changes or {}, base))

    def append(self, path, text):
        file = self.root / path
        file.write_text(file.read_text() + text)

    def reword(self, path):
        """Change the first docstring and add a comment."""
        file = self.root / path
        words = file.read_text().replace('"""', '"""In other words: ', 1)
        file.write_text(f"{words}\n# The end.\n")

    def command(self, *arguments):
        return [str(BIN / "snakemake"), *map(str, arguments)]

    def start(self, *arguments):
        """Start Snakemake with two cores in a session of its own, as a terminal would."""
        return subprocess.Popen(
            self.command("--cores", 2, *arguments),
            cwd=self.root,
            env=environment(self.cache),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, *arguments, results=None):
        """Call Snakemake, whatever comes of it."""
        return self._call(imported.call, self.command(*arguments), results)

    def shell(self, command):
        """Call what a user types into a shell."""
        return self.call(["bash", "-c", command])

    def call(self, command):
        """Call any command."""
        options = {"capture_output": True, "text": True, "check": False}
        return self._call(functools.partial(subprocess.run, **options), command)

    def _call(self, call, command, results=None):
        started = time.time() - 0.05  # the clock of files is coarser
        done = call(command, cwd=self.root, env=environment(self.cache))
        where = results or self.results
        return Run(where, started, done.returncode, done.stdout, done.stderr)

    def snakemake(self, *targets, study="small", results=None, config=(), dry=False):
        """Make targets of a study, which must succeed."""
        place = [f"results={results}"] if results else []
        mode = ["--dry-run"] if dry else ["--cores", 2]
        settings = [f"study={study}", *place, *config]
        run = self.run(*mode, *targets, "--config", *settings, results=results)
        assert run.status == 0, run.text
        return run

    def plan(self, *targets, **options):
        """What Snakemake would do."""
        return self.snakemake(*targets, dry=True, **options)

    def trials(self, study="small", results=None):
        """The ids of a study's dataset, in its order."""
        dataset = load_dataset((results or self.results) / study / "study.nc")
        return [str(trial) for trial in dataset["trial"].to_numpy()]

    def report(self, study="small"):
        return (self.results / study / "report.html").read_text()


def recorded_jobs(project, study):
    """The rule, the outputs and the inputs of each job of a study, as Snakemake recorded them.

    Files are named from the study's folder of results; stamps are left out.
    """
    records = project.root / ".snakemake" / "metadata"
    outputs = {}
    for path in (path for path in records.rglob("*") if path.is_file()):
        # Long names are parted into folders that begin with @.
        encoded = "".join(part.lstrip("@") for part in path.relative_to(records).parts)
        output = base64.b64decode(encoded).decode()
        if output.startswith(f"results/{study}/") and "/current/" not in output:
            record = json.loads(path.read_text())
            of = tuple(sorted(name for name in record["input"] if "/current/" not in name))
            outputs.setdefault((record["rule"], *record["log"], of), []).append(output)
    return {
        (rule, _within(study, made), _within(study, of)) for (rule, _, of), made in outputs.items()
    }


def _within(study, names):
    return tuple(sorted(name.removeprefix(f"results/{study}/") for name in names))


def copy_checkout(target):
    """Copy what a user clones."""
    target.mkdir(parents=True)
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_symlink():
            (target / part).symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / part)


def restore(source, target):
    """Make a folder the same as another, times of modification included."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def snapshot(folder):
    """The size and the time of modification of every file in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def side_by_side(calls):
    """The results of calls by their names, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        started = {name: pool.submit(call) for name, call in calls.items()}
    return {name: future.result() for name, future in started.items()}


def processes(snakemake):
    """The processes of a call of Snakemake that runs, its own first."""
    own = psutil.Process(snakemake.pid)
    return [own, *own.children(recursive=True)]


def trains_pack(process):
    """Whether a process trains a pack; a shell has the whole command as one argument."""
    return ("-m", "tuning_playbook.jobs.train_pack") in itertools.pairwise(process.cmdline())


def wait_until(condition, *, of=None, pause=0.02):
    """Wait for a condition, asked every `pause` seconds, and return what it gave.

    `of` is the process that is to bring it about: when it has ended there is nothing to wait for.
    """
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline:
        ended = of is not None and of.poll() is not None
        if found := condition():
            return found
        assert not ended, f"{of.args} ended with {of.returncode} before that"
        time.sleep(pause)
    raise AssertionError("what was waited for did not happen")


def only_once(items):
    repeated = [item for item, count in Counter(items).items() if count > 1]
    assert not repeated, f"named by two jobs: {repeated}"
    return set(items)
