# Only this rule reads the test split, and only where the spec asks for it.


rule evaluate_test_set:
    input:
        study=f"{STUDY}/study.nc",
        launch=f"{STUDY}/launch.json",
        stamp=stamp_of("test"),
    output:
        report(f"{STUDY}/test.json", category="{study}", labels={"artefact": "test set"}),
    log:
        f"{STUDY}/logs/evaluate_test_set.log",
    benchmark:
        f"{STUDY}/benchmarks/evaluate_test_set.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **LIMITS,
        gpu=job_resource("gpus"),
        devices=job_resource("devices"),
    params:
        spec=spec,
        key=key_of("test"),
        folder=files("folder"),
    message:
        "{wildcards.study}: read the test set once"
    script:
        "../scripts/evaluate_test_set.py"
