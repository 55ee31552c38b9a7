def earlier_datasets(wildcards):
    names = dict.fromkeys(STUDIES[wildcards.study].earlier.values())
    return [f"{RESULTS}/{name}/study.nc" for name in names]


def settled_key(wildcards):
    return STUDIES[wildcards.study].key


def settled_stamp(wildcards):
    return f"{RESULTS}/{wildcards.study}/current/settled-{settled_key(wildcards)}"


checkpoint settle_study:
    # Its trials are known from then on: Snakemake plans them anew, so that what is there already is
    # kept. No rule has the settled spec as an input: what its values change has other stamps.
    input:
        studies=earlier_datasets,
        stamp=settled_stamp,
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
        key=settled_key,
    message:
        "{wildcards.study}: take the results of earlier studies"
    script:
        "../scripts/settle_study.py"
