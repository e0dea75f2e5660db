"""Small TensorFlow graphs as users bring them, and what TensorFlow itself makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

v1 = tf.compat.v1
raw = tf.raw_ops
NETWORK_SEED = 3
SIDE_PX = 32


def weights(*shape: int, seed: int = 0, scale: float = 0.3) -> np.ndarray:
    return np.random.default_rng([*shape, seed]).normal(0, scale, shape).astype(np.float32)


def graph_of(build: Callable[[], Any]) -> Any:
    """Return the GraphDef of what a function builds from placeholders and constants."""
    with tf.Graph().as_default() as graph:
        build()
    return graph.as_graph_def()


def frozen(model: keras.Model) -> Any:
    """Freeze a Keras model as TensorFlow 2 does."""
    shape = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")
    function = tf.function(lambda image: model(image, training=False)).get_concrete_function(shape)
    return convert_variables_to_constants_v2(function).graph.as_graph_def()


def write(graph: Any, path: Path) -> Path:
    path.write_bytes(graph.SerializeToString())
    return path


def with_metadata(graph: Any, **facts: Any) -> Any:
    """Return a graph with the constant that Lucid adds."""

    def build() -> None:
        tf.import_graph_def(graph, name="")
        tf.constant(json.dumps(facts), name="lucid_metadata_json")

    return graph_of(build)


def computed(graph: Any, feeds: Mapping[str, np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    """Run a graph as TensorFlow 1 did, which shares nothing with how fvcli computes it."""
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(graph, name="")
        tensors = [name if ":" in name else f"{name}:0" for name in names]
        return session.run(tensors, {f"{name}:0": value for name, value in feeds.items()})


# ---- networks


def keras_network() -> keras.Model:
    """A network with a layer of every common kind, and statistics and biases that are not zero."""
    image = keras.Input((SIDE_PX, SIDE_PX, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0, name="relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    z = layers.Concatenate(name="both")([x, y])
    z = layers.MaxPooling2D(3, 2, padding="same", name="pool")(z)
    z = layers.Dropout(0.5, name="dropout")(z)
    z = layers.Add(name="sum")([z, layers.Conv2D(16, 1, activation="swish", name="gate")(z)])
    z = layers.GlobalAveragePooling2D(name="mean")(z)
    model = keras.Model(image, layers.Dense(5, activation="softmax", name="top")(z))
    for i, value in enumerate(model.weights):
        positive = "variance" in value.path
        new = weights(*value.shape, seed=NETWORK_SEED + i)
        value.assign(np.abs(new) + 0.5 if positive else new)
    return model


def lucids_network(side: int | None = None) -> Any:
    """A graph of 2015's kind, with the names that Lucid's InceptionV1 has."""

    def conv(x: Any, name: str, *shape: int, stride: int = 1) -> Any:
        with tf.name_scope(f"{name}_pre_relu/"):
            y = raw.Conv2D(
                input=x, filter=weights(*shape), strides=[1, stride, stride, 1], padding="SAME", name="conv"
            )
        y = raw.BiasAdd(value=y, bias=weights(shape[-1]), name=f"{name}_pre_relu")
        return raw.Relu(features=y, name=name)

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, side, side, 3), name="input")
        x = conv(x, "conv2d0", 5, 5, 3, 8, stride=2)
        x = raw.MaxPool(
            input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME", name="maxpool0"
        )
        x = raw.LRN(input=x, depth_radius=2, bias=1.0, alpha=1e-2, beta=0.5, name="localresponsenorm0")
        branches = [conv(x, "mixed3a_1x1", 1, 1, 8, 4), conv(x, "mixed3a_3x3", 3, 3, 8, 6)]
        x = raw.Concat(concat_dim=3, values=branches, name="mixed3a")
        x = raw.AvgPool(
            value=x, ksize=[1, 8, 8, 1], strides=[1, 1, 1, 1], padding="VALID", name="avgpool0"
        )
        x = raw.Reshape(tensor=x, shape=[-1, 10], name="avgpool0/reshape")
        with tf.name_scope("softmax2_pre_activation/"):
            y = raw.MatMul(a=x, b=weights(10, 7), name="matmul")
        y = raw.BiasAdd(value=y, bias=weights(7), name="softmax2_pre_activation")
        y = raw.Softmax(logits=y, name="softmax2")
        tf.identity(y, name="output")
        raw.ArgMax(input=y, dimension=1, name="best")

    return graph_of(build)


def channels_first(model_side: int = 16) -> Any:
    """A graph with channels first, in which most ops say so, and some know nothing of it."""
    first = {"data_format": "NCHW"}

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 3, model_side, model_side), name="image")
        x = raw.Mul(x=x, y=weights(1, 3, 1, 1), name="scaled")
        x = raw.Conv2D(
            input=x, filter=weights(3, 3, 3, 6), strides=[1, 1, 2, 2], padding="SAME", name="conv", **first
        )
        x = raw.BiasAdd(value=x, bias=weights(6), name="bias", **first)
        parts = [np.abs(weights(6, seed=i)) + 0.5 for i in range(4)]
        x = raw.FusedBatchNormV3(
            x=x,
            **dict(zip(("scale", "offset", "mean", "variance"), parts, strict=True)),
            is_training=False,
            name="norm",
            **first,
        ).y
        x = raw.Relu(features=x, name="relu")
        x = raw.Pad(input=x, paddings=[[0, 0], [0, 0], [1, 0], [0, 2]], name="padded")
        y = raw.MaxPool(
            input=x, ksize=[1, 1, 3, 3], strides=[1, 1, 1, 1], padding="SAME", name="pool", **first
        )
        x = raw.ConcatV2(values=[x, y], axis=1, name="both")
        even, odd = raw.Split(axis=1, value=x, num_split=2, name="parts")
        x = raw.AddV2(x=even, y=raw.Sigmoid(x=odd, name="gate"), name="sum")
        x = raw.AvgPool(
            value=x, ksize=[1, 1, 2, 2], strides=[1, 1, 2, 2], padding="VALID", name="half", **first
        )
        x = raw.Softmax(logits=x, name="across")  # along the width: nothing that fvcli knows of
        x = raw.Transpose(x=x, perm=[0, 2, 3, 1], name="turned")
        x = raw.Conv2D(input=x, filter=weights(1, 1, 6, 4), strides=[1, 1, 1, 1], padding="SAME", name="last")
        x = raw.Mean(input=x, axis=[1, 2], name="mean")
        raw.MatMul(a=x, b=weights(4, 5), name="logits")

    return graph_of(build)
