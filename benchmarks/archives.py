"""Archives of trained studies: what they weigh, how long making and checking one takes."""

import csv
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.process import ROOT, measure
from benchmarks.studies import write_study
from benchmarks.table import Bar, Figure

STUDIES: Mapping[int, tuple[Mapping[str, int], tuple[str, ...]]] = {
    32: ({"max_train_steps": 2000, "eval_every": 100}, ("best", "none", "all")),
    # A tenth of the steps, and a tenth as many between evaluations: so every file is as large.
    1_000: ({"max_train_steps": 200, "eval_every": 10}, ("none", "all")),
}
"""Of each size the training settings, and whose checkpoints the archives hold."""

DEFAULT = (32, "best")
MEGABYTES, SECONDS = 20.0, 30.0
"""What that archive may weigh, and its job take."""


def archive(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Size of the archives of 32 and 1,000 trials, seconds to make and to verify each."""
    cache = folder / "cache"
    for trials, (training, kinds) in STUDIES.items():
        if quick and trials > DEFAULT[0]:
            continue
        work = folder / str(trials)
        work.mkdir()
        (work / "config").symlink_to(ROOT / "config")
        spec = write_study(
            work / f"archived_{trials}.yaml",
            trials=trials // 2,
            resources={"trials_per_job": min(trials // 2, 50)},
            training=training,
        )
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        asked = ["--cores", "2", "--config", f"study={spec}"]
        measure([*snakemake, "report", *asked], cache=cache, cwd=work)
        results = work / "results"
        path = results / "archive" / f"{spec.stem}.zip"
        for kind in kinds:
            measure([*snakemake, "archive", *asked, f"checkpoints={kind}"], cache=cache, cwd=work)
            with (results / spec.stem / "benchmarks/archive_study.tsv").open() as file:
                (job,) = csv.DictReader(file, delimiter="\t")
            with zipfile.ZipFile(path) as made:
                files = len(made.namelist())
            verify = [sys.executable, "-m", "tuning_playbook", "verify", str(path)]
            checked = measure(verify, cache=cache, cwd=work)
            held = (trials, kind) == DEFAULT
            what = f"of {trials:,} trials, checkpoints: {kind}"
            yield Figure(
                f"MB {what}",
                (path.stat().st_size / 1e6,),
                Bar(MEGABYTES) if held else None,
                f"{files:,} files",
            )
            yield Figure(
                f"seconds {what}",
                (float(job["s"]),),
                Bar(SECONDS) if held else None,
                f"verify {checked.wall:.3g} s",
            )
