rule train_pack:
    input:
        once_settled if TAKEN_FROM_EARLIER or PROCEDURES else [],
    output:
        f"{STUDY}/packs/{{pack}}.nc",
    log:
        f"{STUDY}/logs/train/{{pack}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{pack}}.tsv"
    # Snakemake looks at the environment for each job, so it is named only where it is used.
    conda:
        "../../envs/cpu.yaml" if IN_CONDA else None
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        **TRAINING_OPTIONS,
    message:
        "{wildcards.study}: train pack {wildcards.pack}"
    # No script, because Snakemake would read its source for each job. The command names what differs
    # between machines and studies, and Python is no parameter: Snakemake runs a job again when
    # the text of its command or a parameter changes.
    shell:
        "{PYTHON} -P -m tuning_playbook.jobs.train_pack {output:q} --log {log:q} --threads {threads} {params}"
