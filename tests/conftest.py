"""What holds for every test."""

import os

# A linear algebra library starts a thread for each core, and those of tests that run side by side
# wait for one another. Jobs of the workflow have one each anyway, see Snakemake's `threads`.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
