"""The JSON schema of a study spec, for editors."""

from typing import Any, get_args

from pydantic import TypeAdapter

from tuning_playbook.study.base import Shape
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.procedure_settings import ProcedureSettings, ProcedureSpec
from tuning_playbook.study.references import (
    BaselineReference,
    RangeReference,
    StepTimesReference,
    ValueReference,
    VarianceReference,
)
from tuning_playbook.study.shape import StudySpec

REFERENCES = (
    *(ValueReference, RangeReference, VarianceReference, StepTimesReference),
    BaselineReference,
)
"""The references that a spec may have in place of a value."""


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a study spec (draft 2020-12), for editors."""
    either: TypeAdapter[Any] = TypeAdapter(StudySpec | ImportSpec | ProcedureSpec)
    schema = either.json_schema()
    definitions = schema["$defs"]
    for model in REFERENCES:
        definitions[model.__name__] = model.model_json_schema()
    studies = (definitions["StudySpec"], definitions["ProcedureSpec"])
    for part in (*studies, definitions["Conditional"]):
        values = part["properties"]
        _allow(values["fixed"]["additionalProperties"], ValueReference)
        for listed in values["scientific"]["additionalProperties"]["oneOf"]:
            if "items" in listed:
                _allow(listed["items"], ValueReference)
        ranges = values["nuisance"]
        ranges["additionalProperties"] = {"anyOf": [ranges["additionalProperties"]]}
        _allow(ranges["additionalProperties"], RangeReference)
    for distribution in definitions["DistributionShape"]["properties"].values():
        _allow(distribution["anyOf"][0]["items"], ValueReference)
    listed_trials = definitions["ListSearch"]["properties"]["trials"]["items"]
    _allow(listed_trials["additionalProperties"], ValueReference)
    for settings in get_args(get_args(ProcedureSettings)[0]):
        for key, setting in definitions[settings.__name__]["properties"].items():
            if key != "name":
                _allow(setting, StepTimesReference if key == "step_times" else ValueReference)
    for key in ("batch_size", "max_train_steps"):
        _allow(definitions["Training"]["properties"][key], ValueReference)
    _allow(definitions["Reruns"]["properties"]["variance"], VarianceReference)
    for part in studies:
        _allow(part["properties"]["baseline"], BaselineReference)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _allow(schema: dict[str, Any], reference: type[Shape]) -> None:
    if "anyOf" not in schema:
        about = ("title", "description")
        plain = {key: schema.pop(key) for key in list(schema) if key not in about}
        schema["anyOf"] = [plain]
    schema["anyOf"] = [*schema["anyOf"], {"$ref": f"#/$defs/{reference.__name__}"}]
