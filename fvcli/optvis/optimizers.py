"""Optimizers as pure functions, element by element, so that no image sees its batch mates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

Slots = tuple[tf.Tensor, ...]


@dataclass(frozen=True)
class Optimizer:
    """An update rule for descent on a loss.

    slots: How many tensors of the shape of the numbers it remembers, all zero at the start.
    update: (gradient, slots, step from 1 on) -> (what to subtract, new slots).
    """

    slots: int
    update: Callable[[tf.Tensor, Slots, tf.Tensor], tuple[tf.Tensor, Slots]]


def adam(
    learning_rate: float = 0.05, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> Optimizer:
    """Adam (Kingma and Ba 2014) with TensorFlow 1's epsilon, outside of the bias correction."""

    def update(gradient: tf.Tensor, slots: Slots, step: tf.Tensor) -> tuple[tf.Tensor, Slots]:
        mean = beta1 * slots[0] + (1.0 - beta1) * gradient
        square = beta2 * slots[1] + (1.0 - beta2) * gradient**2
        t = tf.cast(step, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
        return rate * mean / (tf.sqrt(square) + epsilon), (mean, square)

    return Optimizer(2, update)


def lion(learning_rate: float = 0.05, beta1: float = 0.5, beta2: float = 0.9) -> Optimizer:
    """Lion (Chen et al. 2023): every number moves by the learning rate, in the sign of a momentum."""

    def update(gradient: tf.Tensor, slots: Slots, step: tf.Tensor) -> tuple[tf.Tensor, Slots]:
        direction = tf.sign(beta1 * slots[0] + (1.0 - beta1) * gradient)
        return learning_rate * direction, (beta2 * slots[0] + (1.0 - beta2) * gradient,)

    return Optimizer(1, update)
