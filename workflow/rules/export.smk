rule export_models:
    input:
        study=f"{STUDY}/study.nc",
        proposals=proposals,
        stamp=current("models"),
    output:
        f"{STUDY}/models.json",
    log:
        f"{STUDY}/logs/export_models.log",
    benchmark:
        f"{STUDY}/benchmarks/export_models.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **MEMORY,
        runtime=30,
    params:
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("models"),
        folder=study_folder,
    message:
        "{wildcards.study}: export the best checkpoint of each arm"
    script:
        "../scripts/export_models.py"
