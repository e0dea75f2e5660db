"""Optimizers as pure functions, element by element, so that no image sees its batch mates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import tensorflow as tf

Slots = tuple[tf.Tensor, ...]


@dataclass(frozen=True)
class Optimizer:
    """An update rule for descent on a loss.

    slots: How many tensors of the shape of the numbers it remembers, all zero at the start.
    update: (gradient, slots, step from 1 on) -> (what to subtract, new slots).
    rate: Share of the ascent done, 0 to 1 -> factor on what is subtracted, 0 to 1.
    """

    slots: int
    update: Callable[[tf.Tensor, Slots, tf.Tensor], tuple[tf.Tensor, Slots]]
    rate: Callable[[tf.Tensor], tf.Tensor | float] = lambda _done: 1.0


def annealed(optimizer: Optimizer, start: float) -> Optimizer:
    """Let the steps of an optimizer shrink linearly to zero from a share of the ascent on.

    The last, small steps settle what larger ones keep moving about: grain goes, the score stays.

    Args:
        optimizer: Which one.
        start: Share of the ascent after which steps shrink; from 1 on they never do.
    """
    if start >= 1.0:
        return optimizer
    return replace(optimizer, rate=lambda done: tf.clip_by_value((1.0 - done) / (1.0 - start), 0.0, 1.0))


def adam(
    learning_rate: float = 0.05,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    pool: Callable[[tf.Tensor], tf.Tensor] = lambda squares: squares,
) -> Optimizer:
    """Adam (Kingma and Ba 2014) with TensorFlow 1's epsilon, outside of the bias correction.

    Args:
        learning_rate, beta1, beta2, epsilon: As published.
        pool: Replaces squared gradients by means over numbers that share a second moment, as Adam-mini does
            for blocks of weights (Zhang et al. 2024). Then what a gradient says of the numbers of a block
            survives: those that matter move further than those where it is mere noise.
    """

    def update(gradient: tf.Tensor, slots: Slots, step: tf.Tensor) -> tuple[tf.Tensor, Slots]:
        mean = beta1 * slots[0] + (1.0 - beta1) * gradient
        square = beta2 * slots[1] + (1.0 - beta2) * pool(gradient**2)
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
