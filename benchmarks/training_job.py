"""Run the workflow's own script of a training job, as Snakemake would.

python -m benchmarks.training_job STUDY_FOLDER THREADS < request.json
"""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

from benchmarks.process import ROOT

PACK, LOG = "packs/pack.nc", "train.log"


def main(study: Path, threads: int) -> None:
    """Train the pack whose request stands on the standard input."""
    study.mkdir(parents=True, exist_ok=True)
    snakemake = SimpleNamespace(
        params=SimpleNamespace(request=sys.stdin.read()),
        log=[str(study / LOG)],
        output=[str(study / PACK)],
        threads=threads,
        resources=SimpleNamespace(gpu=0, devices=1, nodes=1),
    )
    script = ROOT / "workflow" / "scripts" / "train_pack.py"
    runpy.run_path(str(script), init_globals={"snakemake": snakemake})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
