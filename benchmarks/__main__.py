"""Measure what the project costs, and print it beside the bars: `python -m benchmarks [NAME ...]`.

The two sides of a ratio are run by turns, and the figure is the median of the ratios: so a machine
that others use too slows both.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import analysis, archives, cluster, packs, workflow, workloads
from benchmarks.process import ROOT
from benchmarks.table import Figure, header, line

BENCHMARKS: dict[str, Callable[..., Iterator[Figure]]] = {
    "pack": packs.pack,
    "study": workflow.study,
    "parse": workflow.parse,
    "dry_run": workflow.dry_run,
    "speed": packs.speed,
    "cache": packs.cache,
    "lanes": packs.lanes,
    "memory": packs.memory,
    "workloads": workloads.workloads,
    "analysis": analysis.analysis,
    "archive": archives.archive,
    "cluster": cluster.cluster,
}


def main() -> None:
    """Run the benchmarks that the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [f"{name}: {function.__doc__}" for name, function in BENCHMARKS.items()]
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))} (known: {', '.join(BENCHMARKS)})")
    print(machine())
    for text in header():
        print(text)
    records = []
    for name in options.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            for figure in BENCHMARKS[name](Path(folder), quick=options.quick):
                print(line(figure), flush=True)
                records.append({"benchmark": name, "median": figure.median, **asdict(figure)})
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "figures": records}, indent=1))


def machine() -> str:
    """Return what the figures were seen on."""
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"commit {commit.stdout.strip() or 'unknown'}, load average {load:.1f}"
    )


if __name__ == "__main__":
    main()
