# The results decide which trials a round has, but the spec says how many. So the jobs are static: each
# finds its trials in proposal.json and keeps those that are trained already.


rule propose_round:
    input:
        packs=lambda wildcards: files_of(wildcards.study).packs_before(wildcards.round),
        proposals=lambda wildcards: files_of(wildcards.study).proposals_before(wildcards.round),
        stamp=stamp_of("rounds"),
    output:
        f"{STUDY}/rounds/{{round}}/proposal.json",
    log:
        f"{STUDY}/logs/propose/{{round}}.log",
    benchmark:
        f"{STUDY}/benchmarks/propose/{{round}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("rounds"),
    message:
        "{wildcards.study}: propose the trials of the round {wildcards.round}"
    script:
        "../scripts/propose_round.py"


rule train_round:
    input:
        f"{STUDY}/rounds/{{round}}/proposal.json",
    output:
        f"{STUDY}/rounds/{{round}}/{{part}}.nc",
    log:
        f"{STUDY}/logs/train/{{round}}-{{part}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{round}}-{{part}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        part=of_plan(
            lambda plan, wildcards: plan.rounds[wildcards.round].parts[int(wildcards.part)]
        ),
        like=request_without_trials,
        folder=files("folder"),
    message:
        "{wildcards.study}: train part {wildcards.part} of the round {wildcards.round}"
    script:
        "../scripts/train_round.py"
