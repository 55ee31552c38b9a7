checkpoint take_earlier_results:
    """Say what a study takes from the results of earlier ones.

    Its trials are known from then on: Snakemake plans them anew, so that what is there already is
    kept. Nothing depends on the file itself.
    """
    input:
        studies=earlier_datasets,
        stamp=earlier_stamp,
    output:
        f"{STUDY}/earlier.json",
    log:
        f"{STUDY}/logs/take_earlier_results.log",
    benchmark:
        f"{STUDY}/benchmarks/take_earlier_results.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        key=earlier_key,
    message:
        "{wildcards.study}: take the results of earlier studies"
    script:
        "../scripts/take_earlier_results.py"
