"""Make the card of a study from its plan."""

import shlex
from dataclasses import replace

from tuning_playbook.planning.budget import budget
from tuning_playbook.planning.plan import Plan
from tuning_playbook.report.cannot_tell_lines import cannot_tell_lines
from tuning_playbook.report.card import Origin, RoleRow, StudyCard
from tuning_playbook.study.caveats import fixed_by, fixed_in
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.study import Dimension, Study, write_value


def make_card(plan: Plan, *, results: str) -> StudyCard:
    """Return the card of a study.

    Args:
        plan: The study's.
        results: The folder of all results, as the workflow was told.
    """
    study = plan.study
    spec = study.spec
    aside = "" if results == "results" else f" results={shlex.quote(results)}"
    named = _named(study)
    folder = "" if results == "results" else f" --results {shlex.quote(results)}"
    return StudyCard(
        name=study.name,
        goal=spec.goal,
        notes=spec.notes,
        config=str(study.path),
        workload=study.workload.name,
        workload_description=study.workload.description,
        spec_yaml=study.text,
        roles=role_rows(study),
        commands=(
            ("The whole study", f"snakemake --cores 2 --config study={named}{aside}"),
            ("What would run again", f"snakemake -n --config study={named}{aside}"),
            ("On a Slurm cluster", f"snakemake --profile slurm --config study={named}{aside}"),
        ),
        trial_command=""
        if study.imported
        else f"python -m tuning_playbook train {named}{folder} --trial {{trial}}",
        profile_command=""
        if study.imported or study.workload.is_command
        else f"tuning-playbook profile {named}{folder}",
        adopt_command=""
        if study.imported
        else f"snakemake --cores 1 adopt_baseline --config study={named}{aside}",
        next_command=""
        if study.imported
        else f"cp {shlex.quote(f'{results}/{study.name}/next_study.yaml')} "
        f"config/studies/{shlex.quote(study.name)}_next.yaml\n"
        f"snakemake --cores 2 --config study={shlex.quote(study.name)}_next{aside}",
        objective_metric=spec.objective.ranked_by,
        objective_mode="min" if spec.objective.target is not None else spec.objective.mode,
        objective_target=spec.objective.target,
        trials_per_arm=max(plan.trials_per_arm.values()),
        joint=spec.design == "joint",
        duplicates=tuple(
            f"A configuration in the arm {arm} equals trial {trial}; it was trained once."
            for arm, trial in plan.expansion.duplicates
        ),
        budget=() if study.imported else budget(plan),
        advice=plan.advice,
        cannot_tell=tuple(line.strip() for line in cannot_tell_lines(plan)[1:]),
        imported=bool(study.imported),
        of_command=study.workload.is_command,
        taken=study.taken,
    )


def role_rows(study: Study) -> tuple[RoleRow, ...]:
    """Return every hyperparameter's role, value and origin."""
    rows: list[RoleRow] = []
    known = study.hyperparameters
    for part in parts_of(study.spec):
        arms = tuple(arm.name for arm in study.arms if part.holds(arm.scientific))
        for name, values in part.values.items():
            rows.append(
                RoleRow(
                    name,
                    "scientific",
                    ", ".join(map(write_value, values)),
                    () if len(arms) == len(study.arms) else arms,
                    "spec",
                    known[name].description if name in known else "examples a step",
                )
            )
    searched: dict[tuple[str, str], RoleRow] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            key = (item.name, item.condition)
            held = (*searched[key].arms, arm.name) if key in searched else (arm.name,)
            searched[key] = RoleRow(
                item.name,
                item.role,
                _write_searched(item),
                held,
                "source" if item.derived else "spec",
                item.hyperparameter.description,
            )
    for row in searched.values():
        everywhere = len(row.arms) == len(study.arms)
        rows.append(replace(row, arms=() if everywhere else row.arms))
    origins: tuple[Origin, ...] = ("source" if study.imported else "spec", "default")
    for origin, fixed in zip(origins, fixed_by(study), strict=True):
        for name, written in fixed.items():
            arms = tuple(arm.name for arm in fixed_in(study, name))
            everywhere = len(arms) == len(study.arms)
            rows.append(
                RoleRow(
                    name,
                    "fixed",
                    written,
                    () if everywhere else arms,
                    origin,
                    known[name].description,
                )
            )
    return tuple(rows)


def _named(study: Study) -> str:
    """Return the study for `--config study=`: its name if that is enough, or its path."""
    usual = study.path.parent.as_posix() == "config/studies" and study.path.suffix == ".yaml"
    return study.name if usual else shlex.quote(str(study.path))


def _write_searched(dimension: Dimension) -> str:
    distribution = dimension.distribution
    if distribution is None:
        return "values of its trials" if dimension.derived else "values listed in the spec"
    written = _write_distribution(distribution)
    return f"{written}, taken from its trials" if dimension.derived else written


def _write_distribution(distribution: Distribution) -> str:
    if distribution.kind == "choice":
        return f"choice [{', '.join(map(write_value, distribution.choices))}]"
    return f"{distribution.kind} [{distribution.low:g}, {distribution.high:g}]"
