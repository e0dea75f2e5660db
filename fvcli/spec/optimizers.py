"""Optimizers: how a step follows from a gradient."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fvcli.spec.base import Beta, OrName, Positive, Share, Strictly


class Adam(Strictly):
    """Adam; epsilon as in TensorFlow 1; a second moment for each number, or for each band of frequencies."""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 0.05
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-8
    second_moment: Literal["number", "band"] = "number"
    anneal_from: Share = 1.0


class Lion(Strictly):
    """Lion: steps of one size, in the sign of the momentum."""

    kind: Literal["lion"] = "lion"
    learning_rate: Positive = 0.05
    beta1: Beta = 0.5
    beta2: Beta = 0.9
    anneal_from: Share = 1.0


class Gradient(Strictly):
    """Steps along the gradient itself, as of the years before 2017.

    step: ``plain``: the gradient times the learning rate; ``unit``: divided by its length; ``mean``: by the
    mean of its absolute values (DeepDream); ``sign``: its sign; ``progress``: no longer than is meant to
    raise the score by desired_progress (Yosinski et al. 2015).
    """

    kind: Literal["gradient"]
    learning_rate: Positive = 0.05
    momentum: Beta = 0.0
    step: Literal["plain", "unit", "mean", "sign", "progress"] = "plain"
    desired_progress: Positive = 2.0
    anneal_from: Share = 1.0


class Nadam(Strictly):
    """Adam with Nesterov's momentum (Dozat 2016), as Keras has it."""

    kind: Literal["nadam"]
    learning_rate: Positive = 1.0
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-7
    anneal_from: Share = 1.0


AnyOptimizer = Adam | Lion | Gradient | Nadam
Optimizer = Annotated[AnyOptimizer, Field(discriminator="kind"), OrName("kind")]
