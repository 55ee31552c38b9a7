# The candidate with one of its changes set back to the baseline. The results decide what it changes;
# the spec says how often each change is trained. So each job trains every change once.


rule choose_set_back:
    input:
        launch=f"{STUDY}/launch.json",
        stamp=stamp_of("set_back"),
    output:
        f"{STUDY}/set_back/choice.json",
    log:
        f"{STUDY}/logs/choose_set_back.log",
    benchmark:
        f"{STUDY}/benchmarks/choose_set_back.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("set_back"),
        folder=files("folder"),
    message:
        "{wildcards.study}: list the changes of the candidate"
    script:
        "../scripts/choose_set_back.py"


rule train_set_back:
    input:
        f"{STUDY}/set_back/choice.json",
    output:
        f"{STUDY}/set_back/{{part}}.nc",
    log:
        f"{STUDY}/logs/set_back/{{part}}.log",
    benchmark:
        f"{STUDY}/benchmarks/set_back/{{part}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        like=request_without_trials,
        folder=files("folder"),
    message:
        "{wildcards.study}: train the candidate with each of its changes set back"
    script:
        "../scripts/train_set_back.py"


rule compare_set_back:
    input:
        packs=files("set_back_packs"),
        choice=f"{STUDY}/set_back/choice.json",
        launch=f"{STUDY}/launch.json",
    output:
        dataset=f"{STUDY}/set_back.nc",
        told=report(
            f"{STUDY}/set_back.json", category="{study}", labels={"artefact": "what mattered"}
        ),
    log:
        f"{STUDY}/logs/compare_set_back.log",
    benchmark:
        f"{STUDY}/benchmarks/compare_set_back.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("set_back"),
    message:
        "{wildcards.study}: show which of the candidate's changes mattered"
    script:
        "../scripts/compare_set_back.py"
