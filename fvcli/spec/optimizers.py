"""Optimizers: how a step follows from a gradient.

Each kind says itself which learning rate suits a parameterization; see ``OptimizerKind``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fvcli.spec.base import Beta, DependsOn, OrName, Positive, Share, Strictly, two_digits

MEASURED_STEPS = 128
OF_OTHERS = "others"  # parameterizations without a rate of their own: those on a grid

LearningRate = Annotated[
    Positive,
    DependsOn("the parameterization"),
    Field(description="size of a step; lower it where pictures burn, raise it where they stay grey"),
]
AnnealFrom = Annotated[
    Share, Field(description="share of the steps after which they shrink, down to 0 at the last; 1 is never")
]


class OptimizerKind(Strictly):
    """What every optimizer says of itself.

    rates: Learning rates by kind of parameterization, for specs that name none. Measured on channels of
        EfficientNet-Lite0: the score rises most, and few pixels are at the ends of their range.
    """

    rates: ClassVar[Mapping[str, float]]

    def rate_for(self, parameterization: str, steps: int) -> float | None:
        """Return the learning rate that suits a kind of parameterization and a number of steps.

        None: the network decides it, so a spec has to name one.
        """
        return self.rates.get(parameterization, self.rates[OF_OTHERS])


class Adam(OptimizerKind):
    """Adam; epsilon as in TensorFlow 1; a second moment for each number, or for each band of frequencies."""

    rates: ClassVar[Mapping[str, float]] = {OF_OTHERS: 0.05, "cppn": 0.003}

    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.05
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-8
    second_moment: Literal["number", "band"] = "number"
    anneal_from: AnnealFrom = 1.0


class Lion(OptimizerKind):
    """Lion: steps of one size, in the sign of the momentum."""

    rates: ClassVar[Mapping[str, float]] = {OF_OTHERS: 0.05, "cppn": 0.001}

    kind: Literal["lion"] = "lion"
    learning_rate: LearningRate = 0.05
    beta1: Beta = 0.5
    beta2: Beta = 0.9
    anneal_from: AnnealFrom = 1.0


class Gradient(OptimizerKind):
    """Steps along the gradient itself, as of the years before 2017.

    step: ``mean`` divides the gradient by the mean of its absolute values (DeepDream); it is the default.
    ``sign`` takes its sign. ``plain`` takes it as it is; it is the default where learning_rate is written.
    ``unit`` divides it by its length. ``progress`` makes it no longer than what promises to raise the score
    by desired_progress (Yosinski et al. 2015). The last three need a learning_rate, because the network and
    the size of the picture decide which one suits them.
    """

    rates: ClassVar[Mapping[str, float]] = Lion.rates
    mean_rates: ClassVar[Mapping[str, float]] = {  # of 128 steps; of more steps less
        **{OF_OTHERS: 0.006, "laplacian": 0.02, "pixel": 0.06},
        **{"cppn": 0.0005, "maco": 0.08, "generator": 0.05},
    }

    kind: Literal["gradient"]
    learning_rate: LearningRate = 0.05
    momentum: Beta = 0.0
    step: Annotated[
        Literal["plain", "unit", "mean", "sign", "progress"],
        DependsOn("whether learning_rate is written"),
        Field(description="how the gradient becomes a step"),
    ] = "plain"
    desired_progress: Positive = 2.0
    anneal_from: AnnealFrom = 1.0

    @model_validator(mode="before")
    @classmethod
    def _step(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.keys() & {"step", "learning_rate"}:
            return {**data, "step": "mean"}
        return data

    def rate_for(self, parameterization: str, steps: int) -> float | None:
        if self.step == "sign":
            return super().rate_for(parameterization, steps)
        if self.step != "mean":
            return None
        rate = self.mean_rates.get(parameterization, self.mean_rates[OF_OTHERS])
        return two_digits(rate * math.sqrt(MEASURED_STEPS / steps))


class Nadam(OptimizerKind):
    """Adam with Nesterov's momentum (Dozat 2016), as Keras has it."""

    rates: ClassVar[Mapping[str, float]] = {OF_OTHERS: 0.1, "cppn": 0.003, "maco": 1.0}

    kind: Literal["nadam"]
    learning_rate: LearningRate = 0.1
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-7
    anneal_from: AnnealFrom = 1.0


AnyOptimizer = Adam | Lion | Gradient | Nadam
Optimizer = Annotated[AnyOptimizer, Field(discriminator="kind"), OrName("kind")]
