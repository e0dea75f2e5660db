"""Layers that are stored as small integers, which Keras computes in a way of its own.

Their gradient is Keras's, too: rounding counts for nothing, and weights for what the integers stand for.
"""

from __future__ import annotations

from collections import Counter

import keras

from fvcli.errors import counted

SAID = (
    "computed as Keras does, from rounded weights, and in some modes from rounded activations; the gradient "
    "takes no notice of the rounding"
)


def quantized_remark(model: keras.Model) -> str | None:
    """Say how many layers are quantized, and what that means, as a sentence; None if none is."""
    modes = Counter(
        str(layer.quantization_mode)
        for layer in model._flatten_layers()
        if layer.quantization_mode is not None and not isinstance(layer, keras.Model)
    )
    if not modes:
        return None
    listed = ", ".join(mode for mode, _ in modes.most_common())
    return f"{counted(modes.total(), 'layer')} quantized ({listed}): {SAID}"
