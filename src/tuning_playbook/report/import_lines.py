"""What was read from a source, in lines: counts, seeds, ranges, what was left out."""

from collections import Counter

from tuning_playbook.sources.configurations import configurations
from tuning_playbook.study.early_ends import early_ends_sentence
from tuning_playbook.study.study import Arm, Dimension, Study, write_value

MOST_REASONS = 3
"""Most reasons of infeasible trials that are listed."""


def import_lines(study: Study) -> list[str]:
    """Return what was read from the source of a study, in lines.

    Args:
        study: A study of imported trials.
    """
    groups = configurations(study.imported)
    untold = sum(not trial.seed_told for trial in study.imported)
    counts = sorted({len(group) for group in groups})
    several = _count(counts[-1], "seed")
    each = several if len(counts) == 1 else f"{counts[0]} to {several}"
    known = f"; {untold} of their seeds are not known" if untold else ""
    lines = [
        f"read: {_count(len(study.imported), 'run')} of {_count(len(groups), 'configuration')}, "
        f"each with {each}{known}"
    ]
    spec = study.spec.training
    batch = f", batch size {spec.batch_size}" if spec.batch_size else ""
    lines.append(
        f"read: {spec.max_train_steps:,} steps, evaluated about every {spec.eval_every:,}{batch}"
    )
    if study.baseline:
        lines.append(f"read: the baseline is {study.baseline.path or 'that of the source'}")
    lines += [line for arm in study.arms for line in _ranges(arm, one=len(study.arms) == 1)]
    lines += _infeasible(study)
    shorter = early_ends_sentence(study)
    notes = [*study.import_notes, *([shorter] if shorter else [])]
    return [*lines, *(f"note: {note}" for note in notes)]


def _ranges(arm: Arm, *, one: bool) -> list[str]:
    where = "" if one else f"{arm.name}: "
    return [f"range: {where}{item.name} {_range(item)}" for item in arm.dimensions]


def _range(dimension: Dimension) -> str:
    drawn = dimension.distribution
    origin = "taken from the trials" if dimension.derived else "given"
    if drawn is None:
        return f"the values of the trials, {origin}"
    if drawn.kind == "choice":
        return f"one of {', '.join(map(write_value, drawn.choices))}, {origin}"
    return f"{drawn.low:g} to {drawn.high:g} on a {drawn.scale} scale, {origin}"


def _infeasible(study: Study) -> list[str]:
    reasons = Counter(
        f"{trial.record.status}: {trial.record.reason}"
        for trial in study.imported
        if trial.record.status != "completed"
    )
    if not reasons:
        return []
    listed = [f"{count} {reason}" for reason, count in reasons.most_common(MOST_REASONS)]
    more = len(reasons) - len(listed)
    rest = f"; {_count(more, 'more reason')}" if more else ""
    count, every = sum(reasons.values()), len(study.imported)
    return [f"infeasible: {count} of {every} runs; {'; '.join(listed)}{rest}"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
