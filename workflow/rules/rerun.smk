# The results decide which trials are rerun, but the spec says how many and for which arms. So the jobs
# are static: each finds its trials in choice.json and keeps those that are trained already.


rule choose_reruns:
    input:
        study=f"{STUDY}/study.nc",
        proposals=files("proposals"),
        stamp=stamp_of("reruns"),
    output:
        f"{STUDY}/reruns/choice.json",
    log:
        f"{STUDY}/logs/choose_reruns.log",
    benchmark:
        f"{STUDY}/benchmarks/choose_reruns.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("reruns"),
    message:
        "{wildcards.study}: choose the best trial of each arm for its reruns"
    script:
        "../scripts/choose_reruns.py"


rule train_reruns:
    input:
        f"{STUDY}/reruns/choice.json",
    output:
        f"{STUDY}/reruns/{{rerun}}.nc",
    log:
        f"{STUDY}/logs/rerun/{{rerun}}.log",
    benchmark:
        f"{STUDY}/benchmarks/rerun/{{rerun}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        arm=of_plan(lambda plan, wildcards: plan.rerun_packs[wildcards.rerun].arm),
        numbers=of_plan(lambda plan, wildcards: plan.rerun_packs[wildcards.rerun].reruns),
        like=request_without_trials,
        folder=files("folder"),
    message:
        "{wildcards.study}: train the reruns {wildcards.rerun}"
    script:
        "../scripts/train_reruns.py"


rule collect_reruns:
    input:
        packs=files("rerun_packs"),
        choice=f"{STUDY}/reruns/choice.json",
    output:
        report(f"{STUDY}/reruns.nc", category="{study}", labels={"artefact": "trial variance"}),
    log:
        f"{STUDY}/logs/collect_reruns.log",
    benchmark:
        f"{STUDY}/benchmarks/collect_reruns.tsv"
    wildcard_constraints:
        study=TRAINED,
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("reruns"),
    message:
        "{wildcards.study}: collect the reruns into {output}"
    script:
        "../scripts/collect_reruns.py"
