"""The search algorithms of a spec."""

from typing import Annotated, Literal

from pydantic import Field

from tuning_playbook.study.base import Shape
from tuning_playbook.study.limits import LISTED, Points, Rounds, Trials
from tuning_playbook.study.values import Name, Scalar, Seed

TRIALS = "trials per arm; in a joint design, of all arms together"


class QuasiRandomSearch(Shape):
    """A scrambled Halton sequence in every arm; more trials keep the earlier ones."""

    algorithm: Literal["halton"]
    trials: Trials = Field(description=TRIALS)
    seed: Seed = 0


class RandomSearch(Shape):
    """Independent uniform points in every arm; more trials keep the earlier ones."""

    algorithm: Literal["random"]
    trials: Trials = Field(description=TRIALS)
    seed: Seed = 0


class GridSearch(Shape):
    """Every combination of evenly spread values, in every arm."""

    algorithm: Literal["grid"]
    points: Points | dict[Name, Points] = Field(
        description="values per hyperparameter: one number for all, or one for each by name; "
        "a choice has all its values and needs no number"
    )


class ListSearch(Shape):
    """Configurations written out by hand."""

    algorithm: Literal["list"]
    trials: Annotated[list[dict[Name, Scalar]], LISTED] = Field(
        min_length=1,
        description="values of each trial; a trial without a scientific value is in every arm",
    )


class BayesianSearch(Shape):
    """Quasi-random trials, then rounds of trials proposed from the results, in every arm."""

    algorithm: Literal["bayesian"]
    trials: Trials = Field(description="trials per arm, the initial ones included")
    rounds: Rounds = Field(description="rounds of proposals after the initial trials")
    initial: Trials = Field(10, description="initial trials, from a scrambled Halton sequence")
    seed: Seed = 0

    @property
    def batch(self) -> int:
        """Return the number of proposals of a round."""
        return (self.trials - self.initial) // self.rounds


Search = Annotated[
    QuasiRandomSearch | RandomSearch | GridSearch | ListSearch | BayesianSearch,
    Field(discriminator="algorithm"),
]
