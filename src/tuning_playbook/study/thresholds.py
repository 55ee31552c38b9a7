"""The thresholds of the checklist: what a spec can set, what each means, and its default.

The checks in `analysis` use them, and the schema for editors and the table of `config/README.md`
are generated from them.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StrictFloat, StrictInt

from tuning_playbook.study.base import Shape

Share = Annotated[StrictFloat, Field(gt=0, lt=1)]
Factor = Annotated[StrictFloat | StrictInt, Field(gt=0)]

FALSE_ALARMS = "share of false alarms that is accepted"
"""Description of `significance`: the share is of all studies without an effect."""


class Boundary(Shape):
    """Is the search space large enough?"""

    # Together with the other checks that find problems this stays below one study in twenty.
    significance: Share = Field(0.03, description=FALSE_ALARMS)
    # The two together stay below one in twenty.
    very_edge: Share = Field(
        0.015, description="share of false alarms about a single best trial at an edge"
    )
    # Three of 16 evenly spread trials are in this part. The best of them cannot be expected to come
    # nearer to an optimum at the edge.
    outer: Share = Field(0.2, description="part of a range that counts as near its edge")


class SamplingDensity(Shape):
    """Have we sampled enough points from the search space?"""

    significance: Share = Field(0.02, description=FALSE_ALARMS)


class Infeasible(Shape):
    """What fraction of the trials is infeasible?"""

    # The playbook's "very large fraction": most of the budget went where nothing can be learnt.
    very_large: Share = Field(
        0.5, description="share of infeasible trials in an arm that is too much"
    )
    # This much of the budget is lost at one end of a range that could be moved at no cost. An upper
    # quarter in which training breaks down shows the edge of stability, and is no waste.
    one_end: Share = Field(
        0.3, description="the same share if all are beyond one value of a hyperparameter"
    )


class UnequalTuning(Shape):
    """Were all arms tuned equally well?"""

    # With normal objectives, the best of twice as many trials is better by a third of a standard
    # deviation. The arms of many studies differ by no more.
    ratio: Factor = Field(2.0, description="ratio of the arms' feasible trials that is unequal")
    # One optimizer often has three hyperparameters and another has two.
    dimensions: Factor = Field(
        3.0, description="ratio of feasible trials per searched hyperparameter that is unequal"
    )


class Collapse(Shape):
    """Does a trial that was good suddenly get worse, and stay so?"""

    # If this many do, the search space reaches far into the unstable region.
    many: Share = Field(0.25, description="share of an arm's feasible trials that makes a pattern")


class Overfitting(Shape):
    """Do any of the trials exhibit problematic overfitting?"""

    significance: Share = Field(0.02, description=FALSE_ALARMS)
    # A smaller rise is not problematic, however smooth the curve is.
    least_share: Share = Field(0.005, description="smallest rise, as a share of the whole gain")
    # This many are no accident.
    many: Share = Field(0.25, description="share of the feasible trials that makes a pattern")


class TrainLossRising(Overfitting):
    """Does the training loss rise during training?"""

    significance: Share = Field(0.01, description=FALSE_ALARMS)
    # Weight decay and dropout alone can cause a smaller rise, which is no sign of a bug.
    least_share: Share = Field(0.02, description="smallest rise, as a share of the whole gain")


class StepVariance(Shape):
    """Is there high step-to-step variance late in training?"""

    # From here on a lucky step decides at least as much as what the study compares.
    ratio: Factor = Field(1.0, description="ratio of the scatter to the differences to be judged")
    last: Share = Field(0.25, description="part of training that is its end")


class StillImproving(Shape):
    """Are the trials still improving at the end of training?"""

    significance: Share = Field(0.02, description=FALSE_ALARMS)
    # The playbook's 25 %.
    last: Share = Field(0.25, description="part of training that is its end")

    least_share: Share = Field(
        0.005, description="gain that is worth more steps, as a share of the whole gain"
    )


class SaturatedEarly(Shape):
    """Has performance saturated long before the final training step?"""

    saturated_by: Share = Field(0.25, description="part of training that would have been enough")
    nothing: Share = Field(0.01, description="share of the whole gain that counts as nothing")


class BestSteps(Shape):
    """At which step did retrospective checkpoint selection find the best?"""

    # The playbook's 25 % and 10 %.
    last: Share = Field(0.25, description="part at the end of training whose best steps are late")
    first: Share = Field(0.1, description="part at the start whose best steps are early")
    consistent: Share = Field(0.8, description="share of the feasible trials that makes a pattern")


class LearningRateEdge(Shape):
    """Is the best learning rate at the edge of stability?"""

    significance: Share = Field(0.02, description=FALSE_ALARMS)


class GradientNorms(Shape):
    """Are there outlying gradient norms, and is clipping too aggressive?"""

    # If the logarithm of the norms varies by 0.7 (a factor of two) within a phase of training, they
    # exceed this once in 2,000 steps.
    outlier: Factor = Field(10.0, description="multiple of the typical norm that is outlying")
    # This many are no accident. One unstable trial in a wide range of learning rates is expected.
    many: Share = Field(0.25, description="share of an arm's trials that makes a pattern")
    # Clipping more than half of the updates is the playbook's "extremely aggressive".
    aggressive: Share = Field(0.5, description="share of clipped updates that is too much")


class Periodicity(Shape):
    """Does the validation metric go up and down with a period?"""

    significance: Share = Field(0.01, description=FALSE_ALARMS)
    # A period that explains less does no harm.

    least_share: Share = Field(0.1, description="share of the scatter that a period must explain")


class BeatsChance(Shape):
    """Does every arm perform much better than chance?"""

    # The playbook's "reasonable" performance is "much better than random chance" though "it might
    # be bad enough to not be worth deploying".

    share: Share = Field(0.25, description="share of the way from chance to perfect that is enough")


class SampleSkew(Shape):
    """Does the validation sample represent the whole validation split?"""

    # A random sample is off by three once in 370 times. Choosing the best step on the sample adds
    # up to one more.
    standard_errors: Factor = Field(4.0, description="largest deviation of a random sample")


class NothingMatters(Shape):
    """Do the searched hyperparameters matter at all?"""

    # A false "something matters" only leads to more tuning, which does little harm.
    significance: Share = Field(0.08, description=FALSE_ALARMS)
    # With fewer, the check only finds effects of more than three standard deviations of the noise.
    least_trials: StrictInt = Field(32, ge=2, description="trials that the check needs")


class Importance(Shape):
    """Which hyperparameters matter, which interact, and which can be fixed next round?"""

    negligible: Share = Field(
        0.1, description="share of the variance below which a hyperparameter is fixed"
    )
    interaction: Share = Field(0.05, description="share above which a pair is tuned together")


class Checklist(Shape):
    """Thresholds of the checklist's checks."""

    boundary: Boundary = Field(default_factory=Boundary)
    sampling_density: SamplingDensity = Field(default_factory=SamplingDensity)
    infeasible: Infeasible = Field(default_factory=Infeasible)
    unequal_tuning: UnequalTuning = Field(default_factory=UnequalTuning)
    collapse: Collapse = Field(default_factory=Collapse)
    overfitting: Overfitting = Field(default_factory=Overfitting)
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
    nothing_matters: NothingMatters = Field(default_factory=NothingMatters)
    importance: Importance = Field(default_factory=Importance)


DEFAULTS = Checklist()
"""The thresholds of a spec that sets none."""


def threshold_table() -> str:
    """Return every threshold with its default and its meaning, as a table in Markdown."""
    rows = [f"| `{check}` | {'; '.join(_described(own))} |" for check, own in DEFAULTS]
    return "\n".join(["| check | thresholds and their defaults |", "| --- | --- |", *rows])


def _described(thresholds: Shape) -> Iterator[str]:
    for name, field in type(thresholds).model_fields.items():
        meaning = field.description
        shown = "" if meaning is None or meaning == FALSE_ALARMS else f": {meaning}"

        yield f"`{name}` {getattr(thresholds, name):g}{shown}"
