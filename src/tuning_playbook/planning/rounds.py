"""The rounds of a Bayesian search, as far as they are known before their trials.

The spec decides how many rounds there are, in which arms and with how many trials; the results of
the earlier rounds decide which trials. So the jobs and files of rounds have names from the start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.planning.expand import Expansion, make_trial, place_trials, set_values
from tuning_playbook.study.searches import BayesianSearch
from tuning_playbook.study.study import Study
from tuning_playbook.trials.trial import digest


@dataclass(frozen=True)
class Round:
    """One round of proposals in one arm.

    Attributes:
        id: Its name, and its folder's.
        arm: The name of the arm.
        number: From 1; the initial trials come before.
        trials: How many are proposed, unless the space has fewer left.
        parts: The training jobs: the first and the last place, exclusive, of each one's trials.
        seed: The seed of the candidates for proposals.
    """

    id: str
    arm: str
    number: int
    trials: int
    parts: tuple[tuple[int, int], ...]
    seed: int

    @property
    def files(self) -> tuple[str, ...]:
        """Return the pack files of its jobs, relative to the study's folder."""
        return tuple(f"rounds/{self.id}/{part}.nc" for part in range(len(self.parts)))

    @property
    def proposal(self) -> str:
        """Return the file of its proposals, relative to the study's folder."""
        return f"rounds/{self.id}/proposal.json"


def rounds_of(study: Study, names: Mapping[str, str], per_job: int) -> Iterator[Round]:
    """Yield the rounds of a study, arm by arm; none where the search is not Bayesian.

    Args:
        study: Its spec.
        names: The name of each arm in file names.
        per_job: Trials that one job trains.
    """
    search = study.spec.search
    if not isinstance(search, BayesianSearch):
        return
    starts = range(0, search.batch, per_job)
    parts = [(start, min(start + per_job, search.batch)) for start in starts]
    for arm in study.arms:
        for number in range(1, search.rounds + 1):
            seed = int(digest([search.seed, arm.name, number])[:8], 16)
            name = f"{names[arm.name]}-{number}"
            yield Round(name, arm.name, number, search.batch, tuple(parts), seed)


def add_proposals(
    study: Study,
    expansion: Expansion,
    rounds: Sequence[Round],
    proposals: Mapping[str, Mapping[str, Any]],
) -> Expansion:
    """Return the trials of a study followed by those that were proposed.

    A round comes before the later rounds of all arms, so that more rounds move no trial.

    Args:
        study: The study.
        expansion: Its initial trials.
        rounds: Its rounds.
        proposals: What `dataset.propose.propose_round` gave, by the id of the round.

    Raises:
        ArtefactError: A proposal does not fit the study.
    """
    arms = {arm.name: arm for arm in study.arms}
    places = []
    for item in sorted(rounds, key=lambda item: item.number):
        arm = arms[item.arm]
        names = [dimension.name for dimension in arm.dimensions]
        for searched in proposals.get(item.id, {}).get("searched", []):
            if not set(searched) <= set(names):
                raise ArtefactError(
                    f"{item.proposal} of the study {study.name} is not a proposal for the arm "
                    f"'{item.arm}'; remove it and run snakemake again"
                )
            trial = make_trial(study, arm.batch_size, set_values(arm, searched))
            places.append((arm.name, dict(searched), trial, item.number))
    return place_trials(study, places, expansion)
