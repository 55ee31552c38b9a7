rule diagnose_study:
    input:
        study=f"{STUDY}/study.nc",
        stamp=current("diagnostics"),
    output:
        report(f"{STUDY}/diagnostics.json", category="{study}", labels={"artefact": "checklist"}),
    log:
        f"{STUDY}/logs/diagnose.log",
    benchmark:
        f"{STUDY}/benchmarks/diagnose.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: answer the playbook's checklist"
    script:
        "../scripts/diagnose_study.py"


rule decide_launch:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=current("launch"),
    output:
        report(f"{STUDY}/launch.json", category="{study}", labels={"artefact": "launch decision"}),
    log:
        f"{STUDY}/logs/decide_launch.log",
    benchmark:
        f"{STUDY}/benchmarks/decide_launch.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        key=key_of("launch"),
    message:
        "{wildcards.study}: adopt, reject or provisional"
    script:
        "../scripts/decide_launch.py"
