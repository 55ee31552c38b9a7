from tuning_playbook.planning.plan import axis_plots
from tuning_playbook.planning.stage_jobs import DIAGNOSTIC_PLOTS, LAUNCH_PLOTS


rule plot_axis:
    input:
        study=f"{STUDY}/study.nc",
        stamp=stamp_of("plots"),
    output:
        report(
            f"{STUDY}/plots/axis_{{axis}}.svg",
            category="{study}",
            labels={"plot": "{axis}"},
        ),
    log:
        f"{STUDY}/logs/plot/axis_{{axis}}.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/axis_{{axis}}.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        axis=of_plan(lambda plan, wildcards: axis_plots(plan.study)[f"axis_{wildcards.axis}"]),
        slices=of_plan(lambda plan, wildcards: plan.study.spec.isolation.slices),
    message:
        "{wildcards.study}: axis plot of {wildcards.axis}"
    script:
        "../scripts/plot_axis.py"


# Plots of the search alone, and plots that need the reruns too. One job draws several, because
# starting Python takes longer than drawing any of them.


rule plot_diagnostics:
    input:
        study=f"{STUDY}/study.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=stamp_of("plots"),
    output:
        **{
            stem: report(f"{STUDY}/plots/{stem}.svg", category="{study}", labels={"plot": name})
            for stem, name in DIAGNOSTIC_PLOTS.items()
        },
    log:
        f"{STUDY}/logs/plot/diagnostics.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/diagnostics.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    message:
        "{wildcards.study}: training curves, gradient norms, best of n trials, importance"
    script:
        "../scripts/plot_diagnostics.py"


rule plot_launch:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_made("replicates.nc"),
        stamp=stamp_of("plots"),
    output:
        **{
            stem: report(f"{STUDY}/plots/{stem}.svg", category="{study}", labels={"plot": name})
            for stem, name in LAUNCH_PLOTS.items()
        },
    log:
        f"{STUDY}/logs/plot/launch.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/launch.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        slices=of_plan(lambda plan, wildcards: plan.study.spec.isolation.slices),
    message:
        "{wildcards.study}: isolation plot, and every rerun"
    script:
        "../scripts/plot_launch.py"
