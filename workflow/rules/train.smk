rule train_pack:
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
        mem_mb=job_resource("memory_mb"),
        runtime=job_resource("runtime_minutes"),
        gpu=job_resource("gpus"),
    params:
        request=pack_request,
    message:
        "{wildcards.study}: train pack {wildcards.pack}"
    script:
        "../scripts/train_pack.py"
