"""Optimizers: how a step follows from a gradient.

Each kind says itself which learning rate suits a parameterization; see ``OptimizerKind``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fvcli.spec.base import (
    WHEN_LEFT_OUT,
    Beta,
    DependsOn,
    OrName,
    Positive,
    Share,
    Strictly,
    two_digits,
)

MEASURED_STEPS = 128
OF_OTHERS = "others"  # parameterizations without a rate of their own: those on a grid

LearningRate = Annotated[
    Positive,
    DependsOn("the parameterization"),
    Field(
        description="Length of a step. Lower it if colours saturate to black and white, raise it if pictures "
        "stay grey. Example: 0.05."
    ),
]
AnnealFrom = Annotated[
    Share,
    Field(
        description="Share of the steps after which steps get smaller, down to 0 at the last. It removes "
        "grain. 1 keeps their length. Example: 0.5."
    ),
]
Momentum = Annotated[
    Beta,
    Field(
        description="How much of the earlier gradients a step follows (first moment). Lower values turn "
        "faster."
    ),
]
Memory = Annotated[
    Beta,
    Field(description="How long the size of gradients is remembered (second moment); near 1 is long."),
]
Epsilon = Annotated[
    Positive, Field(description="Small number that keeps a division from being by 0. Rarely needs a change.")
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
    """Adam: divides each gradient by its own recent size (Kingma, Ba 2014). The usual choice.

    Example: optimizer: {kind: adam, learning_rate: 0.05}
    """

    rates: ClassVar[Mapping[str, float]] = {OF_OTHERS: 0.05, "cppn": 0.003, "deep_image_prior": 0.02}

    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.05
    beta1: Momentum = 0.9
    beta2: Memory = 0.999
    epsilon: Epsilon = 1e-8
    second_moment: Literal["number", "band"] = Field(
        "number",
        description="What shares one gradient size: each optimised value has its own (`number`), or all "
        "values of a band of frequencies share one (`band`), which gives less noise.",
    )
    anneal_from: AnnealFrom = 1.0


class Lion(OptimizerKind):
    """Lion: every value moves by the learning rate, up or down (Chen et al. 2023).

    Example: optimizer: {kind: lion, learning_rate: 0.03, anneal_from: 0.5}
    """

    rates: ClassVar[Mapping[str, float]] = {OF_OTHERS: 0.05, "cppn": 0.001, "deep_image_prior": 0.01}

    kind: Literal["lion"] = "lion"
    learning_rate: LearningRate = 0.05
    beta1: Annotated[
        Beta, Field(description="Share of the earlier gradients in the direction of a step.")
    ] = 0.5
    beta2: Annotated[
        Beta, Field(description="How long earlier gradients are remembered; near 1 is long.")
    ] = 0.9
    anneal_from: AnnealFrom = 1.0


class Gradient(OptimizerKind):
    """Steps along the gradient itself, as before 2017.

    `plain`, `unit` and `progress` need a learning_rate, because the network and the size of the picture
    decide which one suits.

    Example: optimizer: {kind: gradient, step: mean, momentum: 0.5}
    """

    rates: ClassVar[Mapping[str, float]] = Lion.rates
    mean_rates: ClassVar[Mapping[str, float]] = {  # of 128 steps; of more steps less
        **{OF_OTHERS: 0.006, "laplacian": 0.02, "pixel": 0.06},
        **{"cppn": 0.0005, "deep_image_prior": 0.0003, "maco": 0.08, "generator": 0.05},
    }

    kind: Literal["gradient"]
    learning_rate: LearningRate = 0.05
    momentum: Annotated[
        Beta,
        Field(description="Share of the last step that is taken again. Higher values smooth the way."),
    ] = 0.0
    step: Annotated[
        Literal["plain", "unit", "mean", "sign", "progress"],
        Field(
            description="How the gradient is scaled: `mean` divides it by its mean absolute value "
            "(DeepDream), `sign` keeps signs only, `plain` changes nothing, `unit` divides it by its length, "
            "`progress` caps the step (Yosinski et al. 2015).",
            json_schema_extra={WHEN_LEFT_OUT: "`mean`; `plain` if learning_rate is written"},
        ),
    ] = "plain"
    desired_progress: Annotated[
        Positive,
        Field(
            description="For `step: progress`: the step length is capped so that the expected gain in score "
            "is at most this."
        ),
    ] = 2.0
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
    """Adam that looks one step of its momentum ahead (Dozat 2016), as in Keras.

    Example: optimizer: {kind: nadam, learning_rate: 0.1}
    """

    rates: ClassVar[Mapping[str, float]] = {
        OF_OTHERS: 0.1,
        **{"cppn": 0.003, "deep_image_prior": 0.02, "maco": 1.0},
    }

    kind: Literal["nadam"]
    learning_rate: LearningRate = 0.1
    beta1: Momentum = 0.9
    beta2: Memory = 0.999
    epsilon: Epsilon = 1e-7
    anneal_from: AnnealFrom = 1.0


AnyOptimizer = Adam | Lion | Gradient | Nadam
Optimizer = Annotated[AnyOptimizer, Field(discriminator="kind"), OrName("kind")]
