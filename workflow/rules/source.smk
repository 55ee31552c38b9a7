rule import_trials:
    input:
        study=current("study"),
        reruns=current("reruns"),
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
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        key=key_of("reruns"),
    message:
        "{wildcards.study}: read the trials that were finished before"
    script:
        "../scripts/import_trials.py"
