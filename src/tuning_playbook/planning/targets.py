"""The files of a study, for the rules of the workflow."""

import functools
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.planning.artefacts import jobs_of, keys_of, stages_of
from tuning_playbook.planning.incomplete import Use, incomplete_key, what_is_there
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.stage import Stage
from tuning_playbook.study.planned_round import ROUND

TRAINED = ("packs", "rounds")
"""The stages whose files may be missing where trials are left out of a study."""


@dataclass(frozen=True)
class StudyFiles:
    """The files of a study: for all its trials, or for those that there are.

    Attributes:
        plan: The study's.
        folder: Its folder of results, with which every file name here begins.
        use: What to make of the study where some trials are missing.
    """

    plan: Plan
    folder: str
    use: Use = "refuse"

    @functools.cached_property
    def keys(self) -> dict[str, str]:
        """Return the key of every stage, for the whole study."""
        return keys_of(self.plan)

    @functools.cached_property
    def there(self) -> tuple[str, ...] | None:
        """Return the existing files of a study whose missing trials are left out; else None.

        A procedure goes on from the existing part of a round. Where there is none yet, because the
        round was only just planned, the whole round is trained.
        """
        if self.use == "refuse":
            return None
        there = what_is_there(self.plan, Path(self.folder))
        is_new_round = not there and ROUND.fullmatch(self.plan.study.name) is not None
        return None if self.use == "decide" and is_new_round else there

    @property
    def left_out_of(self) -> str:
        """Return the folder in which to look for trials without a pack; empty if in none."""
        return "" if self.there is None else self.folder

    @functools.cached_property
    def artefacts(self) -> list[str]:
        """Return every artefact: each is a target, so a missing one is noticed."""
        return [name for stage in self._stages for name in self._made(stage)]

    @property
    def stamps(self) -> list[str]:
        """Return the stamps of its stages.

        Rounds with missing trials have no stamp: the existing trials were proposed from all that
        they need, and must not be proposed again.
        """
        kept = () if self.there is None else ("rounds",)
        names = [stage.name for stage in self._stages if stage.name in self.keys]
        return [self.stamp(name) for name in names if name not in kept]

    def stamp(self, stage: str) -> str:
        """Return the stamp that says what a stage is to be made from."""
        key = self.keys[stage]
        if self.there is not None:
            key = incomplete_key(stage, key, self.there, self.use)
        return f"{self.folder}/current/{stage}-{key}"

    def is_current(self, stage: str, artefact: str) -> bool:
        """Return whether an artefact exists and was made from what its stage is now made from."""
        try:
            made = (Path(self.folder) / artefact).stat().st_mtime_ns
            return made >= Path(self.stamp(stage)).stat().st_mtime_ns
        except OSError:
            return False

    def if_made(self, name: str) -> list[str]:
        """Return a list with an artefact that only some studies have; empty where it has not."""
        path = f"{self.folder}/{name}"
        return [path] if path in self.artefacts else []

    @property
    def packs(self) -> list[str]:
        """Return the packs for its dataset: all, or those that there are."""
        rounds = [file for item in self.plan.rounds.values() for file in item.files]
        return self._used([*(pack.file for pack in self.plan.packs.values()), *rounds])

    @property
    def proposals(self) -> list[str]:
        """Return the proposals of its rounds: all, or those that there are."""
        return self._used([item.proposal for item in self.plan.rounds.values()])

    def packs_before(self, round_id: str) -> list[str]:
        """Return the packs that the proposals of a round follow from."""
        current = self.plan.rounds[round_id]
        names = [pack.file for pack in self.plan.packs.values() if pack.arm == current.arm]
        before = self.plan.rounds_before(current)
        return self._named([*names, *(file for item in before for file in item.files)])

    def proposals_before(self, round_id: str) -> list[str]:
        """Return the proposals of the rounds that come before a round."""
        before = self.plan.rounds_before(self.plan.rounds[round_id])
        return self._named([item.proposal for item in before])

    @property
    def rerun_packs(self) -> list[str]:
        """Return the packs of its reruns."""
        return self._named([pack.file for pack in self.plan.rerun_packs.values()])

    @property
    def set_back_packs(self) -> list[str]:
        """Return the packs of the candidate's changes set back."""
        return self._named([f"set_back/{n}.nc" for n in range(self.plan.study.spec.reruns.back)])

    @property
    def replicate_packs(self) -> list[str]:
        """Return the packs of the repeats of its search."""
        return self._named([pack.file for pack in self.plan.replicate_packs.values()])

    @property
    def plots(self) -> list[str]:
        """Return its plots."""
        return [
            name for stage in self._stages if stage.name == "plots" for name in self._made(stage)
        ]

    @functools.cached_property
    def _stages(self) -> tuple[Stage, ...]:
        """Return its stages; without the repeats of its search if some trials are left out."""
        whole = self.use == "refuse" or all(Path(pack).exists() for pack in self.replicate_packs)
        return tuple(stage for stage in stages_of(self.plan) if whole or stage.name != "replicates")

    def _made(self, stage: Stage) -> list[str]:
        made = [name for _, job in jobs_of(self.plan, [stage]) for name in job.made]
        return self._used(made) if stage.name in TRAINED else self._named(made)

    def _used(self, names: list[str]) -> list[str]:
        held = set(names if self.there is None else self.there)
        return self._named([name for name in names if name in held])

    def _named(self, names: list[str]) -> list[str]:
        return [f"{self.folder}/{name}" for name in names]
