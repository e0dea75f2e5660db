"""Where an ascent stands, and what a call of its compiled loop is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations import Params


@dataclass(frozen=True)
class State:
    """Where an ascent stands: the params, the optimizer's memory, and steps done.

    silent: bool [batch]; the last step's gradient of that image was zero throughout.
    score: float32 [batch]; the mean score of the views since the latest draws.
    trace: float32 [STEPS_PER_CALL, batch]; the score of the views before each of the steps
        since the latest draws.
    attention: float32 [batch, h, w]; the sum over steps of the mean over channels of the absolute gradient
        of the picture, or [batch, 0, 0].
    """

    params: Params
    slots: tuple[Params, ...]
    step: int
    silent: tf.Tensor
    score: tf.Tensor
    trace: tf.Tensor
    attention: tf.Tensor


class Draws(NamedTuple):
    """Random numbers in [0, 1) for STEPS_PER_CALL steps: own [steps, batch, n], shared [steps, m]."""

    own: np.ndarray
    shared: np.ndarray


class Schedule(NamedTuple):
    """When the steps of a call are taken; see ``Ascent.advance``. begin is the first of the draws to use."""

    done: tf.Tensor
    begin: tf.Tensor
    steps: tf.Tensor
    total: tf.Tensor
    skipped: tf.Tensor
    moving: tf.Tensor

    def share(self, i: tf.Tensor) -> tf.Tensor:
        """Return the share of its ascent that each image has done before step i of the call, [batch]."""
        return (tf.cast(self.done + i, tf.float32) + self.skipped) / self.total


class Gradient(NamedTuple):
    of_params: Params
    of_images: tf.Tensor | None
    scores: tf.Tensor
