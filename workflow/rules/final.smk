rule train_final:
    input:
        study=f"{STUDY}/study.nc",
        launch=f"{STUDY}/launch.json",
        stamp=stamp_of("final"),
    output:
        report(f"{STUDY}/final/final.json", category="{study}", labels={"artefact": "final model"}),
    log:
        f"{STUDY}/logs/train_final.log",
    benchmark:
        f"{STUDY}/benchmarks/train_final.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **LIMITS,
        gpu=job_resource("gpus"),
        devices=job_resource("devices"),
    params:
        spec=spec,
        key=key_of("final"),
        folder=files("folder"),
    message:
        "{wildcards.study}: train the candidate on training and validation data together"
    script:
        "../scripts/train_final.py"
