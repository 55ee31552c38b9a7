"""What Snakemake knows of a study before a job runs: trials, packs, keys, chains."""
