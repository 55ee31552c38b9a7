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
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        axis=axis_of,
    message:
        "{wildcards.study}: axis plot of {wildcards.axis}"
    script:
        "../scripts/plot_axis.py"


rule plot_training_curves:
    input:
        study=f"{STUDY}/study.nc",
        stamp=current("plots"),
    output:
        curves=report(
            f"{STUDY}/plots/training_curves.svg",
            category="{study}",
            labels={"plot": "training curves"},
        ),
        loss=report(
            f"{STUDY}/plots/training_loss.svg",
            category="{study}",
            labels={"plot": "training loss"},
        ),
    log:
        f"{STUDY}/logs/plot/training_curves.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/training_curves.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: training curves of all trials"
    script:
        "../scripts/plot_training_curves.py"


rule plot_isolation:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        stamp=current("plots"),
    output:
        report(
            f"{STUDY}/plots/isolation.svg",
            category="{study}",
            labels={"plot": "isolation plot"},
        ),
    log:
        f"{STUDY}/logs/plot/isolation.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/isolation.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: isolation plot"
    script:
        "../scripts/plot_isolation.py"


rule plot_reruns:
    input:
        study=f"{STUDY}/study.nc",
        reruns=f"{STUDY}/reruns.nc",
        stamp=current("plots"),
    output:
        report(
            f"{STUDY}/plots/reruns.svg",
            category="{study}",
            labels={"plot": "trial variance"},
        ),
    log:
        f"{STUDY}/logs/plot/reruns.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/reruns.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: every rerun"
    script:
        "../scripts/plot_reruns.py"
