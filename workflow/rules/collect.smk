rule collect_study:
    input:
        packs=packs,
        stamp=current("study"),
    output:
        report(f"{STUDY}/study.nc", category="{study}", labels={"artefact": "dataset"}),
    log:
        f"{STUDY}/logs/collect_study.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_study.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        key=key_of("study"),
    message:
        "{wildcards.study}: collect the packs into {output}"
    script:
        "../scripts/collect_study.py"


rule collect_resources:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
    output:
        f"{STUDY}/resources.nc",
    log:
        f"{STUDY}/logs/collect_resources.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_resources.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        folder=study_folder,
    message:
        "{wildcards.study}: collect time, memory and machine of every trial"
    script:
        "../scripts/collect_resources.py"
