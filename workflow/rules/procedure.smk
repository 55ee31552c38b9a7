# A procedure is a recipe of several rounds, each an ordinary study. The spec decides the first round;
# the results of the earlier rounds decide each later one, and when there are no more.

from tuning_playbook.procedures.planned import conclusion_key, planning_key
from tuning_playbook.procedures.recipes import recipe_of
from tuning_playbook.study.planned_round import is_end
from tuning_playbook.study.settled import read_settled

PROCEDURE = f"{RESULTS}/{{procedure}}"


def rounds_of(procedure, most=None):
    """The numbers of a procedure's rounds, at most `most`; the caller waits until they are known."""
    numbers = range(1, (most or most_rounds(PROCEDURES[procedure].procedure)) + 1)
    for number in numbers:
        if round_name(procedure, number) in STUDIES:
            continue
        if workflow.is_main_process:
            checkpoints.plan_round.get(procedure=procedure, number=number)
        if is_end(Path(spec_of(round_name(procedure, number)))):
            return range(1, number)
    return numbers


def procedure_of(wildcards):
    """The spec of a procedure, with what it takes from earlier studies; the caller waits for them."""
    if PROCEDURES[wildcards.procedure].earlier and workflow.is_main_process:
        checkpoints.settle_study.get(study=wildcards.procedure)
    return read_settled(Path(spec_of(wildcards.procedure)))


def of_finished(name, numbers):
    """One file of each finished round."""
    return lambda wildcards: [
        f"{RESULTS}/{round_name(wildcards.procedure, number)}/{name}"
        for number in numbers(wildcards)
    ]


def before(wildcards):
    """The rounds before the one that is planned."""
    return range(1, int(wildcards.number))


def all_rounds(wildcards):
    """All rounds of a procedure."""
    return rounds_of(wildcards.procedure)


def launches(numbers):
    """The decisions of the rounds that were compared with a baseline."""
    return lambda wildcards: [
        f"{RESULTS}/{name}/launch.json"
        for name in (round_name(wildcards.procedure, number) for number in numbers(wildcards))
        if plan_of(name).study.baseline is not None
    ]


def reruns(numbers):
    """The reruns of the rounds that have any."""
    return lambda wildcards: [
        f"{RESULTS}/{name}/reruns.nc"
        for name in (round_name(wildcards.procedure, number) for number in numbers(wildcards))
        if plan_of(name).study.spec.reruns.seeds
    ]


def last_acts(name, asked):
    """One file of each round whose spec asks for a last act."""
    return lambda wildcards: [
        f"{RESULTS}/{study}/{name}"
        for study in (round_name(wildcards.procedure, number) for number in all_rounds(wildcards))
        if asked(plan_of(study).study.spec)
    ]


def planning_stamp(wildcards):
    """The stamp that says what the rounds of a procedure are to be planned from."""
    key = planning_key(procedure_of(wildcards))
    return f"{RESULTS}/{wildcards.procedure}/current/planned-{key}"


def conclusion_stamp(wildcards):
    """The stamp that says what the conclusion is to be made from."""
    key = conclusion_key(procedure_of(wildcards))
    return f"{RESULTS}/{wildcards.procedure}/current/concluded-{key}"


def conclusion_plots(wildcards):
    """The plots of the conclusion."""
    recipe = recipe_of(PROCEDURES[wildcards.procedure].procedure)
    return [f"{RESULTS}/{wildcards.procedure}/plots/{name}.svg" for name in recipe.plots]


checkpoint plan_round:
    input:
        studies=of_finished("study.nc", before),
        launches=launches(before),
        reruns=reruns(before),
        stamp=planning_stamp,
    output:
        f"{PROCEDURE}/planned/{{number}}.yaml",
    log:
        f"{PROCEDURE}/logs/plan_round/{{number}}.log",
    benchmark:
        f"{PROCEDURE}/benchmarks/plan_round/{{number}}.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=lambda wildcards: spec_of(wildcards.procedure),
        key=lambda wildcards: planning_key(procedure_of(wildcards)),
        decide_incomplete=INCOMPLETE == "decide",
    message:
        "{wildcards.procedure}: plan round {wildcards.number}"
    script:
        "../scripts/plan_round.py"


rule conclude_procedure:
    input:
        studies=of_finished("study.nc", all_rounds),
        launches=launches(all_rounds),
        reruns=reruns(all_rounds),
        resources=of_finished("resources.nc", all_rounds),
        tests=last_acts("test.json", lambda spec: spec.test.evaluate),
        finals=last_acts("final/final.json", lambda spec: spec.final.fold_validation),
        stamp=conclusion_stamp,
    output:
        conclusion=report(
            f"{PROCEDURE}/conclusion.json",
            category="{procedure}",
            labels={"artefact": "conclusion"},
        ),
        dataset=f"{PROCEDURE}/conclusion.nc",
        next_study=report(
            f"{PROCEDURE}/next_study.yaml",
            category="{procedure}",
            labels={"artefact": "next round"},
        ),
    log:
        f"{PROCEDURE}/logs/conclude_procedure.log",
    benchmark:
        f"{PROCEDURE}/benchmarks/conclude_procedure.tsv"
    wildcard_constraints:
        procedure="|".join(name for name in PROCEDURES if name not in PROBED) or NO_STUDY,
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=lambda wildcards: spec_of(wildcards.procedure),
        key=lambda wildcards: conclusion_key(procedure_of(wildcards)),
        decide_incomplete=INCOMPLETE == "decide",
    message:
        "{wildcards.procedure}: conclude"
    script:
        "../scripts/conclude_procedure.py"


rule plot_conclusion:
    input:
        conclusion=f"{PROCEDURE}/conclusion.json",
        dataset=f"{PROCEDURE}/conclusion.nc",
        stamp=conclusion_stamp,
    output:
        report(f"{PROCEDURE}/plots/{{plot}}.svg", category="{procedure}", labels={"plot": "{plot}"}),
    log:
        f"{PROCEDURE}/logs/plot/{{plot}}.log",
    benchmark:
        f"{PROCEDURE}/benchmarks/plot/{{plot}}.tsv"
    wildcard_constraints:
        plot="[a-z_]+",
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    message:
        "{wildcards.procedure}: plot {wildcards.plot}"
    script:
        "../scripts/plot_conclusion.py"


rule report_procedure:
    input:
        conclusion=f"{PROCEDURE}/conclusion.json",
        dataset=f"{PROCEDURE}/conclusion.nc",
        next_study=f"{PROCEDURE}/next_study.yaml",
        plots=conclusion_plots,
        stamp=conclusion_stamp,
    output:
        report(f"{PROCEDURE}/report.html", category="{procedure}", labels={"artefact": "report"}),
    log:
        f"{PROCEDURE}/logs/report_procedure.log",
    benchmark:
        f"{PROCEDURE}/benchmarks/report_procedure.tsv"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    message:
        "{wildcards.procedure}: write the report"
    script:
        "../scripts/report_procedure.py"
