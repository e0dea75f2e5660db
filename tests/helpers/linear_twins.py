"""A Keras network without its non-linearities, and weights between its layers by plain differences."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from fvcli.models import ModelChoice, Preprocessing
from fvcli.models.loaded.assemble import facts_of
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.loaded.weights import randomize, weights_sum
from fvcli.worker.unit_links import find_links


@keras.saving.register_keras_serializable("tests")
class EverySecond(layers.Layer):  # type: ignore[misc]
    """What a max pooling of 3 x 3 with stride 2 and no padding leaves if the middle is the largest."""

    def call(self, x: Any) -> Any:
        return x[:, 1:-1:2, 1:-1:2]


def finished(model: keras.Model, seed: int = 0) -> keras.Model:
    """Give a network weights, its normalizations among them."""
    randomize(model, seed)
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            mean, variance = rng.normal(size=layer.gamma.shape), rng.uniform(0.5, 2, layer.gamma.shape)
            gamma, beta = rng.uniform(-1, 2, layer.gamma.shape), rng.normal(size=layer.gamma.shape)
            layer.set_weights([gamma, beta, mean, variance])
    return model


def as_loaded(model: keras.Model) -> LoadedModel:
    """Lay a network open that is in no file."""
    network = lay_open(model)
    height, width = network.size_px
    assert height is not None
    assert width is not None
    facts = facts_of(
        network,
        ModelChoice(path=f"{model.name}.keras"),
        name=model.name,
        native_size_px=(height, width),
        preprocessing=Preprocessing((-1.0, 1.0)),
        weights="random",
        weights_sha256=weights_sum(model),
        parameters=None,
    )
    return LoadedModel(facts, network.graph, model)


def linear_twin(model: keras.Model) -> keras.Model:
    """Return a network of the same weights whose non-linearities are left out."""
    twin = keras.models.clone_model(model, clone_function=_linear)
    twin.set_weights(model.get_weights())
    return twin


def _linear(layer: Any) -> Any:
    if isinstance(layer, layers.ReLU | layers.Activation):
        return layers.Identity(name=layer.name)
    if isinstance(layer, layers.MaxPooling2D):
        plain = tuple(layer.strides) == (1, 1)
        return layers.Identity(name=layer.name) if plain else EverySecond(name=layer.name)
    config = layer.get_config()
    return type(layer).from_config(config | ({"activation": None} if "activation" in config else {}))


def weights_by_differences(model: keras.Model, lower: str, upper: str) -> tuple[np.ndarray, np.ndarray]:
    """Return norms with signs and sums of the weights between two layers, each [upper, lower channels].

    Every value of the lower layer is raised by 1 in turn. Maps must be small.
    """
    twin = linear_twin(model)
    below, above = twin.get_layer(lower).output, twin.get_layer(upper).output
    part = keras.Model(below, above)
    shape = tuple(below.shape[1:])
    raised = np.eye(int(np.prod(shape)), dtype=np.float32).reshape(-1, *shape)
    parts = np.array_split(raised, -(-len(raised) // 512))
    made = np.concatenate([part(one).numpy() for one in parts]) - part(0 * raised[:1]).numpy()
    if made.ndim == 4:
        made = made[:, made.shape[1] // 2, made.shape[2] // 2]
    kernels = made.reshape(-1, shape[-1], made.shape[-1]).transpose(2, 1, 0)  # [upper, lower, positions]
    total = kernels.sum(-1)
    return np.sqrt((kernels**2).sum(-1)) * np.where(total < 0, -1, 1), total


def all_weights(model: LoadedModel, lower: str, upper: str) -> np.ndarray:
    """Return the weights that links are made of, [upper, lower channels], from what is kept of them.

    Layers must have so few channels that all links are kept.
    """
    nodes = {node.name: node for node in model.facts.nodes}
    found = find_links(model, {lower: range(nodes[lower].channels), upper: range(nodes[upper].channels)})
    links = found.layers[upper]
    assert links.to_below is not None, links.reason
    weights = np.zeros((nodes[upper].channels, nodes[lower].channels), np.float32)
    for row, channels, values in zip(weights, links.to_below.channels, links.to_below.weights, strict=True):
        row[channels[channels >= 0]] = values[channels >= 0]
    return weights
