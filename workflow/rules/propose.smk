# Which trials a round has is a result, but how many is known from the spec: so the jobs are static,
# and each finds its trials in proposal.json and keeps those that are trained already.


def round_of(wildcards):
    return plan_of(wildcards.study).rounds[wildcards.round]


def rounds_before(wildcards):
    return plan_of(wildcards.study).rounds_before(round_of(wildcards))


def packs_before(wildcards):
    """The pack files that a round's proposals follow from."""
    arm, plan = round_of(wildcards).arm, plan_of(wildcards.study)
    names = [pack.file for pack in plan.packs.values() if pack.arm == arm]
    names += [file for item in rounds_before(wildcards) for file in item.files]
    return [f"{RESULTS}/{wildcards.study}/{name}" for name in names]


def proposals_before(wildcards):
    return [f"{RESULTS}/{wildcards.study}/{item.proposal}" for item in rounds_before(wildcards)]


def round_part(wildcards):
    return round_of(wildcards).parts[int(wildcards.part)]


rule propose_round:
    input:
        packs=packs_before,
        proposals=proposals_before,
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
        part=round_part,
        like=request_without_trials,
        folder=STUDY,
    message:
        "{wildcards.study}: train part {wildcards.part} of the round {wildcards.round}"
    script:
        "../scripts/train_round.py"
