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

from fvcli.models import ModelChoice, load
from fvcli.models.loaded.model import LoadedModel

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


def loaded(graph: Any, folder: Path, **choice: Any) -> LoadedModel:
    path = write(graph, folder / "net.pb")
    return load(ModelChoice(path=str(path), **{"value_range": (-1.0, 1.0), **choice}))


def photos(model: LoadedModel, batch: int = 2, size_px: tuple[int, int] | None = None) -> np.ndarray:
    height, width = size_px or model.facts.native_size_px
    shape = (batch, height, width, model.facts.input_channels)
    return np.random.default_rng(1).random(shape, np.float32)


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
        x = raw.MaxPool(input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME", name="maxpool0")
        x = raw.LRN(input=x, depth_radius=2, bias=1.0, alpha=1e-2, beta=0.5, name="localresponsenorm0")
        branches = [conv(x, "mixed3a_1x1", 1, 1, 8, 4), conv(x, "mixed3a_3x3", 3, 3, 8, 6)]
        x = raw.Concat(concat_dim=3, values=branches, name="mixed3a")
        x = raw.AvgPool(value=x, ksize=[1, 8, 8, 1], strides=[1, 1, 1, 1], padding="VALID", name="avgpool0")
        x = raw.Reshape(tensor=x, shape=[-1, 10], name="avgpool0/reshape")
        with tf.name_scope("softmax2_pre_activation/"):
            y = raw.MatMul(a=x, b=weights(10, 7), name="matmul")
        y = raw.BiasAdd(value=y, bias=weights(7), name="softmax2_pre_activation")
        y = raw.Softmax(logits=y, name="softmax2")
        tf.identity(y, name="output")
        raw.ArgMax(input=y, dimension=1, name="best")

    return graph_of(build)


def in_either_format(first: bool) -> Any:
    """A graph in which most ops say where channels are, and some know nothing of it.

    TensorFlow computes channels first on a GPU only, so that the same with channels last is what to compare
    it with.
    """
    axes = (0, 3, 1, 2) if first else (0, 1, 2, 3)
    form = {"data_format": "NCHW" if first else "NHWC"}

    def turned(values: Sequence[Any]) -> list[Any]:
        return [values[axis] for axis in axes]

    def window(height: int, width: int, stride: int) -> dict[str, Any]:
        return {"ksize": turned([1, height, width, 1]), "strides": turned([1, stride, stride, 1]), **form}

    def build() -> None:
        x = v1.placeholder(tf.float32, turned([None, 14, 18, 3]), name="image")
        x = raw.Mul(x=x, y=weights(1, 1, 1, 3).transpose(axes), name="scaled")
        x = raw.Conv2D(
            input=x,
            filter=weights(3, 3, 3, 6),
            strides=turned([1, 2, 1, 1]),
            padding="EXPLICIT",
            explicit_paddings=np.ravel(turned([[0, 0], [1, 2], [0, 1], [0, 0]])).tolist(),
            name="conv",
            **form,
        )
        x = raw.BiasAdd(value=x, bias=weights(6), name="bias", **form)
        parts = {key: np.abs(weights(6, seed=len(key))) + 0.5 for key in ("scale", "offset", "mean")}
        parts["variance"] = parts["scale"] ** 2
        x = raw.FusedBatchNormV3(x=x, **parts, is_training=False, name="norm", **form).y
        x = raw.Relu(features=x, name="relu")
        x = raw.Pad(input=x, paddings=turned([[0, 0], [1, 0], [0, 2], [0, 0]]), name="padded")
        y = raw.MaxPool(input=x, padding="SAME", name="pool", **window(3, 2, 1))
        x = raw.ConcatV2(values=[x, y], axis=axes.index(3), name="both")
        even, odd = raw.Split(axis=axes.index(3), value=x, num_split=2, name="parts")
        x = raw.AddV2(x=even, y=raw.Sigmoid(x=odd, name="gate"), name="sum")
        x = raw.AvgPool(value=x, padding="VALID", name="half", **window(2, 2, 2))
        shape = tf.shape(x)
        height, width = (shape[axes.index(axis)] for axis in (1, 2))
        raw.Conv2DBackpropInput(
            input_sizes=tf.stack(turned([shape[0], 2 * height, 2 * width, 5])),
            filter=weights(3, 3, 5, 6),
            out_backprop=x,
            strides=turned([1, 2, 2, 1]),
            padding="SAME",
            name="larger",
            **form,
        )
        raw.Mean(input=x, axis=[axes.index(1), axes.index(2)], name="mean_of_half")
        if first:
            x = raw.Softmax(logits=x, name="across")  # along the width, of which fvcli knows nothing
        else:
            x = raw.Softmax(logits=raw.Transpose(x=x, perm=[0, 3, 1, 2], name="x"))
            x = raw.Transpose(x=x, perm=[0, 2, 3, 1], name="across")
        x = raw.Square(x=x, name="square")
        x = raw.Transpose(x=x, perm=[0, 2, 3, 1] if first else [0, 1, 2, 3], name="turned")
        x = raw.Conv2D(input=x, filter=weights(1, 1, 6, 4), strides=[1] * 4, padding="SAME", name="last")
        x = raw.Mean(input=x, axis=[1, 2], name="mean")
        raw.MatMul(a=x, b=weights(4, 5), name="logits")

    return graph_of(build)


# ---- ops that are rarer, each with a picture of PLACES


PLACES = (24, 20)


def _image() -> Any:
    return v1.placeholder(tf.float32, (None, *PLACES, 4), name="image")


def _windows() -> None:
    x = _image()
    conv = {"input": x, "filter": weights(3, 2, 4, 6)}
    sides = [0, 0, 2, 1, 0, 3, 0, 0]
    raw.Conv2D(**conv, strides=[1, 2, 1, 1], padding="EXPLICIT", explicit_paddings=sides, name="explicit")
    raw.Conv2D(**conv, strides=[1] * 4, padding="SAME", dilations=[1, 2, 3, 1], name="dilated")
    raw.Conv2D(input=x, filter=weights(3, 3, 2, 6), strides=[1, 2, 2, 1], padding="VALID", name="groups")
    raw.Conv2D(input=x, filter=weights(3, 3, 1, 4), strides=[1, 1, 1, 1], padding="SAME", name="each")
    depthwise = weights(3, 3, 4, 2)
    raw.DepthwiseConv2dNative(input=x, filter=depthwise, strides=[1, 2, 2, 1], padding="SAME", name="twice")
    raw.MirrorPad(input=x, paddings=[[0, 0], [1, 2], [3, 0], [0, 0]], mode="REFLECT", name="mirrored")
    deep = raw.SpaceToDepth(input=x, block_size=2, name="deep")
    raw.DepthToSpace(input=deep, block_size=2, name="wide")


def _transposed() -> None:
    x = raw.Conv2D(
        input=_image(), filter=weights(3, 3, 4, 6), strides=[1, 2, 2, 1], padding="SAME", name="conv"
    )
    batch, height, width = (tf.shape(x)[i] for i in range(3))
    for name, padding, more in (("same", "SAME", 0), ("valid", "VALID", 1)):
        raw.Conv2DBackpropInput(
            input_sizes=tf.stack([batch, 2 * height + more, 2 * width + more, 5]),
            filter=weights(3, 3, 5, 6),
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding=padding,
            name=name,
        )


def _slices() -> None:
    x = _image()
    tf.identity(x[:, 1:, 2:, :], name="corner")
    tf.identity(x[..., ::-1], name="reversed")
    tf.identity(x[..., 1:3], name="some")
    tf.identity(x[:, ::2], name="every_second")
    raw.Slice(input=x, begin=[0, 0, 0, 1], size=[-1, -1, -1, 2], name="slice")
    raw.GatherV2(params=x, indices=[3, 0], axis=3, name="gathered")
    for i, part in enumerate(raw.SplitV(value=x, size_splits=[1, 3], axis=3, num_split=2, name="split")):
        raw.Neg(x=part, name=f"of_part_{i}")


def _arithmetic() -> None:
    x = _image()
    raw.Sub(x=weights(4), y=x, name="from_a_constant")
    raw.RealDiv(x=x, y=weights(1, 1, 1, 4) + 2, name="divided")
    raw.RealDiv(x=np.float32(1.0), y=x + 3.0, name="divisor")
    raw.Mul(x=x, y=weights(*PLACES, 1), name="by_place")
    raw.SelectV2(condition=x > 0, t=x, e=0.2 * x, name="leaky")
    raw.Relu6(features=9 * x, name="relu6")
    raw.LeakyRelu(features=x, alpha=0.3, name="leaky_relu")
    raw.AddN(inputs=[x, 2 * x, -x], name="many")
    squared = raw.SquaredDifference(x=x, y=raw.StopGradient(input=x * 0.5), name="squared")
    mean = raw.Mean(input=squared, axis=[3], keep_dims=True, name="mean")
    raw.Mul(x=x, y=raw.Rsqrt(x=mean + 1e-3), name="normalized")
    squeezed = raw.Mean(input=x, axis=[1, 2], keep_dims=True, name="squeezed")
    raw.Mul(x=x, y=raw.Sigmoid(x=squeezed), name="excited")


def _shapes() -> None:
    x = _image()
    tf.identity(tf.tensordot(x, weights(4, 3), 1) + weights(3), name="dense")
    raw.ResizeBilinear(images=x, size=[12, 30], name="resized")
    rows = raw.Reshape(tensor=x, shape=[1, -1], name="one_row")  # frozen for a batch of one
    raw.MatMul(a=rows, b=weights(4 * PLACES[0] * PLACES[1], 3), name="of_one")
    atrous = raw.SpaceToBatchND(input=x, block_shape=[2, 2], paddings=[[2, 2], [2, 2]])
    atrous = raw.Conv2D(input=atrous, filter=weights(3, 3, 4, 3), strides=[1] * 4, padding="VALID")
    raw.BatchToSpaceND(input=atrous, block_shape=[2, 2], crops=[[0, 0], [0, 0]], name="atrous")
    tokens = raw.Reshape(tensor=x, shape=[-1, PLACES[0] * PLACES[1], 4], name="tokens")
    raw.BatchMatMulV2(x=tokens, y=tokens, adj_x=True, name="attention")


RARER = {
    "windows": _windows,
    "transposed": _transposed,
    "slices": _slices,
    "arithmetic": _arithmetic,
    "shapes": _shapes,
}
