rule collect_study:
    input:
        packs=files("packs"),
        proposals=files("proposals"),
        stamp=stamp_of("study"),
    output:
        study=report(f"{STUDY}/study.nc", category="{study}", labels={"artefact": "dataset"}),
        checkpoints=f"{STUDY}/checkpoints.nc",
    log:
        f"{STUDY}/logs/collect_study.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_study.tsv"
    wildcard_constraints:
        study=TRAINED,
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("study"),
        incomplete=files("left_out_of"),
    message:
        "{wildcards.study}: collect the packs into {output.study}"
    script:
        "../scripts/collect_study.py"


rule collect_replicates:
    input:
        packs=files("replicate_packs"),
        stamp=stamp_of("replicates"),
    output:
        report(f"{STUDY}/replicates.nc", category="{study}", labels={"artefact": "study variance"}),
    log:
        f"{STUDY}/logs/collect_replicates.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_replicates.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("replicates"),
    message:
        "{wildcards.study}: collect the repeats of the search into {output}"
    script:
        "../scripts/collect_replicates.py"


rule collect_resources:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_made("replicates.nc"),
        set_back=if_made("set_back.nc"),
    output:
        f"{STUDY}/resources.nc",
    log:
        f"{STUDY}/logs/collect_resources.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_resources.tsv"
    wildcard_constraints:
        study=TRAINED,
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        folder=files("folder"),
    message:
        "{wildcards.study}: collect time, memory and machine of every trial"
    script:
        "../scripts/collect_resources.py"
