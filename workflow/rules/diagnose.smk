rule diagnose_study:
    input:
        study=f"{STUDY}/study.nc",
        checkpoints=f"{STUDY}/checkpoints.nc",
        stamp=stamp_of("diagnostics"),
    output:
        report(f"{STUDY}/diagnostics.json", category="{study}", labels={"artefact": "checklist"}),
    log:
        f"{STUDY}/logs/diagnose.log",
    benchmark:
        f"{STUDY}/benchmarks/diagnose.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("diagnostics"),
        folder=files("folder"),
    message:
        "{wildcards.study}: answer the playbook's checklist"
    script:
        "../scripts/diagnose_study.py"


rule decide_launch:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_made("replicates.nc"),
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=stamp_of("launch"),
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
        **USUAL,
    params:
        spec=spec,
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
        launch=f"{STUDY}/launch.json",
        stamp=stamp_of("next"),
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
        **USUAL,
    params:
        spec=spec,
        key=key_of("next"),
    message:
        "{wildcards.study}: write the spec of the next round"
    script:
        "../scripts/write_next_study.py"
