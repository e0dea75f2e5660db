"""Small Keras networks as objectives read them."""

from __future__ import annotations

import keras

from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.calls import CallGraph
from fvcli.optvis.network import Network


def as_network(model: keras.Model, *args, **kwargs) -> Network:
    """Lay a model open; where its outputs are a dict, its keys are names of layers, too."""
    laid = lay_open(model)
    calls = dict(laid.graph.calls)
    if isinstance(model.output, dict):
        calls |= {key: calls[name] for key, name in zip(sorted(model.output), laid.outputs, strict=True)}
    return Network(CallGraph(laid.graph.image, calls), *args, **kwargs)
