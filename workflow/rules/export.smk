rule export_models:
    input:
        study=f"{STUDY}/study.nc",
        proposals=files("proposals"),
        stamp=stamp_of("models"),
    output:
        f"{STUDY}/models.json",
    log:
        f"{STUDY}/logs/export_models.log",
    benchmark:
        f"{STUDY}/benchmarks/export_models.tsv"
    conda:
        "../../envs/cpu.yaml"
    # A trial that another objective ranked may have to be trained again for its checkpoint.
    threads: job_resource("threads")
    resources:
        **LIMITS,
        gpu=job_resource("gpus"),
        devices=job_resource("devices"),
    params:
        spec=spec,
        key=key_of("models"),
        folder=files("folder"),
    message:
        "{wildcards.study}: export the best checkpoint of each arm"
    script:
        "../scripts/export_models.py"
