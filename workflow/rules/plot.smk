rule plot_axis:
    input:
        study=f"{STUDY}/study.nc",
        stamp=current("plots"),
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
        mem_mb=2000,
        runtime=30,
    params:
        axis=axis_of,
        slices=slices_of,
    message:
        "{wildcards.study}: axis plot of {wildcards.axis}"
    script:
        "../scripts/plot_axis.py"


# What is drawn from the search alone, and what needs the reruns too: a job of each, because starting
# Python with what draws takes longer than to draw any of these.


rule plot_diagnostics:
    input:
        study=f"{STUDY}/study.nc",
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=current("plots"),
    output:
        **plot_files(DIAGNOSTIC_PLOTS),
    log:
        f"{STUDY}/logs/plot/diagnostics.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/diagnostics.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: training curves, gradient norms, best of so many trials, importance"
    script:
        "../scripts/plot_diagnostics.py"


rule plot_launch:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        replicates=if_asked_for("replicates"),
        stamp=current("plots"),
    output:
        **plot_files(LAUNCH_PLOTS),
    log:
        f"{STUDY}/logs/plot/launch.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/launch.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: isolation plot, and every rerun"
    script:
        "../scripts/plot_launch.py"
