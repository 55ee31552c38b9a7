rule import_trials:
    input:
        study=stamp_of("study"),
        reruns=stamp_of("reruns"),
    output:
        study=report(f"{STUDY}/study.nc", category="{study}", labels={"artefact": "dataset"}),
        reruns=report(
            f"{STUDY}/reruns.nc", category="{study}", labels={"artefact": "trial variance"}
        ),
        checkpoints=f"{STUDY}/checkpoints.nc",
        resources=f"{STUDY}/resources.nc",
    log:
        f"{STUDY}/logs/import_trials.log",
    benchmark:
        f"{STUDY}/benchmarks/import_trials.tsv"
    wildcard_constraints:
        study=IMPORTED,
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("reruns"),
    message:
        "{wildcards.study}: read the imported trials"
    script:
        "../scripts/import_trials.py"
