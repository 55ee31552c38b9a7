"""The YAML file that describes a command as a workload, and its checks.

    command: [python, train.py, "--lr={learning_rate}", "--seed={seed}", "--out={folder}/log.jsonl"]
    hyperparameters:
      learning_rate: {default: 0.001, low: 0.0, low_open: true, description: step size}
    metrics: {loss: cross entropy, error: share wrong}
    measurements: {file: log.jsonl, step: step, validation/error: val/error}
    files: [train.py, "model/*.py"]

It is read whenever a study is planned, so reading it needs only the file and those that it names.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Metric
from tuning_playbook.errors import SpecError, WorkloadError, nearest
from tuning_playbook.study.base import Shape
from tuning_playbook.study.placeholders import names_in
from tuning_playbook.study.values import Name, Scalar
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.study.yaml import Location, line_of, read_yaml
from tuning_playbook.trials.dataset_names import LOGGED, TAKEN
from tuning_playbook.trials.record import EVALUATED_SPLITS
from tuning_playbook.trials.trial import digest

READER = "command 1"
"""The version of what is recorded of a command. Changing it trains every trial again."""

GIVEN = ("seed", "max_train_steps", "batch_size", "eval_every", "folder")
"""The values besides hyperparameters that an argument may name."""

Number = StrictInt | StrictFloat
Text = Annotated[StrictStr, Field(min_length=1)]


class HyperparameterShape(Shape):
    """A hyperparameter that the command takes."""

    default: Scalar = Field(description="the default value; its type is that of the hyperparameter")
    description: StrictStr = Field("", description="one line for the report")
    low: Number | None = Field(None, description="smallest valid value")
    high: Number | None = Field(None, description="largest valid value")
    low_open: StrictBool = Field(False, description="whether low itself is invalid")
    choices: list[Scalar] = Field(default_factory=list, description="the valid values of a choice")
    off: Number | None = Field(None, description="the value at which the feature is absent")


class MetricShape(Shape):
    """A metric that the command measures."""

    description: StrictStr
    units: StrictStr = ""
    low: Number | None = Field(None, description="smallest value that it can have")
    high: Number | None = Field(None, description="largest value that it can have")


class CommandShape(Shape):
    """The YAML file of a command."""

    description: StrictStr = ""
    command: Annotated[list[StrictStr], Field(min_length=1)]
    hyperparameters: dict[Name, HyperparameterShape] = Field(default_factory=dict)
    metrics: Annotated[dict[Name, StrictStr | MetricShape], Field(min_length=1)]
    measurements: dict[StrictStr, Text]
    files: list[Text] = Field(default_factory=list)
    environment: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    conda: Text | None = None
    timeout_minutes: Annotated[Number, Field(gt=0)] | None = None


@dataclass(frozen=True)
class Command:
    """A command as a workload.

    Attributes:
        path: Its YAML file; the command runs in the folder of this file.
        description: What it is, in words.
        arguments: The program and its arguments, with names of values in braces.
        hyperparameters: The hyperparameters that it takes, by name.
        metrics: The metrics that it measures, by name.
        measurements: The file of its measurements, in a trial's folder.
        step: The column of the training step in that file.
        columns: The columns of metrics and logged values in that file, by our names for them.
        files: The files that decide its numbers, by paths from its folder, sorted.
        environment: Variables of its environment, with names of values in braces.
        conda: The conda environment that it runs in: its name, or its path, which has a slash;
            empty for none.
        timeout_minutes: The time limit after which it is killed; None for no limit.
    """

    path: Path
    description: str
    arguments: tuple[str, ...]
    hyperparameters: Mapping[str, Hyperparameter]
    metrics: Mapping[str, Metric]
    measurements: str
    step: str
    columns: Mapping[str, str]
    files: tuple[str, ...]
    environment: Mapping[str, str]
    conda: str
    timeout_minutes: float | None

    @property
    def names(self) -> frozenset[str]:
        """Return the names of values that its arguments and its environment take."""
        texts = (*self.arguments, *self.environment.values())
        return frozenset(name for text in texts for name in names_in(text))

    def versions(self) -> dict[str, str]:
        """Return the hashes of what decides its trials' numbers, as they are now.

        Every byte of a file counts: a script may read its own comments and docstrings.

        Raises:
            WorkloadError: A file cannot be read.
        """
        folder = self.path.parent
        try:
            hashes = {name: _sha256(folder / name) for name in self.files}
        except OSError as error:
            raise WorkloadError(f"{self.path}: files: {error}") from None
        decisive = [
            list(self.arguments),
            [self.measurements, self.step, dict(self.columns)],
            dict(self.environment),
            self.conda,
            hashes,
        ]
        return {"workload": digest(decisive)[:16], "engine": READER}


def find_command(workload: str, folder: Path) -> Path:
    """Return the YAML file that a spec names: beside the spec, or from the working directory."""
    beside = folder / workload
    return beside if beside.exists() else Path(workload)


def describe_command(workload: str, *, folder: Path, data: str | None) -> WorkloadDescription:
    """Return the description of a command.

    Args:
        workload: Its YAML file, as the spec names it.
        folder: The spec's folder.
        data: What the spec says under `data`.

    Raises:
        WorkloadError: The file is not what it should be; the message names it and the line.
    """
    path = find_command(workload, folder)
    if not path.is_file():
        raise WorkloadError(
            f"there is no file '{workload}', neither beside the spec nor from here; it describes "
            "the command (docs/commands.md)"
        )
    if data is not None:
        raise WorkloadError(
            f"{path}: a command gets no folder of data; take 'data' away, and name the data in "
            "'command'"
        )
    command = read_command(path)
    return WorkloadDescription(
        name=path.name,
        import_from=os.path.relpath(path.parent),
        data_folder="",
        description=command.description or f"The command {' '.join(command.arguments)}",
        hyperparameters=command.hyperparameters,
        metrics=command.metrics,
        splits=EVALUATED_SPLITS,
        optax=None,
        versions=command.versions(),
    )


def read_command(path: Path) -> Command:
    """Return the command that a YAML file describes.

    Raises:
        WorkloadError: It is not what it should be; the message names the file and the line.
    """
    try:
        document, text = read_yaml(path, what="description of a command")
        try:
            shape = CommandShape.model_validate(document)
        except ValidationError as error:
            raise SpecError("\n".join(_told(error, path, text))) from None

        def wrong(location: Location, message: str) -> SpecError:
            return SpecError(_placed(path, text, location, message))

        return _command(path, shape, wrong)
    except SpecError as error:
        raise WorkloadError(str(error)) from None


Wrong = Callable[[Location, str], SpecError]


def _command(path: Path, shape: CommandShape, wrong: Wrong) -> Command:
    metrics = {name: _metric(name, given, wrong) for name, given in shape.metrics.items()}
    columns = _columns(shape, metrics, wrong)
    command = Command(
        path=path,
        description=shape.description,
        arguments=tuple(shape.command),
        hyperparameters={
            name: _hyperparameter(name, given, wrong)
            for name, given in shape.hyperparameters.items()
        },
        metrics=metrics,
        measurements=shape.measurements["file"],
        step=shape.measurements["step"],
        columns=columns,
        files=_files(path.parent, shape.files, wrong),
        environment=dict(shape.environment),
        conda=shape.conda or "",
        timeout_minutes=None if shape.timeout_minutes is None else float(shape.timeout_minutes),
    )
    _check_names(command, shape, wrong)
    return command


def _hyperparameter(name: str, given: HyperparameterShape, wrong: Wrong) -> Hyperparameter:
    here = ("hyperparameters", name)
    if name in GIVEN or name.startswith(ONE_MINUS):
        raise wrong(
            here,
            f"'{name}' cannot name a hyperparameter of a command: "
            + (
                f"every argument may hold {{{name}}} without that"
                if name in GIVEN
                else "one_minus_<name> is how a spec writes one minus <name>"
            ),
        )
    declared = Hyperparameter(
        name=name,
        default=given.default,
        description=given.description or name,
        low=-math.inf if given.low is None else given.low,
        high=math.inf if given.high is None else given.high,
        low_open=given.low_open,
        choices=tuple(given.choices),
        off=given.off,
    )
    try:
        declared.check(given.default)
    except SpecError as error:
        raise wrong((*here, "default"), f"the default is not valid: {error}") from None
    return declared


def _metric(name: str, given: str | MetricShape, wrong: Wrong) -> Metric:
    if name in TAKEN or name.startswith("hp_"):
        raise wrong(
            ("metrics", name), f"the dataset has '{name}' for something else; name the metric anew"
        )
    if isinstance(given, str):
        return Metric(name, given)
    low = -math.inf if given.low is None else given.low
    high = math.inf if given.high is None else given.high
    if not low < high:
        raise wrong(("metrics", name), f"the metric has no values from {low:g} to {high:g}")
    return Metric(name, given.description, given.units, low, high)


def _columns(shape: CommandShape, metrics: Mapping[str, Metric], wrong: Wrong) -> dict[str, str]:
    """Return the columns of what is measured by our names for them, sorted."""
    for key, meaning in (("file", "the file in {folder}"), ("step", "the column of the step")):
        if key not in shape.measurements:
            raise wrong(("measurements",), f"'{key}' is required and missing: {meaning}")
    place = Path(shape.measurements["file"])
    if place.is_absolute() or ".." in place.parts:
        raise wrong(
            ("measurements", "file"),
            f"'{place}' must lie in a trial's own {{folder}}; give its path from there",
        )
    known = [f"{split}/{name}" for split in ("validation", "train") for name in metrics]
    found = {}
    for name, column in shape.measurements.items():
        if name in ("file", "step"):
            continue
        if name.startswith("test/"):
            raise wrong(
                ("measurements", name),
                "the test split is read once, at the end, and no trial measures it; take it away",
            )
        if name not in (*known, *LOGGED):
            raise wrong(
                ("measurements", name),
                f"'{name}' is neither <split>/<metric> nor logged while training"
                f"{nearest(name, (*known, *LOGGED))} (known: {', '.join((*known, *LOGGED))})",
            )
        found[name] = column
    if not any(name in known for name in found):
        raise wrong(("measurements",), f"name the column of a metric, one of {', '.join(known)}")
    return dict(sorted(found.items()))


def _files(folder: Path, patterns: list[str], wrong: Wrong) -> tuple[str, ...]:
    """Return the files that patterns name, by paths from the folder of the YAML file."""
    found: set[str] = set()
    for number, pattern in enumerate(patterns):
        here = ("files", number)
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise wrong(
                here,
                f"'{pattern}' must lie beside this YAML file or below it, so that an archive can "
                "hold it; put this file above it",
            )
        names = [path for path in folder.glob(pattern) if path.is_file() and not _compiled(path)]
        if not names:
            raise wrong(here, f"'{pattern}' names no file in {folder}")
        found |= {path.relative_to(folder).as_posix() for path in names}
    return tuple(sorted(found))


def _compiled(path: Path) -> bool:
    """Whether a file is what Python made of another, which running the command writes anew."""
    return "__pycache__" in path.parts


def _check_names(command: Command, shape: CommandShape, wrong: Wrong) -> None:
    """Check that every value in braces is known, and that every hyperparameter gets through."""
    known = (*command.hyperparameters, *GIVEN)
    texts: Iterator[tuple[Location, str]] = iter(
        [
            *((("command", n), text) for n, text in enumerate(shape.command)),
            *((("environment", name), text) for name, text in shape.environment.items()),
        ]
    )
    for here, text in texts:
        try:
            names = names_in(text)
        except SpecError as error:
            raise wrong(here, str(error)) from None
        for name in names:
            if name not in known:
                raise wrong(
                    here,
                    f"{{{name}}} is no value that a trial has{nearest(name, known)} "
                    f"(known: {', '.join(known)})",
                )
    for name in command.hyperparameters:
        if name not in command.names:
            raise wrong(
                ("hyperparameters", name),
                f"the command never gets it: put {{{name}}} into an argument of 'command' or a "
                "variable of 'environment', or take it away",
            )
    for name in shape.environment:
        if "=" in name or not name:
            raise wrong(("environment", name), f"'{name}' cannot name a variable")


def _told(error: ValidationError, path: Path, text: str) -> Iterator[str]:
    """Yield what is wrong with the shape of the file, a line each."""
    said = set()
    for detail in error.errors(include_url=False):
        location = tuple(
            part for part in detail["loc"] if part not in ("str", "int", "float", "bool")
        )
        location = tuple(part for part in location if part not in ("MetricShape", "[key]"))
        if detail["type"] == "extra_forbidden":
            keys = _keys_at(location)
            near = nearest(str(location[-1]), keys)
            message = f"unknown key{near} (known here: {', '.join(keys)})"
        elif detail["type"] == "missing":
            message = "this key is required and missing"
        elif detail["type"] == "value_error":
            message = str((detail.get("ctx") or {})["error"])
        else:
            message = f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {detail['input']!r}"
            if isinstance(detail["input"], int | float) and "string" in detail["msg"]:
                message += "; write it in quotes"
        told = _placed(path, text, location, message)
        if told not in said:
            said.add(told)
            yield told


def _keys_at(location: Location) -> tuple[str, ...]:
    inner: dict[str, type[Shape]] = {"hyperparameters": HyperparameterShape, "metrics": MetricShape}
    model = inner.get(str(location[0]), CommandShape) if len(location) > 1 else CommandShape
    return tuple(model.model_fields)


def _placed(path: Path, text: str, location: Location, message: str) -> str:
    line = line_of(text, location)
    key = ".".join(str(part) for part in location) or "(the whole file)"
    return f"{path}{f':{line}' if line else ''}: {key}: {message}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
