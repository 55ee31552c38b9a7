# Adopting is a separate act: nothing asks for it but its name on the command line.


def launches_to_adopt(wildcards):
    """The launch decisions of the studies that the configuration asks for; a procedure has none."""
    for name in ASKED_FOR:
        if name in PROCEDURES:
            raise WorkflowError(
                f"{name} is a procedure, so there is no launch of it to adopt: copy "
                f"{RESULTS}/{name}/next_study.yaml to config/studies, carry that study out and "
                "adopt its launch"
            )
    return [f"{files_of(study).folder}/launch.json" for study in ASKED_FOR]


rule adopt_baseline:
    """Make the candidate of the study's launch the baseline of its workload."""
    input:
        launches=launches_to_adopt,
    log:
        f"{RESULTS}/logs/adopt_baseline.log",
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        specs=[spec_of(study) for study in ASKED_FOR],
        launch_keys=lambda wildcards: [files_of(study).keys["launch"] for study in ASKED_FOR],
        force=FORCE,
    message:
        f"adopt the launch of {', '.join(ASKED_FOR)}"
    script:
        "../scripts/adopt_baseline.py"
