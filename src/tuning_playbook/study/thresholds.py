"""The thresholds of the checklist that a spec can set; each check's docstring says what they do.

The names and the defaults are those of the functions in `analysis`; a test holds them in step.
"""

from typing import Annotated

from pydantic import Field, StrictFloat, StrictInt

from tuning_playbook.study.base import Shape

Share = Annotated[StrictFloat, Field(gt=0, lt=1)]
Factor = Annotated[StrictFloat | StrictInt, Field(gt=0)]


class Boundary(Shape):
    """Is the search space large enough?"""

    significance: Share = Field(0.03, description="share of wrong alarms that is accepted")
    outer: Share = Field(0.2, description="part of a range that counts as near its edge")


class SamplingDensity(Shape):
    """Have we sampled enough points from the search space?"""

    significance: Share = Field(0.02, description="share of wrong alarms that is accepted")


class Infeasible(Shape):
    """What fraction of the trials is infeasible?"""

    very_large: Share = Field(0.5, description="share of an arm's trials that is too much")


class UnequalTuning(Shape):
    """Were all arms tuned equally well?"""

    ratio: Factor = Field(2.0, description="of the arms' feasible trials, from which it matters")


class Worsening(Shape):
    """Does a curve go on to worsen after its best value?"""

    significance: Share = Field(0.02, description="share of wrong alarms that is accepted")
    least_share: Share = Field(0.005, description="of the whole gain that a rise must have")
    many: Share = Field(0.25, description="share of the feasible trials that makes a pattern")


class TrainLossRising(Worsening):
    """Does the training loss rise during training?"""

    significance: Share = Field(0.01, description="share of wrong alarms that is accepted")
    least_share: Share = Field(0.02, description="of the whole gain that a rise must have")


class StepVariance(Shape):
    """Is there high step-to-step variance late in training?"""

    ratio: Factor = Field(1.0, description="of the scatter to the differences to be judged")
    last: Share = Field(0.25, description="part of training that is its end")


class StillImproving(Shape):
    """Are the trials still improving at the end of training?"""

    significance: Share = Field(0.02, description="share of wrong alarms that is accepted")
    last: Share = Field(0.25, description="part of training that is its end")
    least_share: Share = Field(0.005, description="of the whole gain that is worth more steps")


class SaturatedEarly(Shape):
    """Has performance saturated long before the final training step?"""

    saturated_by: Share = Field(0.25, description="part of training that would have been enough")
    nothing: Share = Field(0.01, description="share of the whole gain that counts as nothing")


class BestSteps(Shape):
    """At which step did retrospective checkpoint selection find the best?"""

    last: Share = Field(0.25, description="best steps in so long an end of training are late")
    first: Share = Field(0.1, description="best steps in so long a start of training are early")
    consistent: Share = Field(0.8, description="share of the feasible trials that makes a pattern")


class LearningRateEdge(Shape):
    """Is the best learning rate at the edge of stability?"""

    significance: Share = Field(0.02, description="share of wrong alarms that is accepted")


class GradientNorms(Shape):
    """Are there outlying gradient norms, and is clipping too aggressive?"""

    outlier: Factor = Field(10.0, description="times the typical norm that is outlying")
    aggressive: Share = Field(0.5, description="share of clipped updates that is too much")


class Periodicity(Shape):
    """Does the validation metric go up and down with a period?"""

    significance: Share = Field(0.01, description="share of wrong alarms that is accepted")
    least_share: Share = Field(0.1, description="of the scatter that a period must explain")


class BeatsChance(Shape):
    """Does every arm perform much better than chance?"""

    share: Share = Field(0.25, description="of the way from chance to perfect that is far")


class SampleSkew(Shape):
    """Does the validation sample stand for the whole validation split?"""

    standard_errors: Factor = Field(4.0, description="that a random sample may be off by")


class Importance(Shape):
    """Which hyperparameters matter, which interact, and which can be fixed next round?"""

    negligible: Share = Field(0.1, description="share of the variance below which one is fixed")
    interaction: Share = Field(0.05, description="share above which a pair is tuned together")


class Checklist(Shape):
    """Thresholds of the checklist's checks."""

    boundary: Boundary = Field(default_factory=Boundary)
    sampling_density: SamplingDensity = Field(default_factory=SamplingDensity)
    infeasible: Infeasible = Field(default_factory=Infeasible)
    unequal_tuning: UnequalTuning = Field(default_factory=UnequalTuning)
    overfitting: Worsening = Field(default_factory=Worsening)
    step_variance: StepVariance = Field(default_factory=StepVariance)
    still_improving: StillImproving = Field(default_factory=StillImproving)
    saturated_early: SaturatedEarly = Field(default_factory=SaturatedEarly)
    train_loss_rising: TrainLossRising = Field(default_factory=TrainLossRising)
    best_steps: BestSteps = Field(default_factory=BestSteps)
    learning_rate_edge: LearningRateEdge = Field(default_factory=LearningRateEdge)
    gradient_norms: GradientNorms = Field(default_factory=GradientNorms)
    periodicity: Periodicity = Field(default_factory=Periodicity)
    beats_chance: BeatsChance = Field(default_factory=BeatsChance)
    sample_skew: SampleSkew = Field(default_factory=SampleSkew)
    importance: Importance = Field(default_factory=Importance)
