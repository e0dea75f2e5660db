"""Weights that nobody learnt, and the sum of those that somebody did."""

from __future__ import annotations

import hashlib
import math

import keras
import numpy as np


def randomize(model: keras.Model, seed: int = 0) -> None:
    """Set kernels to numbers from N(0, 2 / inputs) (He et al. 2015), the same each time.

    What is one number a channel (biases, normalizations) keeps what Keras gives it.
    """
    rng = np.random.default_rng(seed)
    depthwise = [la for la in model._flatten_layers() if isinstance(la, keras.layers.DepthwiseConv2D)]
    each_channel = {id(layer.kernel) for layer in depthwise}
    for variable in model.weights:
        shape = tuple(variable.shape)
        if len(shape) > 1:
            inputs = math.prod(shape[:2] if id(variable) in each_channel else shape[:-1])
            values = rng.standard_normal(shape, dtype=np.float32)
            variable.assign(values * np.float32(math.sqrt(2.0 / inputs)))


def weights_sum(model: keras.Model) -> str:
    """Return the SHA-256 of all weights, in the model's order, with their shapes."""
    total = hashlib.sha256()
    for variable in model.weights:
        array = np.ascontiguousarray(variable.numpy())
        total.update(f"{array.shape}{array.dtype}".encode())
        total.update(array.tobytes())
    return total.hexdigest()
