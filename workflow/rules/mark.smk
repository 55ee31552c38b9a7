# A stage is to be made of what its key says: the name of an empty file that its rules depend on. It is
# newer than an artefact made of anything else, so a stale artefact is made again even where Snakemake
# has forgotten how it came to be. Only the latest is kept: going back to an earlier spec is a change.


rule mark_stage:
    output:
        touch(f"{STUDY}/current/{{stage}}-{{key}}"),
    # It needs no environment: `find` and `touch` are everywhere.
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
