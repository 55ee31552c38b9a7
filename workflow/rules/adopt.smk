# Adopting is a separate act: nothing asks for it but its name on the command line.


rule adopt_baseline:
    input:
        launches=launches_asked_for,
    log:
        f"{RESULTS}/logs/adopt_baseline.log",
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        specs={study: str(STUDIES[study].plan.study.path) for study in ASKED_FOR},
        earlier={study: earlier_file(study) for study in ASKED_FOR},
        launch_keys=launch_keys,
        force=FORCE,
    message:
        "adopt the launch of {params.specs}"
    script:
        "../scripts/adopt_baseline.py"
