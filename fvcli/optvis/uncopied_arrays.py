"""Large arrays that compiled functions read without a copy of their own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

LARGE_BYTES = 2_000_000  # of kernels; smaller ones stay inside graphs, where TensorFlow prepares them once


def held(array: np.ndarray) -> tf.Tensor:
    """Return an array as a tensor outside of all graphs.

    A graph refers to such a tensor. Of an array that a graph has inside as a constant, TensorFlow makes up to
    thirty copies while it compiles: one for each graph, body of a loop, optimized form of it and so on.
    """
    with tf.init_scope():
        return tf.constant(array)


def held_if_large(array: np.ndarray) -> np.ndarray | tf.Tensor:
    """Return an array as it is, or held where its copies would matter: VGG-16 has a kernel of 411 MB."""
    return held(array) if array.nbytes >= LARGE_BYTES else array
