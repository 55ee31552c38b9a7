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
    localrule: True
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
        replicates=if_asked_for("replicates"),
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
    localrule: True
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
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: every rerun"
    script:
        "../scripts/plot_reruns.py"


rule plot_gradient_norms:
    input:
        study=f"{STUDY}/study.nc",
        stamp=current("plots"),
    output:
        report(
            f"{STUDY}/plots/gradient_norms.svg",
            category="{study}",
            labels={"plot": "gradient norms"},
        ),
    log:
        f"{STUDY}/logs/plot/gradient_norms.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/gradient_norms.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: gradient norms of the best trials"
    script:
        "../scripts/plot_gradient_norms.py"


rule plot_best_of:
    input:
        study=f"{STUDY}/study.nc",
        stamp=current("plots"),
    output:
        report(
            f"{STUDY}/plots/best_of.svg",
            category="{study}",
            labels={"plot": "best of so many trials"},
        ),
    log:
        f"{STUDY}/logs/plot/best_of.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/best_of.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: best of so many trials"
    script:
        "../scripts/plot_best_of.py"


rule plot_importance:
    input:
        diagnostics=f"{STUDY}/diagnostics.json",
        stamp=current("plots"),
    output:
        report(
            f"{STUDY}/plots/importance.svg",
            category="{study}",
            labels={"plot": "importance"},
        ),
    log:
        f"{STUDY}/logs/plot/importance.log",
    benchmark:
        f"{STUDY}/benchmarks/plot/importance.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "{wildcards.study}: importance of the hyperparameters"
    script:
        "../scripts/plot_importance.py"
