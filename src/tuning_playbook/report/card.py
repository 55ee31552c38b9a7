"""What a report needs besides a study's datasets: the question, the roles, the commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tuning_playbook.planning.budget import BudgetRow
from tuning_playbook.study.origin import Taken
from tuning_playbook.study.rule_of_thumb import Advice

Role = Literal["scientific", "nuisance", "fixed"]
Origin = Literal["spec", "default", "source"]


@dataclass(frozen=True)
class RoleRow:
    """One hyperparameter's role in the study.

    Attributes:
        hyperparameter: Its name, as in the spec.
        role: `scientific`, `nuisance` or `fixed`.
        value: What it was set to or searched over, as `log_uniform [0.001, 1]` or `0.9`.
        arms: The names of the arms in which it exists; empty where it exists in all.
        origin: `spec` where the spec names it; `default` where it took its documented default;
            `source` where the trials are imported and the spec does not say it.
        description: One line on what it is.
    """

    hyperparameter: str
    role: Role
    value: str
    arms: tuple[str, ...] = ()
    origin: Origin = "spec"
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class StudyCard:
    """A study as its report and its row in the tracking sheet present it.

    Attributes:
        name: The study's name.
        goal: The question it asks.
        notes: The spec's notes; may be empty.
        config: Path of the spec, as a reader would type it.
        workload: The workload's name.
        workload_description: One or two sentences on data and model.
        spec_yaml: The spec's text.
        roles: Every hyperparameter, in the order of the spec, defaults last.
        commands: Labels and commands; the first reproduces the whole study.
        trial_command: The command that trains one trial again, with `{trial}` where its id goes;
            empty where there is none.
        profile_command: The command that shows where the time of a trial goes; empty where no trial
            of the study can be trained here.
        adopt_command: The command that makes the candidate the baseline; empty of imported trials.
        next_command: The command that runs the next round; empty where it has no spec.
        objective_metric: What ranks trials: a metric, as `validation/error_rate`, or the steps
            until it reaches a target.
        objective_mode: `min` or `max`; of steps always `min`.
        objective_target: The target; None where the best value ranks trials.
        trials_per_arm: How many trials the spec asks for in each arm, at most.
        joint: Whether the trials of one search were dealt to the arms.
        duplicates: Sentences on equal configurations that were trained only once.
        budget: What each arm was to cost.
        advice: What the playbook's rules of thumb say of the study's design.
        cannot_tell: What the design cannot tell whatever its trials come to, a sentence each.
        imported: Whether the trials are imported.
        of_command: Whether a command of the user's trained the trials.
        taken: What the spec takes from the results of earlier studies.
    """

    name: str
    goal: str
    notes: str
    config: str
    workload: str
    workload_description: str
    spec_yaml: str
    roles: tuple[RoleRow, ...]
    commands: tuple[tuple[str, str], ...]
    trial_command: str = ""
    profile_command: str = ""
    adopt_command: str = ""
    next_command: str = ""
    objective_metric: str
    objective_mode: Literal["min", "max"]
    objective_target: float | None = None
    trials_per_arm: int
    joint: bool = False
    duplicates: tuple[str, ...] = ()
    budget: tuple[BudgetRow, ...] = ()
    advice: tuple[Advice, ...] = ()
    cannot_tell: tuple[str, ...] = ()
    imported: bool = False
    of_command: bool = False
    taken: tuple[Taken, ...] = ()

    def command_of(self, trial: str) -> str:
        """Return the command that trains `trial` again; empty if there is none."""
        return self.trial_command.replace("{trial}", trial)


@dataclass(frozen=True)
class RoleGroup:
    """The hyperparameters that share a role, and what that role means for the conclusion.

    Attributes:
        title: The group's heading.
        explanation: What its role does to the conclusion, in the playbook's sense.
        rows: Its hyperparameters.
    """

    title: str
    explanation: str
    rows: tuple[RoleRow, ...]


def group_roles(roles: Sequence[RoleRow]) -> tuple[RoleGroup, ...]:
    """Sort hyperparameters by how they limit the conclusion; empty groups are left out.

    Source: "Identifying scientific, nuisance, and fixed hyperparameters" in the playbook.
    """
    groups = (
        RoleGroup(
            "Scientific",
            "The study measures their effect.",
            tuple(row for row in roles if row.role == "scientific"),
        ),
        RoleGroup(
            "Nuisance",
            "Tuned anew in every arm where they exist, so that the arms are compared fairly.",
            tuple(row for row in roles if row.role == "nuisance"),
        ),
        RoleGroup(
            "Fixed by the spec",
            "Chosen for this study.",
            tuple(row for row in roles if row.role == "fixed" and row.origin == "spec"),
        ),
        RoleGroup(
            "Fixed by default",
            "The spec does not name them.",
            tuple(row for row in roles if row.role == "fixed" and row.origin == "default"),
        ),
        RoleGroup(
            "The same in every trial",
            "So the source of the trials says. The conclusion holds at these values and might not "
            "at others.",
            tuple(row for row in roles if row.role == "fixed" and row.origin == "source"),
        ),
    )
    return tuple(group for group in groups if group.rows)
