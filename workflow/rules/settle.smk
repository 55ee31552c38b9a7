# The trials of a study are known when what it takes from earlier ones is: Snakemake plans them anew from
# then on, so that what is there already is kept. The settled spec is no input of anything.


checkpoint settle_study:
    input:
        studies=lambda wildcards: [
            f"{RESULTS}/{name}/study.nc" for name in STUDIES[wildcards.study].names
        ],
        reruns=lambda wildcards: [
            f"{RESULTS}/{name}/reruns.nc" for name in STUDIES[wildcards.study].variances
        ],
        stamp=lambda wildcards: settled_stamp(wildcards.study),
    output:
        f"{STUDY}/{SETTLED}",
    log:
        f"{STUDY}/logs/settle_study.log",
    benchmark:
        f"{STUDY}/benchmarks/settle_study.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=lambda wildcards: str(STUDIES[wildcards.study].plan.study.path),
        key=lambda wildcards: STUDIES[wildcards.study].key,
    message:
        "{wildcards.study}: take the results of earlier studies"
    script:
        "../scripts/settle_study.py"
