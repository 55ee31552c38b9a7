"""The page of a campaign: all rounds of one workload, what they decided, and what they cost."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tuning_playbook.declarations import target_of
from tuning_playbook.planning.campaign_file import campaign_file
from tuning_playbook.report.formatting import duration, number
from tuning_playbook.report.page import render_page
from tuning_playbook.report.study_rounds import Round, Row, make_history

WIDTH, HEIGHT, MARGIN = 600.0, 200.0, 12.0
"""The size of the drawing of the best so far."""


@dataclass(frozen=True)
class Decision:
    """A value of a hyperparameter that later rounds hold fixed.

    Attributes:
        name: The hyperparameter.
        value: Its value, as written.
        by: The study that decided it.
        link: Where its report is; empty where it has none here.
        how: `compared`: the study compared its values. `best trial`: it is that of its best trial.
        frozen_in: The rounds that held it fixed.
    """

    name: str
    value: str
    by: str
    link: str
    how: Literal["compared", "best trial"]
    frozen_in: tuple[str, ...]


@dataclass(frozen=True)
class CampaignRound:
    """One round of a campaign.

    Attributes:
        round: Its place, its summary and its links.
        trainings: Trials and reruns of all kinds; nothing where that is not known.
        time: What they took, one after another.
        cumulated: The trainings of this round and all before it.
        cumulated_steps: Their training steps.
        best: The best mean of reruns so far; nothing where none is known, or where the round has
            another objective than the last one.
        is_best: Whether it is this round's candidate's.
        decided: What later rounds held fixed because of it.
    """

    round: Round
    trainings: str
    time: str
    cumulated: str
    cumulated_steps: str
    best: str
    is_best: bool
    decided: tuple[Decision, ...]


@dataclass(frozen=True)
class Campaign:
    """All rounds of one workload.

    Attributes:
        workload: Its name.
        objective: What the best so far is measured by: that of the last round.
        minimized: Whether a smaller one is better.
        rounds: In order.
        decisions: Every one that was frozen, in the order of the rounds that did.
        never_together: The pairs of compared or decided hyperparameters that no study varied
            together.
        points: The corners of the drawing of the best so far; empty below two rounds that know one.
        ends: What the axes of the drawing begin and end with: steps, then best values.
    """

    workload: str
    objective: str
    minimized: bool
    rounds: tuple[CampaignRound, ...]
    decisions: tuple[Decision, ...]
    never_together: tuple[tuple[str, str], ...]
    points: str
    ends: tuple[str, str, str, str]


def render_campaigns(rows: Sequence[Row]) -> dict[str, str]:
    """Write the page of every campaign.

    Args:
        rows: A summary of each study, as `tracking.summary_row` gives it.

    Returns:
        The text of one HTML file for each workload, by its file.
    """
    workloads = dict.fromkeys(str(row["workload"]) for row in rows)
    found = (make_campaign([r for r in rows if str(r["workload"]) == name]) for name in workloads)
    return {
        campaign_file(item.workload): render_page("campaign.html.j2", campaign=item)
        for item in found
    }


def make_campaign(rows: Sequence[Row]) -> Campaign:
    """Return the rounds of one workload in order, with the decisions of each and the best so far.

    Args:
        rows: A summary of each of its studies, at least one.
    """
    (history,) = make_history(rows)
    rounds = [_from_the_folder(item) for item in history.rounds]
    last = rounds[-1].row
    decisions = _decisions(rounds)
    minimized = last["objective_mode"] == "min"
    told: list[CampaignRound] = []
    corners: list[tuple[float, float]] = []
    trainings = steps = 0
    best: float | None = None
    for item in rounds:
        cost = _about(item.row).get("cost") or {}
        trainings += int(cost.get("trainings") or 0)
        steps += int(cost.get("steps") or 0)
        before, alike = best, _objective(item.row) == _objective(last)
        if alike:
            best = _better(best, item.row, minimized=minimized)
        if best is not None and alike:
            corners.append((float(steps), best))
        told.append(
            CampaignRound(
                round=item,
                trainings=_count(cost.get("trainings")),
                time=duration(cost.get("seconds")),
                cumulated=f"{trainings:,}",
                cumulated_steps=f"{steps:,}",
                best=number(best if alike else None),
                is_best=alike and best != before and best == item.row["candidate_rerun_mean"],
                decided=tuple(one for one in decisions if one.by == item.row["study"]),
            )
        )
    return Campaign(
        workload=history.workload,
        objective=str(last["objective_metric"]),
        minimized=minimized,
        rounds=tuple(told),
        decisions=decisions,
        never_together=_never_together(decisions, rounds),
        points=_points(corners),
        ends=_ends(corners),
    )


def _from_the_folder(item: Round) -> Round:
    """Return a round with its links as they are from the folder of the pages."""

    def up(link: str) -> str:
        return f"../{link.removeprefix('./')}" if link else ""

    builds_on = tuple((name, up(link)) for name, link in item.builds_on)
    return Round(item.number, item.row, up(item.link), builds_on)


def _about(row: Row) -> Mapping[str, Any]:
    """Return the campaign part of a summary; nothing if an earlier version wrote it."""
    about: Mapping[str, Any] = row.get("campaign") or {}
    return about


def _objective(row: Row) -> tuple[str, str, float | None]:
    """Return what ranks the trials of a round: a metric's best value, or steps to a target."""
    target = _about(row).get("target")
    return str(row["objective_metric"]), str(row["objective_mode"]), target


