"""InceptionV1 a second time: its weights files written, and computed from what is in them.

Written down again from the publications, so that neither tables nor names are those of fvcli.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2

from tests.helpers.caffe_bytes import blob, layer, network

Tensors = dict[str, np.ndarray]
BLOCKS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
# "Going Deeper with Convolutions", table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
PAPER = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
INCEPTION5H = PAPER | {"4a": (192, 96, 204, 16, 48, 64), "5a": (256, 160, 320, 48, 128, 128)}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def draw(shape: tuple[int, ...], inputs: int) -> np.ndarray:
    """Return numbers that keep activations of about one size through the layers."""
    rng = np.random.default_rng([*shape, inputs])
    return rng.normal(0, (2 / inputs) ** 0.5, shape).astype(np.float32)


def drawn_bias(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(0, 0.1, count).astype(np.float32)


def shapes_of(widths: dict[str, tuple[int, ...]], five: int) -> dict[str, tuple[int, int, int]]:
    """Return side of the window, inputs and outputs of each convolution, by block and what it is there."""
    found = {"conv1": (7, 3, 64), "conv2": (1, 64, 64), "conv3": (3, 64, 192)}
    below = 192
    for block in BLOCKS:
        one, three_before, three, five_before, five_by, reduced = widths[block]
        found |= {
            f"{block} 1x1": (1, below, one),
            f"{block} 3x3_reduce": (1, below, three_before),
            f"{block} 3x3": (3, three_before, three),
            f"{block} 5x5_reduce": (1, below, five_before),
            f"{block} 5x5": (five, five_before, five_by),
            f"{block} pool_proj": (1, below, reduced),
        }
        below = one + three + five_by + reduced
    return found


# ---- Lucid


def lucid_name(conv: str) -> str:
    if conv.startswith("conv"):
        return f"conv2d{int(conv[-1]) - 1}"
    block, part = conv.split()
    return f"mixed{block}_" + part.replace("pool_proj", "pool_reduce").replace(
        "x3_reduce", "x3_bottleneck"
    ).replace("x5_reduce", "x5_bottleneck")


def lucid_tensors() -> Tensors:
    found: Tensors = {}
    for conv, (side, below, width) in shapes_of(INCEPTION5H, 5).items():
        found[f"{lucid_name(conv)}_w"] = draw((side, side, below, width), side * side * below)
        found[f"{lucid_name(conv)}_b"] = drawn_bias(width)
    found |= {"softmax2_w": draw((1024, 1008), 1024), "softmax2_b": drawn_bias(1008)}
    return found | {"nn0_w": draw((20, 30), 20)}  # of a head that is not built


def write_pb(path: Path, tensors: Tensors, prefix: str = "", **lrn: float) -> Path:
    """Write a frozen graph of constants and a few nodes more, as TensorFlow does."""
    graph = graph_pb2.GraphDef()
    graph.node.add(name=f"{prefix}input", op="Placeholder")
    for name, array in tensors.items():
        node = graph.node.add(name=prefix + name, op="Const")
        node.attr["dtype"].type = tf.as_dtype(array.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    conv = graph.node.add(name=f"{prefix}conv2d0_pre_relu/conv", op="Conv2D")
    conv.input.extend([f"{prefix}input", f"{prefix}conv2d0_w"])
    conv.attr["strides"].list.i.extend([1, 2, 2, 1])
    settings = {"bias": 2.0, "alpha": 1e-4, "beta": 0.5} | lrn
    for i in (0, 1):
        node = graph.node.add(name=f"{prefix}localresponsenorm{i}", op="LRN")
        node.attr["depth_radius"].CopyFrom(attr_value_pb2.AttrValue(i=5))
        for key, value in settings.items():
            node.attr[key].f = value
    path.write_bytes(graph.SerializeToString())
    return path


def lucid_forward(tensors: Tensors, pictures: np.ndarray) -> Tensors:
    """Compute what TensorFlow's Inception5h does of pictures in [0, 1]."""

    def conv(x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        return tf.nn.relu(tf.nn.conv2d(x, tensors[f"{name}_w"], stride, "SAME") + tensors[f"{name}_b"])

    def halve(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.max_pool2d(x, 3, 2, "SAME")

    def norm(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.local_response_normalization(x, 5, 2.0, 1e-4, 0.5)

    x = norm(halve(conv(pictures * np.float32(255) - np.float32(117), "conv2d0", 2)))
    x = halve(norm(conv(conv(x, "conv2d1"), "conv2d2")))
    found = {}
    for block in BLOCKS:
        x = halve(x) if block in {"4a", "5a"} else x
        at = f"mixed{block}_"
        pooled = tf.nn.max_pool2d(x, 3, 1, "SAME")
        parts = [
            conv(x, at + "1x1"),
            conv(conv(x, at + "3x3_bottleneck"), at + "3x3"),
            conv(conv(x, at + "5x5_bottleneck"), at + "5x5"),
            conv(pooled, at + "pool_reduce"),
        ]
        found[f"mixed{block}"] = x = tf.concat(parts, -1)
    vector = tf.reduce_mean(x, [1, 2])
    logits = vector @ tensors["softmax2_w"] + tensors["softmax2_b"]
    return {name: value.numpy() for name, value in {**found, "logits": logits}.items()}


# ---- Caffe and torchvision, whose maps and weights have their channels first


def caffe_name(conv: str) -> str:
    stem = {"conv1": "conv1/7x7_s2", "conv2": "conv2/3x3_reduce", "conv3": "conv2/3x3"}
    return stem[conv] if conv in stem else "inception_" + conv.replace(" ", "/")


def caffe_tensors() -> Tensors:
    found: Tensors = {}
    for conv, (side, below, width) in shapes_of(PAPER, 5).items():
        found[f"{caffe_name(conv)} 0"] = draw((width, below, side, side), side * side * below)
        found[f"{caffe_name(conv)} 1"] = drawn_bias(width)
    found |= {"loss1/fc 0": draw((20, 30), 30), "loss1/fc 1": drawn_bias(20)}  # of a head that is not built
    return found | {"loss3/classifier 0": draw((1000, 1024), 1024), "loss3/classifier 1": drawn_bias(1000)}


def write_caffemodel(path: Path, tensors: Tensors) -> Path:
    blobs: dict[str, list[bytes]] = {}
    for key, array in tensors.items():
        blobs.setdefault(key.split()[0], []).append(blob(array))
    kinds = {name: "InnerProduct" if name.startswith("loss") else "Convolution" for name in blobs}
    path.write_bytes(network(*(layer(name, kinds[name], *parts) for name, parts in blobs.items())))
    return path


def torchvision_name(conv: str) -> str:
    if conv.startswith("conv"):
        return conv
    block, part = conv.split()
    parts = {
        "1x1": "1",
        "3x3_reduce": "2.0",
        "3x3": "2.1",
        "5x5_reduce": "3.0",
        "5x5": "3.1",
        "pool_proj": "4.1",
    }
    return f"inception{block}.branch{parts[part]}"


def torchvision_tensors() -> Tensors:
    found: Tensors = {}
    for conv, (side, below, width) in shapes_of(PAPER, 3).items():
        at, rng = torchvision_name(conv), np.random.default_rng([side, below, width])
        found[f"{at}.conv.weight"] = draw((width, below, side, side), side * side * below)
        found[f"{at}.bn.weight"] = rng.uniform(0.5, 1.5, width).astype(np.float32)
        found[f"{at}.bn.bias"] = drawn_bias(width)
        found[f"{at}.bn.running_mean"] = rng.normal(0, 0.1, width).astype(np.float32)
        found[f"{at}.bn.running_var"] = rng.uniform(0.5, 1.5, width).astype(np.float32)
    found["aux1.fc1.weight"] = draw((20, 30), 30)
    return found | {"fc.weight": draw((1000, 1024), 1024), "fc.bias": drawn_bias(1000)}


def convolved(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Convolve [batch, channels, h, w] with [out, in, h, w]."""
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)]).transpose(0, 2, 3, 1)
    return tf.nn.conv2d(padded, weight.transpose(2, 3, 1, 0), stride, "VALID").numpy().transpose(0, 3, 1, 2)


def pooled(x: np.ndarray, side: int, stride: int, padding: int = 0) -> np.ndarray:
    """Take maxima of windows that may reach past the end, by the formula of Caffe and of ceil mode."""
    count = [-(-(size + 2 * padding - side) // stride) + 1 for size in x.shape[2:]]
    reach = [(n - 1) * stride + side - padding - size for n, size in zip(count, x.shape[2:], strict=True)]
    behind = [(padding, max(0, r)) for r in reach]
    padded = np.pad(x, [(0, 0), (0, 0), *behind], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (2, 3))
    return windows[:, :, ::stride, ::stride][:, :, : count[0], : count[1]].max((4, 5))


def caffe_lrn(x: np.ndarray, size: int = 5, alpha: float = 1e-4, beta: float = 0.75) -> np.ndarray:
    """Normalize [batch, channels, h, w] as Caffe's documentation of its LRN layer says."""
    squares = np.pad(np.square(x, dtype=np.float64), [(0, 0), (size // 2, size // 2), (0, 0), (0, 0)])
    sums = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return (x / (1 + alpha / size * sums) ** beta).astype(np.float32)


def caffe_forward(tensors: Tensors, pictures: np.ndarray) -> Tensors:
    """Compute what BVLC GoogLeNet does of RGB pictures in [0, 1]."""

    def conv(x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        weight = tensors[f"{caffe_name(name)} 0"]
        bias = tensors[f"{caffe_name(name)} 1"][:, None, None]
        return np.maximum(convolved(x, weight, stride, weight.shape[-1] // 2) + bias, 0)

    image = (pictures[..., ::-1] * 255 - np.array([104, 117, 123])).transpose(0, 3, 1, 2).astype(np.float32)
    x = caffe_lrn(pooled(conv(image, "conv1", 2), 3, 2))
    x = pooled(caffe_lrn(conv(conv(x, "conv2"), "conv3")), 3, 2)
    found = modules(x, conv, last_pool=3)
    vector = found["mixed5b"].mean((2, 3))
    logits = vector @ tensors["loss3/classifier 0"].T + tensors["loss3/classifier 1"]
    return channels_last(found) | {"logits": logits}


def torchvision_forward(tensors: Tensors, pictures: np.ndarray) -> Tensors:
    """Compute what torchvision's pretrained googlenet does of pictures in [0, 1]."""

    def conv(x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        at = torchvision_name(name)
        weight = tensors[f"{at}.conv.weight"]
        y = convolved(x, weight, stride, weight.shape[-1] // 2)
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, variance, gamma, beta = (tensors[f"{at}.bn.{key}"][:, None, None] for key in keys)
        return np.maximum((y - mean) / np.sqrt(variance + np.float32(0.001)) * gamma + beta, 0)

    mean, deviation = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    given = (pictures - mean) / deviation  # what a user of the pretrained network feeds it
    image = given * (deviation / 0.5) + (mean - 0.5) / 0.5  # its transform_input
    x = pooled(conv(image.transpose(0, 3, 1, 2).astype(np.float32), "conv1", 2), 3, 2)
    x = pooled(conv(conv(x, "conv2"), "conv3"), 3, 2)
    found = modules(x, conv, last_pool=2)
    logits = found["mixed5b"].mean((2, 3)) @ tensors["fc.weight"].T + tensors["fc.bias"]
    return channels_last(found) | {"logits": logits}


def modules(x: np.ndarray, conv: Callable[..., np.ndarray], last_pool: int) -> Tensors:
    found = {}
    for block in BLOCKS:
        if block in {"4a", "5a"}:
            x = pooled(x, last_pool if block == "5a" else 3, 2)
        parts = [
            conv(x, f"{block} 1x1"),
            conv(conv(x, f"{block} 3x3_reduce"), f"{block} 3x3"),
            conv(conv(x, f"{block} 5x5_reduce"), f"{block} 5x5"),
            conv(pooled(x, 3, 1, 1), f"{block} pool_proj"),
        ]
        found[f"mixed{block}"] = x = np.concatenate(parts, 1)
    return found


def channels_last(maps: Tensors) -> Tensors:
    return {name: value.transpose(0, 2, 3, 1) for name, value in maps.items()}
