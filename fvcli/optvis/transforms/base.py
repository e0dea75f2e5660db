"""What every transform is, and a chain of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Transform:
    """One random change.

    apply: images [batch, h, w, c] in [0, 1], draws -> images; draws are [batch, draws] in [0, 1),
        or [draws] where they are shared by the batch.
    draws: Random numbers it takes a step.
    shared: Whether the batch shares them.
    timed: Whether what it does changes over the ascent; then the share of the ascent that is done, 0 to 1,
        comes as a last draw.
    """

    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    draws: int = 0
    shared: bool = False
    timed: bool = False


def apply_all(
    transforms: Sequence[Transform],
    images: tf.Tensor,
    draws: tf.Tensor,
    shared: tf.Tensor,
    share: tf.Tensor | None = None,
) -> tf.Tensor:
    """Apply the transforms in order.

    Args:
        transforms: Each takes its columns of draws, or of shared.
        images: [batch, h, w, channels] in [0, 1].
        draws: [batch, n] in [0, 1).
        shared: [m] in [0, 1).
        share: Of the ascent that is done, [batch], for those that are timed; without it they stay where
            they start.
    """
    own_at = shared_at = 0
    for transform in transforms:
        if transform.shared:
            images = transform.apply(images, shared[shared_at : shared_at + transform.draws])
            shared_at += transform.draws
        else:
            mine = draws[:, own_at : own_at + transform.draws]
            if transform.timed:
                done = tf.zeros_like(draws[:, 0]) if share is None else share
                mine = tf.concat([mine, done[:, None]], axis=1)
            images = transform.apply(images, mine)
            own_at += transform.draws
    return images
