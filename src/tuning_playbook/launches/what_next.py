"""What would change a decision."""

from collections.abc import Sequence

from tuning_playbook.analysis.answer import Question
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.simultaneous import MOST_VALUES
from tuning_playbook.launches.judgement import Decision, Evidence
from tuning_playbook.study.study import LEAST_RERUNS


def what_would_change(
    decision: Decision, evidence: Evidence, questions: Sequence[Question]
) -> tuple[str, ...]:
    """Say what evidence would change a decision, or settle an open question, in sentences.

    Args:
        decision: The decision.
        evidence: What the decision rests on.
        questions: The questions that the study asks about its arms.
    """
    found = []
    difference, least = evidence.difference, text(evidence.min_improvement)
    if decision == "provisional" and evidence.baseline is None:
        found.append("A baseline to compare with: `baseline:` names a file.")
    elif decision == "provisional" and not evidence.known:
        found.append(
            f"{LEAST_RERUNS} feasible reruns of both: `reruns: {{seeds: {LEAST_RERUNS}}}`."
        )
    elif decision == "provisional" and difference is not None:
        unreliable = evidence.candidate is not None and evidence.candidate.infeasible
        open_still = not unreliable and difference.lower_bound <= evidence.min_improvement
        if open_still and difference.needed_reruns and difference.needed_reruns < MOST_VALUES:
            found.append(
                f"If the improvement is what was seen, {difference.needed_reruns:,} reruns of each "
                "would show it four times in five: "
                f"`reruns: {{seeds: {difference.needed_reruns}}}`."
            )
    if decision == "provisional" and evidence.problems:
        found.append(
            "An answer to the problems that the checklist found: "
            f"{', '.join(check.replace('_', ' ') for check in evidence.problems)}."
        )
    improved = evidence.improvement is not None and evidence.improvement > evidence.min_improvement
    if decision == "reject" and evidence.improvement is not None and not improved:
        found.append(
            f"A candidate whose reruns are better than the baseline's by more than {least}."
        )
    found += [
        f"More reruns would settle the question of {item.hyperparameter or 'the arms'}: about "
        f"{item.needed_reruns:,} of each arm, if what was seen is what there is."
        for item in questions
        if item.needed_reruns is not None
        and item.needed_reruns < MOST_VALUES
        and (item.hyperparameter is not None or len(questions) > 2)
    ]
    return tuple(found)
