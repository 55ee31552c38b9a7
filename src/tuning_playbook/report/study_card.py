"""Make the card of a study from its plan."""

import shlex

from tuning_playbook.report.card import RoleRow, StudyCard
from tuning_playbook.search.plan import Plan
from tuning_playbook.spec.caveats import fixed_by
from tuning_playbook.spec.distributions import Distribution
from tuning_playbook.spec.study import Study, write_value


def make_card(plan: Plan, *, results: str) -> StudyCard:
    """Return what the report says of a study beyond its datasets.

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
        trial_command=f"python -m tuning_playbook train {named}{folder} --trial {{trial}}",
        objective_metric=spec.objective.metric,
        objective_mode=spec.objective.mode,
        trials_per_arm=max(sum(item.arm == arm.name for item in plan.trials) for arm in study.arms),
        duplicates=tuple(
            f"A configuration in the arm {arm} equals trial {trial}; it was trained once."
            for arm, trial in plan.expansion.duplicates
        ),
    )


def role_rows(study: Study) -> tuple[RoleRow, ...]:
    """Return every hyperparameter's role, value and origin."""
    rows: list[RoleRow] = []
    known = study.hyperparameters
    for name, values in study.spec.scientific.items():
        description = known[name].description if name in known else "examples a step"
        written = ", ".join(map(write_value, values))
        rows.append(RoleRow(name, "scientific", written, (), "spec", description))
    searched: dict[tuple[str, str], RoleRow] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            key = (item.name, item.condition)
            arms = (*searched[key].arms, arm.name) if key in searched else (arm.name,)
            searched[key] = RoleRow(
                item.name,
                "nuisance",
                _write_distribution(item.distribution),
                arms,
                "spec",
                item.hyperparameter.description,
            )
    for row in searched.values():
        everywhere = len(row.arms) == len(study.arms)
        rows.append(
            RoleRow(
                row.hyperparameter,
                row.role,
                row.value,
                () if everywhere else row.arms,
                row.origin,
                row.description,
            )
        )
    chosen, default = fixed_by(study)
    rows += [
        RoleRow(name, "fixed", chosen[name], (), "spec", known[name].description) for name in chosen
    ]
    rows += [
        RoleRow(name, "fixed", default[name], (), "default", known[name].description)
        for name in default
    ]
    return tuple(rows)


def _named(study: Study) -> str:
    """Write the study as `--config study=` takes it: by name where that finds the same file."""
    usual = study.path.parent.as_posix() == "config/studies" and study.path.suffix == ".yaml"
    return study.name if usual else shlex.quote(str(study.path))


def _write_distribution(distribution: Distribution | None) -> str:
    if distribution is None:
        return "values listed in the spec"
    if distribution.kind == "choice":
        return f"choice [{', '.join(map(write_value, distribution.choices))}]"
    return f"{distribution.kind} [{distribution.low:g}, {distribution.high:g}]"
