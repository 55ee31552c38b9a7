"""The RO-Crate in an archive: what its files are, and which job made each from what.

Source: RO-Crate Metadata Specification 1.1; Provenance Run Crate 0.5, with the profiles that it
builds on. The workflow is the tool that was run, its rules are its steps, and each job is an action
with its script as the instrument, beside the packages that a training job recorded.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from rocrate.model import ComputationalWorkflow, ComputerLanguage, ContextEntity, Entity
from rocrate.rocrate import ROCrate

import tuning_playbook
from tuning_playbook.archive.described import Described, Record, software, times
from tuning_playbook.archive.provenance import STEPS, Job

NAME = "ro-crate-metadata.json"
README = "README.md"
VERSION = "1.1"
SPECIFICATION = f"https://w3id.org/ro/crate/{VERSION}"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    WORKFLOW_CRATE: "Workflow RO-Crate",
}

WORKFLOW = "code/workflow/Snakefile"
SCRIPTS = "code/workflow/scripts"
PROGRAMS = {"train_pack": "code/src/tuning_playbook/jobs/train_pack.py"}
"""The program of a rule that has no script."""

RESULTS = ("study.nc", "reruns.nc", "diagnostics.json", "launch.json", "report.html")
"""The outputs of the workflow, among everything that its jobs make."""

FORMATS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".diff": "text/x-diff",
    ".html": "text/html",
    ".md": "text/markdown",
    ".json": "application/json",
    ".nc": "application/x-netcdf",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

SNAKEMAKE = "https://snakemake.readthedocs.io"
COMPLETED = "http://schema.org/CompletedActionStatus"


def crate_metadata(
    about: Described,
    names: Sequence[str],
    jobs: Sequence[Job],
    records: Mapping[str, Record],
) -> bytes:
    """Return the content of `ro-crate-metadata.json`; the same arguments give the same bytes.

    For a job that reads no file of the results, the crate names the spec as its input.

    Args:
        about: The description of the whole archive.
        names: The names of the files in the archive; files of the code are described as one folder.
        jobs: The study's jobs; of their files only those in the archive are described.
        records: The trial.json of every trial, by id.
    """
    crate = ROCrate(version=VERSION)
    crate.name = about.title
    crate.description = about.goal
    crate.datePublished = about.published
    crate.license = _license(crate, about.license)
    crate.keywords = "hyperparameter tuning, deep learning, reproducibility"
    crate.root_dataset["author"] = _author(crate, about)
    _add_files(crate, names)
    used = {job.rule for job in jobs}
    tools = {rule: _tool(crate, rule, about) for rule in STEPS if rule in used}
    workflow = _workflow(crate, about, tools)
    run = _run(crate, about, workflow, records)
    actions = [_action(crate, job, tools[job.rule], records) for job in jobs]
    controls = [_control(crate, job) for job in jobs]
    engine = {
        "@type": "SoftwareApplication",
        "name": "Snakemake",
        "softwareVersion": about.snakemake,
        "url": SNAKEMAKE,
    }
    orchestration = {
        "@type": "OrganizeAction",
        "name": "Run Snakemake",
        "instrument": crate.add(ContextEntity(crate, "#snakemake", engine)),
        "object": controls,
        "result": run,
    }
    crate.add(ContextEntity(crate, "#orchestration", orchestration))
    crate.root_dataset["mentions"] = [run, *actions]
    crate.root_dataset["conformsTo"] = [_profile(crate, uri) for uri in PROFILES]
    crate.metadata["conformsTo"] = [{"@id": SPECIFICATION}, {"@id": WORKFLOW_CRATE}]
    content = crate.metadata.generate()
    first = (NAME, "./")
    content["@graph"] = sorted(
        map(_plain, content["@graph"]),
        key=lambda entity: (entity["@id"] not in first, entity["@id"]),
    )
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _profile(crate: ROCrate, uri: str) -> Entity:
    properties = {
        "@type": "CreativeWork",
        "name": PROFILES[uri],
        "version": uri.rpartition("/")[2],
    }
    return crate.add(ContextEntity(crate, uri, properties))


def _author(crate: ROCrate, about: Described) -> Entity:
    nobody = {"@type": "Organization", "name": f"The authors of the study {about.study}"}
    person = {"@type": "Person", "name": about.author}
    return crate.add(ContextEntity(crate, "#author", person if about.author else nobody))


def _license(crate: ROCrate, given: str) -> Entity:
    if not given:
        silence = {
            "@type": "CreativeWork",
            "name": "No licence is stated",
            "description": "Whoever made this archive says nothing of how its results may be used. "
            "The licence of the code is code/LICENSE; archive.json has that of the data.",
        }
        return crate.add(ContextEntity(crate, "#license", silence))
    address = given if "://" in given else f"https://spdx.org/licenses/{given}"
    properties = {
        "@type": "CreativeWork",
        "name": given,
        "description": "The licence of the results; that of the code is code/LICENSE.",
    }
    return crate.add(ContextEntity(crate, address, properties))


def _add_files(crate: ROCrate, names: Sequence[str]) -> None:
    folders: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.parts[0] == "code":
            folders["code"] = "The code that made the study, as it stood"
        elif path.parts[:2] == ("results", "trials"):
            trial = path.parts[2]
            folders[f"results/trials/{trial}"] = f"Configuration and numbers of trial {trial}"
        else:
            properties = {
                "name": name,
                "encodingFormat": FORMATS.get(path.suffix, "application/octet-stream"),
            }
            about = {"about": crate.root_dataset} if name == README else {}
            crate.add_file(dest_path=name, properties=properties | about)
    for name, description in folders.items():
        properties = {"name": name, "description": description}
        crate.add_dataset(dest_path=f"{name}/", properties=properties)


def _tool(crate: ROCrate, rule: str, about: Described) -> Entity:
    properties = {
        "@type": ["File", "SoftwareSourceCode"],
        "name": rule,
        "description": f"What the rule {rule} runs, to {STEPS[rule]}",
        "encodingFormat": FORMATS[".py"],
        "programmingLanguage": _python(crate),
        "version": _version(about),
    }
    path = PROGRAMS.get(rule, f"{SCRIPTS}/{rule}.py")
    return crate.add_file(dest_path=path, properties=properties)


def _version(about: Described) -> str:
    return about.commit or tuning_playbook.__version__


def _python(crate: ROCrate) -> Entity:
    uri = "https://www.python.org"
    properties = {"name": "Python", "url": uri}
    return crate.get(uri) or crate.add(ComputerLanguage(crate, uri, properties))


def _workflow(crate: ROCrate, about: Described, tools: Mapping[str, Entity]) -> Entity:
    properties = {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "The Deep Learning Tuning Playbook as a Snakemake workflow",
        "encodingFormat": "text/plain",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        "version": _version(about),
        "license": "Apache-2.0",
        "hasPart": list(tools.values()),
        "step": [_step(crate, place, *item) for place, item in enumerate(tools.items(), 1)],
    }
    language = crate.add(
        ComputerLanguage(
            crate,
            "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
            {
                "name": "Snakemake",
                "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
                "url": {"@id": SNAKEMAKE},
            },
        )
    )
    workflow = crate.add(ComputationalWorkflow(crate, dest_path=WORKFLOW, properties=properties))
    workflow["programmingLanguage"] = language
    crate.mainEntity = workflow
    return workflow


def _step(crate: ROCrate, place: int, rule: str, tool: Entity) -> Entity:
    properties = {
        "@type": "HowToStep",
        "name": rule,
        "description": f"To {STEPS[rule]}",
        "position": str(place),
        "workExample": tool,
    }
    return crate.add(ContextEntity(crate, f"#step/{rule}", properties))


def _run(
    crate: ROCrate, about: Described, workflow: Entity, records: Mapping[str, Record]
) -> Entity:
    made = [crate.get(f"results/{name}") for name in RESULTS]
    properties = {
        "@type": "CreateAction",
        "name": f"Run of the workflow on the study {about.study}",
        "description": about.goal,
        "actionStatus": COMPLETED,
        "instrument": workflow,
        "object": [crate.get(name) for name in about.spec],
        "result": [item for item in made if item],
        "agent": crate.get("#author"),
        **_times(records.values()),
    }
    return crate.add(ContextEntity(crate, "#run", properties))


def _action(crate: ROCrate, job: Job, tool: Entity, records: Mapping[str, Record]) -> Entity:
    trained = [records[trial] for trial in job.trials if trial in records]
    made = [f"results/{name}" for name in job.made]
    made += [f"results/trials/{trial}/" for trial in job.trials]
    found = [crate.get(name) for name in made]
    of = [item for name in job.of if (item := crate.get(f"results/{name}"))]
    packages = _software(crate, trained)
    properties = {
        "@type": "CreateAction",
        "name": job.name,
        "description": STEPS[job.rule][0].upper() + STEPS[job.rule][1:],
        "actionStatus": COMPLETED,
        "instrument": [tool, *packages] if packages else tool,
        "object": of or crate.get("#run")["object"],
        "result": [item for item in found if item],
        "agent": crate.get("#author"),
        **_times(trained),
    }
    return crate.add(ContextEntity(crate, f"#job/{job.name}", properties))


def _control(crate: ROCrate, job: Job) -> Entity:
    properties = {
        "@type": "ControlAction",
        "name": f"orchestrate {job.name}",
        "instrument": crate.get(f"#step/{job.rule}"),
        "object": crate.get(f"#job/{job.name}"),
    }
    return crate.add(ContextEntity(crate, f"#control/{job.name}", properties))


def _software(crate: ROCrate, trained: Sequence[Record]) -> list[Entity]:
    """Return the packages that trials were trained with, as each trial recorded them."""
    return [
        crate.get(uri)
        or crate.add(
            ContextEntity(
                crate,
                uri,
                {
                    "@type": "SoftwareApplication",
                    "name": name,
                    "softwareVersion": version,
                    "url": uri,
                },
            )
        )
        for uri, (name, version) in software(trained).items()
    ]


def _times(records: Iterable[Record]) -> dict[str, str]:
    found = times(records)
    return {"startTime": found[0], "endTime": found[1]} if found else {}


def _plain(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity with lists of one value replaced by the value, as the format requires."""
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in entity.items()
    }
