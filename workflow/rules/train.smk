rule train_pack:
    input:
        once_settled if TAKEN_FROM_EARLIER or PROCEDURES else [],
    output:
        f"{STUDY}/packs/{{pack}}.nc",
    log:
        f"{STUDY}/logs/train/{{pack}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{pack}}.tsv"
    # Snakemake looks at it for each job, so it is named only where it is made.
    conda:
        "../../envs/cpu.yaml" if IN_CONDA else None
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        **TRAINING_OPTIONS,
    message:
        "{wildcards.study}: train pack {wildcards.pack}"
    # No script, whose source Snakemake would read for each job. What differs between machines and
    # studies is named, not written out, and Python is no parameter: Snakemake runs a job again when
    # the text of its command or a parameter has become another.
    shell:
        "{PYTHON} -P -m tuning_playbook.jobs.train_pack {output:q} --log {log:q} --threads {threads} {params}"
