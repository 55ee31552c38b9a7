"""The workflow against a bare script and bare Snakefiles: a whole study, parsing, planning."""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.packs import fresh_cache, train_bare, warm_cache
from benchmarks.process import ROOT, Measured, at_once, measure
from benchmarks.studies import all_trials, pack_request, write_study
from benchmarks.table import Bar, Figure, medians, ratios

TRIVIAL = """\
rule all:
    input:
        "done.txt",


rule make_done:
    output:
        "done.txt",
    shell:
        "touch {output}"
"""

MANY_JOBS = """\
PACKS = [f"packs/{number:010x}.nc" for number in range(10000)]


rule all:
    input:
        PACKS,
        "study.nc",


rule train_pack:
    output:
        "packs/{pack}.nc",
    shell:
        "touch {output}"


rule collect_study:
    input:
        PACKS,
    output:
        "study.nc",
    shell:
        "touch {output}"
"""


def snakemake(
    folder: Path, arguments: Sequence[str], *, cache: Path, snakefile: str | None = None
) -> Measured:
    """Run Snakemake in an empty folder.

    Args:
        folder: Where temporary folders may be made.
        arguments: Of the command line.
        cache: The user's cache folder.
        snakefile: The text of a Snakefile; None for this project's.
    """
    work = Path(tempfile.mkdtemp(dir=folder))
    try:
        path = ROOT / "Snakefile"
        if snakefile is None:
            (work / "config").symlink_to(ROOT / "config")
        else:
            path = work / "Snakefile"
            path.write_text(snakefile)
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(path), "--cores", "2"]
        return measure([*command, *arguments], cache=cache, cwd=work)
    finally:
        shutil.rmtree(work)


def study(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """64 trials, two jobs side by side, from nothing to study.nc, against the bare script."""
    spec = write_study(folder / "sixty_four.yaml", trials=32, resources={"trials_per_job": 32})
    trials = all_trials(spec)
    arguments = ["study_dataset", "--config", f"study={spec}"]
    arms = [pack_request(folder, trials=1, arm=arm) for arm in ("nesterov", "adam")]
    warm = warm_cache(folder, *arms)
    snakemake(folder, ["--list-rules", *arguments[1:]], cache=warm)
    for condition, repetitions in (("warm", 1 if quick else 3), ("cold", 1 if quick else 2)):
        pairs = []
        for _ in range(repetitions):
            caches = [warm if condition == "warm" else fresh_cache(folder) for _ in range(2)]
            ours = snakemake(folder, arguments, cache=caches[0])
            bare, _ = train_bare(trials, caches[1], folder, {})
            pairs.append((ours, bare))
        wall = [(ours.wall, bare.wall) for ours, bare in pairs]
        cpu = [(ours.cpu, bare.cpu) for ours, bare in pairs]
        yield Figure(
            f"snakemake, 64 trials / bare script, {condition} cache",
            ratios(wall),
            Bar(1.1),
            f"{medians(wall, 's')}; CPU time {statistics.median(ratios(cpu)):.3g}",
        )


def parse(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """CPU seconds of the Snakefile of the default study, less those of a trivial one."""
    cache = fresh_cache(folder)
    options = {"--list-rules": "parsing", "-n": "parsing and planning"}
    for option, name in options.items():
        snakemake(folder, [option], cache=cache)
        pairs = [
            (
                snakemake(folder, [option], cache=cache).cpu,
                snakemake(folder, [option], cache=cache, snakefile=TRIVIAL).cpu,
            )
            for _ in range(3 if quick else 7)
        ]
        yield Figure(
            f"CPU seconds that {name} adds ({option})",
            tuple(ours - trivial for ours, trivial in pairs),
            Bar(1.0) if option == "--list-rules" else None,
            medians(pairs, "s"),
        )


def dry_run(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """`snakemake -n` of 10,000 one-trial jobs against a bare Snakefile of as many jobs."""
    spec = write_study(folder / "many.yaml", trials=5000, resources={"trials_per_job": 1})
    cache = fresh_cache(folder)
    snakemake(folder, ["--list-rules"], cache=cache)
    pairs = [
        at_once(
            lambda: snakemake(folder, ["-n", "--config", f"study={spec}"], cache=cache),
            lambda: snakemake(folder, ["-n"], cache=cache, snakefile=MANY_JOBS),
        )
        for _ in range(1 if quick else 5)
    ]
    wall = [(ours.wall, bare.wall) for ours, bare in pairs]
    cpu = [(ours.cpu, bare.cpu) for ours, bare in pairs]
    yield Figure(
        "snakemake -n, 10,000 jobs / bare Snakefile",
        ratios(wall),
        Bar(1.5),
        f"{medians(wall, 's')}; CPU time {statistics.median(ratios(cpu)):.3g}",
    )
