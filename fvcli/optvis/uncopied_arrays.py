"""Large arrays that compiled functions read without a copy of their own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def held(array: np.ndarray) -> tf.Tensor:
    """Return an array as a tensor outside of all graphs.

    A graph refers to such a tensor. Of an array that a graph has inside as a constant, TensorFlow makes up to
    thirty copies while it compiles: one for each graph, body of a loop, optimized form of it and so on.
    """
    with tf.init_scope():
        return tf.constant(array)
