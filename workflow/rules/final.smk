rule train_final:
    input:
        study=f"{STUDY}/study.nc",
        launch=f"{STUDY}/launch.json",
        stamp=current("final"),
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
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("final"),
        folder=study_folder,
    message:
        "{wildcards.study}: train the candidate on training and validation data together"
    script:
        "../scripts/train_final.py"
