# A stamp is an empty file whose name has a stage's key: the hash of what the stage is to be made from.
# The stage's rules depend on it. It is newer than an artefact made from anything else, so a stale
# artefact is made again even where Snakemake has lost its records. Only the latest stamp is kept.


rule mark_stage:
    output:
        touch(f"{STUDY}/current/{{stage}}-{{key}}"),
    # No conda environment: `find` and `touch` are everywhere.
    log:
        f"{STUDY}/logs/mark/{{stage}}-{{key}}.log",
    benchmark:
        f"{STUDY}/benchmarks/mark/{{stage}}-{{key}}.tsv"
    wildcard_constraints:
        study="|".join([*CHAIN, ROUNDS]),
    localrule: True
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "{wildcards.study}: {wildcards.stage} is to be {wildcards.key}"
    shell:
        'find "$(dirname {output:q})" -name "{wildcards.stage}-*" -delete >{log:q} 2>&1'
