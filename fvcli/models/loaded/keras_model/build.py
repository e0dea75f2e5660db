"""Build a functional Keras model from plain nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from fvcli.models.graph import IMAGE, Node
from fvcli.models.loaded.keras_model.lrn import LRN

BATCH_NORM_EPSILON = 1e-3  # EfficientNet's and torchvision's GoogLeNet's; Keras's own default, too
Arrays = Sequence[np.ndarray]
layers = keras.layers


def build_keras(
    name: str, nodes: Sequence[Node], channels: int, arrays: Mapping[str, list[np.ndarray]]
) -> keras.Model:
    """Return a model with one output per node, every layer named as its node.

    Args:
        name: Name of the Keras model.
        nodes: The layers, in order; see ``fvcli.models.graph.Node``.
        channels: Channels of the input image; height and width stay free.
        arrays: The weights of each layer that has any, in Keras order: a convolution has a bias if there are
            two. Of a local response normalization its settings: depth radius, bias, alpha and beta.
    """
    image = keras.Input((None, None, channels), name=IMAGE)
    tensors = {IMAGE: image}
    for node in nodes:
        sources = [tensors[source] for source in node.inputs]
        layer = _layer(node, arrays.get(node.name, ()))
        tensors[node.name] = layer(sources if len(sources) > 1 else sources[0])
        if layer.weights:
            layer.set_weights(arrays[node.name])
    model = keras.Model(image, {node.name: tensors[node.name] for node in nodes}, name=name)
    model.trainable = False
    return model


def _layer(node: Node, arrays: Arrays) -> keras.Layer:
    if node.kind not in _LAYERS:
        raise ValueError(f"no Keras layer for a node of kind {node.kind}")
    return _LAYERS[node.kind](node, arrays)


def _conv(node: Node, arrays: Arrays) -> keras.Layer:
    return layers.Conv2D(
        *(node.channels, node.window.kernel, node.window.stride, node.window.padding),
        use_bias=len(arrays) > 1,
        name=node.name,
    )


def _depthwise_conv(node: Node, arrays: Arrays) -> keras.Layer:
    return layers.DepthwiseConv2D(
        *(node.window.kernel, node.window.stride, node.window.padding),
        use_bias=len(arrays) > 1,
        name=node.name,
    )


def _lrn(node: Node, arrays: Arrays) -> keras.Layer:
    depth_radius, bias, alpha, beta = (float(value) for value in arrays[0])
    return LRN(int(depth_radius), bias, alpha, beta, name=node.name)


def _max_pool(node: Node, _: Arrays) -> keras.Layer:
    window = node.window
    return layers.MaxPooling2D(window.kernel, window.stride, window.padding, name=node.name)


_LAYERS: dict[str, Callable[[Node, Arrays], keras.Layer]] = {
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "batch_norm": lambda node, _: layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=node.name),
    "lrn": _lrn,
    "pad": lambda node, _: layers.ZeroPadding2D(node.window.padding, name=node.name),
    "relu": lambda node, _: layers.ReLU(name=node.name),
    "relu6": lambda node, _: layers.ReLU(max_value=6.0, name=node.name),
    "add": lambda node, _: layers.Add(name=node.name),
    "concat": lambda node, _: layers.Concatenate(name=node.name),
    "max_pool": _max_pool,
    "global_pool": lambda node, _: layers.GlobalAveragePooling2D(name=node.name),
    "dense": lambda node, _: layers.Dense(node.channels, name=node.name),
    "softmax": lambda node, _: layers.Softmax(name=node.name),
}