def _better(best: float | None, row: Row, *, minimized: bool) -> float | None:
    """Return the best mean so far, with those of the baseline and the candidate of a round."""
    means = [best, row.get("baseline_rerun_mean"), row.get("candidate_rerun_mean")]
    known = [float(mean) for mean in means if mean is not None and math.isfinite(mean)]
    return (min if minimized else max)(known, default=None)


def _decisions(rounds: Sequence[Round]) -> tuple[Decision, ...]:
    """Return every value that a round held fixed and an earlier one had decided."""
    links = {str(item.row["study"]): item.link for item in rounds}
    compared_by: dict[str, str] = {}
    found: dict[tuple[str, str, str], Decision] = {}
    for item in rounds:
        study, about = str(item.row["study"]), _about(item.row)
        taken = {
            _target(each["place"].rpartition(".")[2]): each["study"]
            for each in about.get("taken", ())
            if "fixed." in each["place"]
        }
        for written, value in about.get("fixed", {}).items():
            name = _target(written)
            by = taken.get(name) or compared_by.get(name)
            if by is None or (name in about.get("defaulted", ()) and name not in compared_by):
                continue
            key = (written, str(value), by)
            before = found[key].frozen_in if key in found else ()
            found[key] = Decision(
                name=written,
                value=str(value),
                by=by,
                link=links.get(by, ""),
                how="compared" if compared_by.get(name) == by else "best trial",
                frozen_in=(*before, study),
            )
        compared_by |= {_target(name): study for name in about.get("compared", {})}
    return tuple(found.values())


def _target(name: str) -> str:
    return target_of(name)


def _never_together(
    decisions: Sequence[Decision], rounds: Sequence[Round]
) -> tuple[tuple[str, str], ...]:
    """Return the pairs of hyperparameters that no study compared or searched together.

    Of those that some round compared, whether or not a later one holds them fixed yet, and of those
    that were decided as a value of a best trial.
    """
    compared = [name for item in rounds for name in _about(item.row).get("compared", ())]
    names = list(dict.fromkeys(map(_target, (*compared, *(item.name for item in decisions)))))
    varied = [
        {_target(name) for name in (*about.get("compared", ()), *about.get("searched", ()))}
        for about in (_about(item.row) for item in rounds)
    ]
    pairs = itertools.combinations(names, 2)
    return tuple(pair for pair in pairs if not any(set(pair) <= together for together in varied))


def _points(corners: Sequence[tuple[float, float]]) -> str:
    """Return the corners of a step line within the drawing."""
    if len(corners) < 2:
        return ""
    steps, values = zip(*corners, strict=True)
    low, high = min(values), max(values)
    found: list[str] = []
    height: float | None = None
    for step, value in corners:
        x = MARGIN + (WIDTH - 2 * MARGIN) * step / max(steps[-1], 1.0)
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / ((high - low) or 1.0)
        found += [f"{x:.1f},{height:.1f}"] if height is not None else []
        found.append(f"{x:.1f},{y:.1f}")
        height = y
    return " ".join(found)


def _ends(corners: Sequence[tuple[float, float]]) -> tuple[str, str, str, str]:
    if len(corners) < 2:
        return ("", "", "", "")
    values = [value for _, value in corners]
    return "0", f"{corners[-1][0]:,.0f}", number(min(values)), number(max(values))


def _count(value: int | None) -> str:
    return number(None) if value is None else f"{value:,}"
