"""Optimizers as pure functions of each image's own gradient, so that no image sees its batch mates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations import Params

Slots = tuple[Params, ...]
Step = Literal["plain", "unit", "mean", "sign", "progress"]

SMALLEST = float(np.finfo(np.float32).tiny)  # what is shorter counts as no gradient
REGISTER = 16  # numbers of the widest vector register
DOZAT_DECAY = 0.96  # of Nadam's momentum, as published


@dataclass(frozen=True)
class Optimizer:
    """An update rule for descent on a loss.

    slots: How many tuples like the params it remembers, all zero at the start.
    update: (gradient, slots, step from 1 on) -> (what to subtract, new slots).
    rate: Share of the ascent done, 0 to 1 -> factor on what is subtracted, 0 to 1.
    """

    slots: int
    update: Callable[[Params, Slots, tf.Tensor], tuple[Params, Slots]]
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
    pool: Callable[[Params], Params] = lambda squares: squares,
) -> Optimizer:
    """Adam (Kingma and Ba 2014) with TensorFlow 1's epsilon, outside of the bias correction.

    Args:
        learning_rate, beta1, beta2, epsilon: As published.
        pool: Replaces squared gradients by means over params that share a second moment, as Adam-mini does
            for blocks of weights (Zhang et al. 2024). Then what a gradient says of the params of a block
            survives: those that matter move further than those where it is mere noise.
    """

    def update(gradient: Params, slots: Slots, step: tf.Tensor) -> tuple[Params, Slots]:
        means = _mixed(beta1, slots[0], gradient)
        squares = _mixed(beta2, slots[1], pool(tuple(map(tf.square, gradient))))
        t = tf.cast(step, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
        pairs = zip(means, squares, strict=True)
        return tuple(rate * mean / (tf.sqrt(square) + epsilon) for mean, square in pairs), (means, squares)

    return Optimizer(2, update)


def _mixed(share: float, old: Params, new: Params) -> Params:
    """Return a running mean: a share of the old, and the rest of the new."""
    return tuple(share * was + (1.0 - share) * now for was, now in zip(old, new, strict=True))


def lion(learning_rate: float = 0.05, beta1: float = 0.5, beta2: float = 0.9) -> Optimizer:
    """Lion (Chen et al. 2023): every number moves by the learning rate, in the sign of a momentum."""

    def update(gradient: Params, slots: Slots, step: tf.Tensor) -> tuple[Params, Slots]:
        directions = tuple(learning_rate * tf.sign(v) for v in _mixed(beta1, slots[0], gradient))
        return directions, (_mixed(beta2, slots[0], gradient),)

    return Optimizer(1, update)


def nadam(
    learning_rate: float = 0.05,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-7,
    momentum_decay: float = 1.0,
) -> Optimizer:
    """Nadam (Dozat 2016): Adam that looks one step of its momentum ahead.

    Formulas: Keras 3, ``Nadam``. The momentum of step t is beta1 * (1 - 0.96^(t * momentum_decay) / 2).

    Args:
        learning_rate, beta1, beta2, epsilon: As published.
        momentum_decay: How fast the momentum warms up: 1 as in Keras 3, 0.004 as in the paper and PyTorch.
    """

    def momentum(step: tf.Tensor) -> tf.Tensor:
        return beta1 * (1.0 - 0.5 * DOZAT_DECAY ** (tf.cast(step, tf.float32) * momentum_decay))

    def update(gradient: Params, slots: Slots, step: tf.Tensor) -> tuple[Params, Slots]:
        means = _mixed(beta1, slots[0], gradient)
        squares = _mixed(beta2, slots[1], tuple(map(tf.square, gradient)))
        now, ahead = momentum(step), momentum(step + 1)
        product = tf.reduce_prod(momentum(tf.range(1, step + 1)))  # of all momenta so far
        of_mean, of_gradient = ahead / (1.0 - product * ahead), (1.0 - now) / (1.0 - product)
        corrected = 1.0 - beta2 ** tf.cast(step, tf.float32)
        changes = (
            learning_rate * (of_mean * mean + of_gradient * g) / (tf.sqrt(square / corrected) + epsilon)
            for mean, square, g in zip(means, squares, gradient, strict=True)
        )
        return tuple(changes), (means, squares)

    return Optimizer(2, update)


def gradient(
    learning_rate: float = 0.05, momentum: float = 0.0, step: Step = "plain", desired_progress: float = 2.0
) -> Optimizer:
    """Gradient descent without memory of sizes, as pictures were made with before Adam.

    Args:
        learning_rate: Factor on the direction.
        momentum: Share of what was subtracted last that is subtracted again; 0 remembers nothing.
        step: The direction, from the gradient g of all params of an image:

            - ``plain``: g
            - ``unit``: g / its L2 norm
            - ``mean``: g / the mean of its absolute values (DeepDream, Mordvintsev et al. 2015)
            - ``sign``: its signs
            - ``progress``: g, but shrunk where ``learning_rate * g`` promises to raise the score, were it
              linear, by more than ``desired_progress`` (Yosinski et al. 2015, their ``lr_policy``)
        desired_progress: The highest promise, in units of the score.
    """

    def update(gradient: Params, slots: Slots, _step: tf.Tensor) -> tuple[Params, Slots]:
        moves = tuple(learning_rate * d for d in _direction(gradient, step, learning_rate, desired_progress))
        if not momentum:
            return moves, ()
        moves = tuple(momentum * was + now for was, now in zip(slots[0], moves, strict=True))
        return moves, (moves,)

    return Optimizer(1 if momentum else 0, update)


def _direction(gradient: Params, step: Step, learning_rate: float, desired_progress: float) -> Params:
    """Return what is multiplied with the learning rate; see ``gradient``."""
    if step == "plain":
        return gradient
    if step == "sign":
        return tuple(map(tf.sign, gradient))
    rows = _rows(gradient)
    if step == "progress":
        promised = learning_rate * tf.reduce_sum(tf.square(rows), axis=1)
        # of no gradient 0, and the quotient is infinite
        return _scaled(gradient, tf.minimum(tf.ones_like(promised), desired_progress / promised))
    if step == "mean":
        length = tf.reduce_sum(tf.abs(rows), axis=1) / sum(math.prod(g.shape[1:]) for g in gradient)
    else:
        length = tf.sqrt(tf.reduce_sum(tf.square(rows), axis=1))
    return _scaled(gradient, tf.where(length >= SMALLEST, 1.0 / length, 0.0))


def _rows(values: Params) -> tf.Tensor:
    """Return all params of each image as a row: float64, so that squares stay within range.

    Rows are filled up with zeros to whole vector registers. Otherwise the order in which TensorFlow sums the
    params of an image would depend on its place in the batch.
    """
    flat = [tf.reshape(v, [v.shape[0], -1]) for v in values]
    filling = -sum(v.shape[1] for v in flat) % REGISTER
    return tf.cast(tf.pad(tf.concat(flat, axis=1), [[0, 0], [0, filling]]), tf.float64)


def _scaled(values: Params, factors: tf.Tensor) -> Params:
    """Multiply the params of each image with a factor of its own, float64 [batch]."""
    shapes = ([-1] + [1] * (v.shape.rank - 1) for v in values)
    pairs = zip(values, shapes, strict=True)
    return tuple(tf.cast(tf.cast(v, tf.float64) * tf.reshape(factors, to), tf.float32) for v, to in pairs)
