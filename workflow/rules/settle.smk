# The trials of a study are known once the results that it takes from earlier studies are. Snakemake
# plans its jobs again then, and keeps what is there. The settled spec is no input of any rule.


checkpoint settle_study:
    input:
        studies=lambda wildcards: [
            f"{RESULTS}/{name}/study.nc"
            for name in CHAIN[wildcards.study].names
            if name not in PROCEDURES
        ],
        conclusions=lambda wildcards: [
            f"{RESULTS}/{name}/conclusion.json"
            for name in CHAIN[wildcards.study].names
            if name in PROCEDURES
        ],
        reruns=lambda wildcards: [
            f"{RESULTS}/{name}/reruns.nc" for name in CHAIN[wildcards.study].variances
        ],
        stamp=lambda wildcards: settled_stamp(wildcards.study),
    output:
        f"{STUDY}/{SETTLED}",
    log:
        f"{STUDY}/logs/settle_study.log",
    benchmark:
        f"{STUDY}/benchmarks/settle_study.tsv"
    wildcard_constraints:
        study="|".join(CHAIN),
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=lambda wildcards: str(CHAIN[wildcards.study].plan.study.path),
        key=lambda wildcards: CHAIN[wildcards.study].key,
    message:
        "{wildcards.study}: take the results of earlier studies"
    script:
        "../scripts/settle_study.py"
