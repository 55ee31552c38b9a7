# An archive is made when it is asked for by name.


rule write_archive:
    input:
        artefacts=artefacts,
        proposals=proposals,
    output:
        f"{RESULTS}/archive/{{study}}.zip",
    log:
        f"{STUDY}/logs/write_archive.log",
    benchmark:
        f"{STUDY}/benchmarks/write_archive.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec_path,
        earlier=earlier_results,
        key=key_of("report"),
        folder=study_folder,
        settings=vars(ARCHIVES),
    message:
        "{wildcards.study}: archive the study in {output}"
    script:
        "../scripts/write_archive.py"


rule archive:
    input:
        [f"{RESULTS}/archive/{study}.zip" for study in ASKED_FOR],
