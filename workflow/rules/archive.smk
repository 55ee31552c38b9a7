# An archive is made only when it is asked for by name.


rule archive_study:
    input:
        artefacts=files("artefacts"),
        proposals=files("proposals"),
    output:
        f"{RESULTS}/archive/{{study}}.zip",
    log:
        f"{STUDY}/logs/archive_study.log",
    benchmark:
        f"{STUDY}/benchmarks/archive_study.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **USUAL,
    params:
        spec=spec,
        key=key_of("report"),
        folder=files("folder"),
        settings=vars(ARCHIVES),
        results=lambda wildcards: RESULTS,
    message:
        "{wildcards.study}: archive the study in {output}"
    script:
        "../scripts/archive_study.py"


rule archive:
    """Write each study into one file that anyone can check, read and train again."""
    input:
        [f"{RESULTS}/archive/{study}.zip" for study in ASKED_FOR if study not in PROCEDURES],
        of_rounds(lambda study: [f"{RESULTS}/archive/{study}.zip"]),
