rule write_report:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_asked_for("replicates"),
        resources=f"{STUDY}/resources.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        launch=f"{STUDY}/launch.json",
        next_study=if_asked_for("next"),
        test=if_asked_for("test"),
        final=if_asked_for("final"),
        plots=plots,
        proposals=proposals,
        stamp=current("report"),
    output:
        html=report(f"{STUDY}/report.html", category="{study}", labels={"artefact": "report"}),
        summary=f"{STUDY}/summary.json",
    log:
        f"{STUDY}/logs/write_report.log",
    benchmark:
        f"{STUDY}/benchmarks/write_report.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("report"),
        results=results_root,
    message:
        "{wildcards.study}: write the launch report"
    script:
        "../scripts/write_report.py"


rule write_tracking:
    input:
        summaries=[f"{RESULTS}/{study}/summary.json" for study in STUDIES],
        launches=adopted_launches,
    output:
        tracking=report(f"{RESULTS}/tracking.csv", category="all studies"),
        index=f"{RESULTS}/index.html",
    log:
        f"{RESULTS}/logs/write_tracking.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_tracking.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        results=results_root,
    message:
        "track every study in {output.tracking}"
    script:
        "../scripts/write_tracking.py"


# Targets to be named on the command line, for the studies that the configuration asks for.


rule study_dataset:
    input:
        [f"{RESULTS}/{study}/study.nc" for study in STUDIES],


rule diagnose:
    input:
        [f"{RESULTS}/{study}/diagnostics.json" for study in STUDIES],


rule report:
    input:
        [f"{RESULTS}/{study}/report.html" for study in STUDIES],
