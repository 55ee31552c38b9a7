rule train_pack:
    input:
        settled if TAKEN_FROM_EARLIER else [],
    output:
        f"{STUDY}/packs/{{pack}}.nc",
    log:
        f"{STUDY}/logs/train/{{pack}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{pack}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        request=pack_request,
    message:
        "{wildcards.study}: train pack {wildcards.pack}"
    script:
        "../scripts/train_pack.py"
