# Adopting is a separate act: nothing asks for it but its name on the command line.


def launches_asked_for(wildcards):
    return [f"{files_of(study).folder}/launch.json" for study in ASKED_FOR]


def launch_keys(wildcards):
    return [files_of(study).keys["launch"] for study in ASKED_FOR]


rule adopt_baseline:
    """Make the candidate of the study's launch the baseline of its workload."""
    input:
        launches=launches_asked_for,
    log:
        f"{RESULTS}/logs/adopt_baseline.log",
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        specs=[spec_of(study) for study in ASKED_FOR],
        launch_keys=launch_keys,
        force=FORCE,
    message:
        f"adopt the launch of {', '.join(ASKED_FOR)}"
    script:
        "../scripts/adopt_baseline.py"
