"""The next round of a procedure, as the spec of a study."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError, SpecError
from tuning_playbook.planning.artefacts import SPEC_CODE, code_hash
from tuning_playbook.planning.plan import Plan, check_trials, study_of
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    FinishedRound,
    History,
    Outcome,
    StudyDocument,
)
from tuning_playbook.procedures.recipes import recipe_of
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.planned_round import round_name, written_round
from tuning_playbook.study.procedure_settings import ProcedureSettings
from tuning_playbook.study.read import WrittenSpec
from tuning_playbook.study.settled import read_settled
from tuning_playbook.trials.probe import Probe
from tuning_playbook.trials.trial import ID_DIGITS, canonical, digest


def first_plan(spec: Path) -> tuple[WrittenSpec, str, Plan]:
    """Return the first round of the procedure in a file; see `first_plan_of`.

    Args:
        spec: Its file; its settled spec where it takes from earlier studies.
    """
    return first_plan_of(read_settled(spec))


def first_plan_of(procedure: WrittenSpec) -> tuple[WrittenSpec, str, Plan]:
    """Return the first round of a procedure: its spec, its purpose and its plan.

    Raises:
        SpecError: The spec cannot be carried out as written.
    """
    try:
        answer = next_round(procedure, ())
    except SpecError as error:
        raise SpecError(f"{procedure.path}: {error}") from None
    assert isinstance(answer, StudyDocument)  # without results there is no conclusion
    written = as_written(procedure, 1, answer)
    return written, answer.purpose, plan_of_round(written)


def next_round(
    procedure: WrittenSpec, rounds: Sequence[FinishedRound]
) -> StudyDocument | Conclusion:
    """Return a procedure's next round after its finished ones, or its conclusion.

    Raises:
        SpecError: There is no round yet, and the procedure cannot be carried out with this spec.
    """
    recipe = recipe_of(_settings(procedure))
    if recipe.check and not rounds:
        recipe.check(study_of(procedure))
    return recipe.next(history_of(procedure, rounds))


def history_of(
    procedure: WrittenSpec, rounds: Sequence[FinishedRound], probes: Sequence[Probe] = ()
) -> History:
    """Return the history of a procedure."""
    document = {key: value for key, value in procedure.document.items() if key != "procedure"}
    return History(document, _settings(procedure), tuple(rounds), tuple(probes))


def as_written(procedure: WrittenSpec, number: int, round_: StudyDocument) -> WrittenSpec:
    """Return a round as the spec of a study in the folder of the procedure's spec.

    Raises:
        SpecError: It cannot be carried out.
    """
    name = round_name(procedure.path.stem, number)
    trial = round_.baseline
    baseline = None if trial is None else _as_result(procedure, trial)
    return written_round(
        procedure.path, name, round_.document, baseline=baseline, taken=procedure.taken
    )


def plan_of_round(written: WrittenSpec) -> Plan:
    """Return the plan of a round; every trial in it can be made.

    Raises:
        SpecError: It cannot be carried out; the message names the round.
    """
    try:
        plan = Plan(study_of(written))
        check_trials(plan)
    except SpecError as error:
        raise SpecError(f"{error} (in {written.name})") from None
    return plan


def planning_key(procedure: WrittenSpec) -> str:
    """Return the hash of what decides the rounds of a procedure, beside their results."""
    taken = [item.to_json() for item in procedure.taken]
    parts = [canonical(procedure.document), taken, code_hash(("procedures", *SPEC_CODE))]
    return digest(parts)[:ID_DIGITS]


def conclusion_key(procedure: WrittenSpec) -> str:
    """Return the hash of what decides the conclusion and the report, beside the results."""
    parts = [planning_key(procedure), procedure.text, code_hash(("plots", "report"))]
    return digest(parts)[:ID_DIGITS]


def current_procedure(spec: str, key: str, *, concluded: bool = False) -> WrittenSpec:
    """Return a procedure, if what decides it is still as it was planned.

    Args:
        spec: Its file; its settled spec where it takes from earlier studies.
        key: The key when the job was planned.
        concluded: Whether the key is that of its conclusion.

    Raises:
        ChangedDuringRunError: The spec or the code changed since the workflow began.
    """
    procedure = read_settled(Path(spec))
    if (conclusion_key if concluded else planning_key)(procedure) != key:
        raise ChangedDuringRunError(
            f"{procedure.path}, or the code behind it, changed while the workflow ran; run "
            "snakemake again"
        )
    return procedure


def most_rounds(settings: ProcedureSettings) -> int:
    """Return the most rounds that a procedure has."""
    recipe = recipe_of(settings)
    return recipe.rounds(settings) if recipe.rounds else recipe.max_rounds


def has_rounds(settings: ProcedureSettings) -> bool:
    """Return whether a procedure trains rounds of trials; else it concludes from probes."""
    return most_rounds(settings) > 0


def most_of(procedure: WrittenSpec, first: Plan) -> tuple[int, int]:
    """Return the most rounds and the most trials that a procedure may have.

    Args:
        procedure: Its spec.
        first: The plan of its first round.
    """
    recipe = recipe_of(_settings(procedure))
    later = recipe.most_trials(history_of(procedure, ()).document, procedure.procedure)
    return most_rounds(_settings(procedure)), sum(first.trials_per_arm.values()) + later


def _settings(procedure: WrittenSpec) -> ProcedureSettings:
    assert procedure.procedure is not None
    return procedure.procedure


def _as_result(procedure: WrittenSpec, outcome: Outcome) -> EarlierResult:
    """Return an outcome as a baseline."""
    return EarlierResult(
        study=procedure.path.stem,
        arm="all trials",
        trial=outcome.trial,
        fingerprint="",
        commit="",
        objective=outcome.loss or 0.0,
        workload=procedure.shape.workload,
        values=outcome.values,
        scales={},
    )
