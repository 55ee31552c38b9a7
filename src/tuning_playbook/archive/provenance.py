"""Which job of the workflow made what from what: the provenance that an archive tells.

It follows from the table of artefacts, so it needs no record of Snakemake's, which may be gone.
`tests/workflow/test_archive.py` holds it against Snakemake's own.
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
"""The rules whose files an archive may hold, in the order of their work, each with what it does."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: Its rule, which is also the name of the script or the module that it runs.
        made: Its outputs, from the study's folder of results.
        of: Its inputs, likewise; stamps are left out.
        trials: The ids of the trials that it trained.
    """

    rule: str
    made: tuple[str, ...]
    of: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return a name that no other job of the study has."""
        return f"{self.rule}/{self.made[0].rsplit('.', 1)[0]}"


def jobs_of(plan: Plan, folder: Path) -> Iterator[Job]:
    """Yield the jobs of a study, whose trials are divided into jobs as they were when it ran.

    Args:
        plan: The study's.
        folder: Its folder of results.
    """
    divided = with_division(plan, Division(folder / PACKS))
    for step, job in artefacts.jobs_of(divided, artefacts.stages_of(divided)):
        trials = _trials(folder / job.made[0]) if job.trials is None else job.trials
        yield Job(step.rule, job.made, job.of, trials)


def _trials(pack: Path) -> tuple[str, ...]:
    return tuple(read_pack(pack))
