"""Build a functional Keras model from plain nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from fvcli.models.graph import IMAGE, Node

BATCH_NORM_EPSILON = 1e-3  # EfficientNet's; Keras's own default, too


def build_keras(
    name: str, nodes: Sequence[Node], channels: int, arrays: Mapping[str, list[np.ndarray]]
) -> keras.Model:
    """Return a model with one output per node, every layer named as its node.

    Args:
        name: Name of the Keras model.
        nodes: The layers, in order; see ``fvcli.models.graph.Node``.
        channels: Channels of the input image; height and width stay free.
        arrays: The weights of each layer that has any, in Keras order.
    """
    image = keras.Input((None, None, channels), name=IMAGE)
    tensors = {IMAGE: image}
    for node in nodes:
        sources = [tensors[source] for source in node.inputs]
        layer = _layer(node)
        tensors[node.name] = layer(sources if len(sources) > 1 else sources[0])
    model = keras.Model(image, {node.name: tensors[node.name] for node in nodes}, name=name)
    for layer_name, values in arrays.items():
        model.get_layer(layer_name).set_weights(values)
    model.trainable = False
    return model


def _layer(node: Node) -> keras.Layer:
    layers = keras.layers
    if node.kind == "conv":
        return layers.Conv2D(
            *(node.channels, node.window.kernel, node.window.stride),
            padding="same",
            use_bias=False,
            name=node.name,
        )
    if node.kind == "depthwise_conv":
        return layers.DepthwiseConv2D(
            node.window.kernel, node.window.stride, padding="same", use_bias=False, name=node.name
        )
    if node.kind == "batch_norm":
        return layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=node.name)
    if node.kind == "relu6":
        return layers.ReLU(max_value=6.0, name=node.name)
    if node.kind == "add":
        return layers.Add(name=node.name)
    if node.kind == "global_pool":
        return layers.GlobalAveragePooling2D(name=node.name)
    if node.kind == "dense":
        return layers.Dense(node.channels, name=node.name)
    raise ValueError(f"no Keras layer for a node of kind {node.kind}")
