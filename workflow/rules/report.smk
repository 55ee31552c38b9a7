rule report_study:
    input:
        study=f"{STUDY}/study.nc",
        checkpoints=f"{STUDY}/checkpoints.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_made("replicates.nc"),
        resources=f"{STUDY}/resources.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        launch=f"{STUDY}/launch.json",
        next_study=if_made("next_study.yaml"),
        set_back=if_made("set_back.json"),
        set_back_trials=if_made("set_back.nc"),
        test=if_made("test.json"),
        final=if_made("final/final.json"),
        plots=files("plots"),
        proposals=files("proposals"),
        stamp=stamp_of("report"),
    output:
        html=report(f"{STUDY}/report.html", category="{study}", labels={"artefact": "report"}),
        summary=f"{STUDY}/summary.json",
    log:
        f"{STUDY}/logs/report_study.log",
    benchmark:
        f"{STUDY}/benchmarks/report_study.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("report"),
        results=lambda wildcards: RESULTS,
    message:
        "{wildcards.study}: write the launch report"
    script:
        "../scripts/report_study.py"


# The pages of all rounds of each workload. The job also writes pages for workloads without a study
# here. Probes are not rounds.
CAMPAIGNS = [
    f"{RESULTS}/{name}"
    for name in dict.fromkeys(
        campaign_file(link.plan.study.workload.name)
        for study, link in CHAIN.items()
        if study not in PROBED
    )
]


rule write_tracking:
    input:
        summaries=all_at_once("summary.json"),
        conclusions=[f"{RESULTS}/{procedure}/conclusion.json" for procedure in CONCLUDED],
        launches=["config/launches.csv"] if Path("config/launches.csv").exists() else [],
    output:
        tracking=report(f"{RESULTS}/tracking.csv", category="all studies"),
        index=f"{RESULTS}/index.html",
        campaigns=CAMPAIGNS,
    log:
        f"{RESULTS}/logs/write_tracking.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_tracking.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        results=lambda wildcards: RESULTS,
    message:
        "track every study in {output.tracking}"
    script:
        "../scripts/write_tracking.py"


# Targets for the command line, for the studies that the configuration asks for.


rule study_dataset:
    """Train the trials of each study, and collect them into its study.nc."""
    input:
        of_all("study.nc"),


rule diagnose:
    """Answer the playbook's checklist for each study, in its diagnostics.json."""
    input:
        of_all("diagnostics.json"),


rule report:
    """Decide on the launch of each study, and write its report.html."""
    input:
        of_all("report.html"),
        [f"{RESULTS}/{procedure}/report.html" for procedure in CONCLUDED],
