rule diagnose_study:
    input:
        study=f"{STUDY}/study.nc",
        checkpoints=f"{STUDY}/checkpoints.nc",
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
    params:
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("diagnostics"),
        folder=study_folder,
    message:
        "{wildcards.study}: answer the playbook's checklist"
    script:
        "../scripts/diagnose_study.py"


rule decide_launch:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_asked_for("replicates"),
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=current("launch"),
    output:
        report(f"{STUDY}/launch.json", category="{study}", labels={"artefact": "launch decision"}),
    log:
        f"{STUDY}/logs/decide_launch.log",
    benchmark:
        f"{STUDY}/benchmarks/decide_launch.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("launch"),
        decide_incomplete=INCOMPLETE == "decide",
    message:
        "{wildcards.study}: adopt, reject or provisional"
    script:
        "../scripts/decide_launch.py"


rule write_next_study:
    input:
        study=f"{STUDY}/study.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=current("next"),
    output:
        report(f"{STUDY}/next_study.yaml", category="{study}", labels={"artefact": "next round"}),
    log:
        f"{STUDY}/logs/write_next_study.log",
    benchmark:
        f"{STUDY}/benchmarks/write_next_study.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        key=key_of("next"),
        earlier=earlier_results,
    message:
        "{wildcards.study}: write the spec of the next round"
    script:
        "../scripts/write_next_study.py"
