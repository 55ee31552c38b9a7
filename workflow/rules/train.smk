rule train_pack:
    output:
        f"{STUDY}/packs/{{pack}}.nc",
    log:
        f"{STUDY}/logs/train/{{pack}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{pack}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_threads
    resources:
        mem_mb=job_memory,
        runtime=job_runtime,
        gpu=job_gpus,
    params:
        request=pack_request,
        folder=study_folder,
    message:
        "{wildcards.study}: train pack {wildcards.pack}"
    script:
        "../scripts/train_pack.py"
