# Adopting is a separate act: it happens only when named on the command line.


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
