"""Which job of the workflow made what from what: the provenance in an archive.

It follows from the table of artefacts, so it does not need Snakemake's records, which may no longer
exist. `tests/workflow/test_archive.py` compares it with Snakemake's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.planning import artefacts
from tuning_playbook.planning.division import PACKS, Division
from tuning_playbook.planning.job_sizes import with_division
from tuning_playbook.planning.plan import Plan
from tuning_playbook.trials.pack_file import read_pack

STEPS = {step.rule: step.does for stage in artefacts.ARTEFACTS for step in stage.steps}
"""The rules whose files an archive may contain, in workflow order, each with what it does."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: Its rule, which is also the name of the script or the module that it runs.
        made: Its outputs, relative to the study's folder.
        of: Its inputs, likewise; stamps are left out.
        trials: The ids of the trials that it trained.
    """

    rule: str
    made: tuple[str, ...]
    of: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return a name that is unique among the study's jobs."""
        return f"{self.rule}/{self.made[0].rsplit('.', 1)[0]}"


def jobs_of(plan: Plan, folder: Path) -> Iterator[Job]:
    """Yield the jobs of a study, with the trials divided into jobs as they were when it ran.

    Args:
        plan: The study's plan.
        folder: Its folder of results.
    """
    divided = with_division(plan, Division(folder / PACKS))
    for step, job in artefacts.jobs_of(divided, artefacts.stages_of(divided)):
        trials = _trials(folder / job.made[0]) if job.trials is None else job.trials
        yield Job(step.rule, job.made, job.of, trials)


def _trials(pack: Path) -> tuple[str, ...]:
    return tuple(read_pack(pack))
