# A probe measures a machine at one batch size: the time and the memory of a step. It trains no trial.
# The probes of a procedure run one after the other, because two at once would slow each other down
# and the first that does not fit ends the search.

from tuning_playbook.planning.probes import probe_plan


@functools.cache
def probes_planned(spec, modified):
    return probe_plan(Path(spec))


def probes_of(procedure):
    """The probes of a procedure; the caller waits for what its spec takes from earlier studies."""
    procedure_of(SimpleNamespace(procedure=procedure))
    spec = spec_of(procedure)
    return probes_planned(spec, Path(spec).stat().st_mtime_ns)


def stamp_of_probes(procedure):
    """The stamp that says what the probes are to be made from."""
    return f"{RESULTS}/{procedure}/current/probed-{probes_of(procedure).key}"


def probe_before(wildcards):
    """The probe of the next smaller batch size, if it is probed."""
    half = int(wildcards.batch_size) // 2
    sizes = probes_of(wildcards.study).batch_sizes
    return [f"{RESULTS}/{wildcards.study}/probes/{half}.json"] if half in sizes else []


def all_probes(wildcards):
    """The probes of all batch sizes, the smallest first."""
    sizes = probes_of(wildcards.procedure).batch_sizes
    return [f"{RESULTS}/{wildcards.procedure}/probes/{size}.json" for size in sizes]


rule probe:
    input:
        before=probe_before,
        stamp=lambda wildcards: stamp_of_probes(wildcards.study),
    output:
        f"{STUDY}/probes/{{batch_size}}.json",
    log:
        f"{STUDY}/logs/probe/{{batch_size}}.log",
    benchmark:
        f"{STUDY}/benchmarks/probe/{{batch_size}}.tsv"
    wildcard_constraints:
        batch_size="[0-9]+",
        study="|".join(PROBED),
    conda:
        "../../envs/cpu.yaml"
    threads: job_resource("threads")
    resources:
        **TRAINING_RESOURCES,
    params:
        spec=lambda wildcards: spec_of(wildcards.study),
        key=lambda wildcards: probes_of(wildcards.study).key,
    message:
        "{wildcards.study}: probe batch size {wildcards.batch_size}"
    script:
        "../scripts/probe.py"


rule conclude_probes:
    input:
        probes=all_probes,
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
        f"{PROCEDURE}/logs/conclude_probes.log",
    benchmark:
        f"{PROCEDURE}/benchmarks/conclude_probes.tsv"
    wildcard_constraints:
        procedure="|".join(PROBED),
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=lambda wildcards: spec_of(wildcards.procedure),
        key=lambda wildcards: conclusion_key(procedure_of(wildcards)),
    message:
        "{wildcards.procedure}: conclude"
    script:
        "../scripts/conclude_probes.py"
