"""Layers and functions of Keras 2 that Keras 3 does not have, by numbers worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError, UsageError
from fvcli.models.choice import Preprocessing
from fvcli.models.files.keras_2.layer_settings import HARD_SIGMOID
from fvcli.models.files.keras_2.tensorflow_functions import KINDS
from fvcli.models.files.keras_config import parse_config
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.from_keras_2.layers import (
    OBJECTS,
    UpSampling2D,
    hard_sigmoid_keras_2,
)
from fvcli.models.loaded.keras_model.from_keras_2.locally_connected import (
    LocallyConnected1D,
    LocallyConnected2D,
)
from fvcli.models.loaded.keras_model.from_keras_2.tensorflow_layers import (
    TensorFlowFunction,
    TensorFlowOperation,
)
from fvcli.models.loaded.keras_model.lay_open import lay_open

RAMP = np.arange(4, dtype=np.float32).reshape(1, 2, 2, 1)


def test_hard_sigmoid() -> None:
    x = np.array([-9.0, -2.5, -1.0, 0.0, 1.0, 2.5, 9.0], np.float32)
    assert np.allclose(hard_sigmoid_keras_2(x), [0, 0, 0.3, 0.5, 0.7, 1, 1])
    assert np.allclose(keras.activations.hard_sigmoid(x)[2], 1 / 3)  # which is why it is another


def test_a_bidirectional_keeps_the_function_for_both_ways() -> None:
    lstm = {"name": "inner", "units": 2, "recurrent_activation": HARD_SIGMOID}
    with keras.saving.custom_object_scope(OBJECTS):
        both = keras.layers.Bidirectional(keras.layers.LSTM.from_config(lstm))
    found = [both.forward_layer.cell, both.backward_layer.cell]
    assert [cell.recurrent_activation for cell in found] == [hard_sigmoid_keras_2] * 2


def test_bilinear_upsampling_from_corners() -> None:
    rows = UpSampling2D(size=(2, 2), interpolation="bilinear")(RAMP).numpy()[0, :, :, 0]
    assert rows.tolist() == [[0, 0.5, 1, 1], [1, 1.5, 2, 2], [2, 2.5, 3, 3], [2, 2.5, 3, 3]]
    own = keras.layers.UpSampling2D(2, interpolation="bilinear")(RAMP).numpy()[0, 0, :, 0]
    assert own.tolist() == [0, 0.25, 0.75, 1]


def test_bilinear_upsampling_of_channels_first() -> None:
    layer = UpSampling2D(size=(2, 1), interpolation="bilinear", data_format="channels_first")
    assert layer(RAMP.reshape(1, 1, 2, 2)).numpy()[0, 0].tolist() == [[0, 1], [1, 2], [2, 3], [2, 3]]


def test_a_locally_connected_layer_has_weights_for_each_position() -> None:
    layer = LocallyConnected2D(filters=1, kernel_size=(1, 2), name="local")
    layer.build((None, 2, 3, 1))
    layer.set_weights([np.arange(8, dtype=np.float32).reshape(4, 2, 1), np.full((2, 2, 1), 10, np.float32)])
    made = layer(np.array([[[[1], [2], [3]], [[4], [5], [6]]]], np.float32)).numpy()[0, :, :, 0]
    # 1 * 0 + 2 * 1, 2 * 2 + 3 * 3, 4 * 4 + 5 * 5, 5 * 6 + 6 * 7, and the bias
    assert made.tolist() == [[12, 23], [51, 82]]


@pytest.mark.parametrize(
    ("settings", "kernel", "expected"),
    [
        ({"implementation": 1}, (2, 2, 1), [[2], [13]]),  # 1 * 0 + 2 * 1, 2 * 2 + 3 * 3
        ({"implementation": 2}, (3, 1, 2, 1), [[4], [21]]),  # 1 * 0 + 2 * 2, 2 * 3 + 3 * 5
        ({"implementation": 3}, (4,), [[2], [13]]),
        ({"implementation": 3, "filters": 2}, (8,), [[2, 8], [23, 33]]),  # 2 * 4 + 3 * 5, 2 * 6 + 3 * 7
        ({"implementation": 3, "padding": "same", "strides": [2]}, (3,), [[0], [8]]),  # 1 * 0, 2 * 1 + 3 * 2
        ({"implementation": 2, "padding": "same"}, (3, 1, 3, 1), [[0], [9], [34]]),  # 1 * 1 + 2 * 4 ...
    ],
)
def test_how_a_locally_connected_layer_keeps_its_kernel(
    settings: dict[str, Any], kernel: tuple[int, ...], expected: list[list[float]]
) -> None:
    wanted = {"filters": 1, "kernel_size": [2], "strides": [1], "use_bias": False, **settings}
    layer = LocallyConnected1D(**wanted, name="local")
    layer.build((None, 3, 1))
    layer.set_weights([np.arange(np.prod(kernel), dtype=np.float32).reshape(kernel)])
    assert layer(np.array([[[1], [2], [3]]], np.float32)).numpy()[0].tolist() == expected
    assert layer.compute_output_shape((None, 3, 1)) == (None, *np.shape(expected))


def test_what_of_locally_connected_layers_is_not_read() -> None:
    for settings in ({"padding": "same"}, {"data_format": "channels_first"}):
        with pytest.raises(ValueError, match="LocallyConnected2D with padding"):
            LocallyConnected2D(filters=1, kernel_size=2, **settings)


# ---- functions of TensorFlow


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_function_is_there(name: str) -> None:
    found: Any = tf
    for part in name.removeprefix("__operators__.getitem").split("."):
        found = getattr(found, part) if part else found
    assert found is tf or callable(found)


@pytest.mark.parametrize(
    ("function", "settings", "expected"),
    [
        ("math.truediv", {"y": 2.0}, [[0, 0.5], [1, 1.5]]),
        ("math.subtract", {"y": [[[1.0], [2.0]], [[3.0], [4.0]]]}, [[-1, -1], [-1, -1]]),
        ("__operators__.add", {"y": 1.0}, [[1, 2], [3, 4]]),
        ("compat.v1.transpose", {"perm": [0, 2, 1, 3]}, [[0, 2], [1, 3]]),
        (
            "__operators__.getitem",
            {
                "slice_spec": [
                    {"class_name": "__ellipsis__"},
                    {"start": None, "stop": None, "step": -1},
                    {"start": 0, "stop": None, "step": None},
                ]
            },
            [[1, 0], [3, 2]],
        ),
        ("clip_by_value", {"clip_value_min": 1.0, "clip_value_max": 2.0}, [[1, 1], [2, 2]]),
    ],
)
def test_functions(function: str, settings: dict[str, Any], expected: list[list[float]]) -> None:
    made = TensorFlowFunction(function, settings)(tf.constant(RAMP))
    assert made.numpy()[0, :, :, 0].tolist() == expected


def test_a_number_before_a_tensor() -> None:
    made = TensorFlowFunction("math.subtract", {})(1.0, y=tf.constant(RAMP))
    assert made.numpy()[0, :, :, 0].tolist() == [[1, 0], [-1, -2]]


@pytest.mark.parametrize("function", ["io.read_file", "py_function", "math", "__operators__", "nn.dropout"])
def test_other_functions_are_refused_by_whoever_asks(function: str) -> None:
    with pytest.raises(ValueError, match="none of the functions"):
        TensorFlowFunction(function)


def node(op: str, *inputs: str, **attrs: Any) -> dict[str, Any]:
    return {"name": "n", "op": op, "input": list(inputs), "attr": {"T": {"type": "DT_FLOAT"}, **attrs}}


def test_operations() -> None:
    divided = TensorFlowOperation(node("RealDiv", "x", "y"), {"1": 2.0}, "divided")
    assert divided(tf.constant(RAMP)).numpy()[0, :, :, 0].tolist() == [[0, 0.5], [1, 1.5]]
    assert (divided.kind, divided.is_pointwise, divided.has_places) == ("divide", True, False)
    turned = TensorFlowOperation(node("Sub", "x", "y"), {"0": 1.0}, "turned")
    assert turned(tf.constant(RAMP)).numpy()[0, :, :, 0].tolist() == [[1, 0], [-1, -2]]
    halved = TensorFlowOperation(node("Mul", "x", "y", T={"type": "DT_HALF"}), {"1": 0.5}, "halved")
    made = halved(tf.constant(RAMP)).numpy()  # a network of half precision is computed in float32
    assert (made[0, :, :, 0].tolist(), made.dtype) == ([[0, 0.5], [1, 1.5]], np.float32)
    joined = TensorFlowOperation(
        node("ConcatV2", "a", "b", "axis", N={"i": "2"}, Tidx={"type": "DT_INT32"}), {"2": 3}, "joined"
    )
    assert joined([tf.constant(RAMP), tf.constant(RAMP)]).shape == (1, 2, 2, 2)
    assert joined.axis == 3


@pytest.mark.parametrize("op", ["ReadFile", "PyFunc", "RandomUniform", "Placeholder"])
def test_other_operations_are_refused(op: str) -> None:
    with pytest.raises(FvcliError, match=f"'{op}', which fvcli does not compute"):
        TensorFlowOperation({"name": "n", "op": op}, {}, "bad")


def test_a_constant_map_binds_to_a_size() -> None:
    assert TensorFlowFunction("math.subtract", {"y": [[[1.0], [2.0]], [[3.0], [4.0]]]}).has_places
    assert not TensorFlowFunction("math.subtract", {"y": [[[1.0, 2.0]]]}).has_places


# ---- whole models


def described(*layers: dict[str, Any]) -> keras.Model:
    """Return the model that a description of Keras 2 becomes, with the weights that Keras gives it."""
    image = {
        "class_name": "InputLayer",
        "config": {"batch_input_shape": [None, 6, 6, 3], "name": "image"},
        "name": "image",
        "inbound_nodes": [],
    }
    config = {
        "name": "m",
        "layers": [image, *layers],
        "input_layers": [["image", 0, 0]],
        "output_layers": [[layers[-1]["name"], 0, 0]],
    }
    text = json.dumps({"class_name": "Functional", "config": config})
    with keras.saving.custom_object_scope(OBJECTS):
        return keras.models.model_from_json(json.dumps(parse_config(text, "m.h5", "2.4.0")))


def function(name: str, function: str, source: str, **arguments: Any) -> dict[str, Any]:
    kind = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
    config = {"name": name, "function": function}
    return {
        "class_name": kind,
        "config": config,
        "name": name,
        "inbound_nodes": [[source, 0, 0, arguments]],
    }


CONV = {
    "class_name": "Conv2D",
    "config": {"name": "conv", "filters": 2, "kernel_size": [3, 3]},
    "name": "conv",
    "inbound_nodes": [[["image", 0, 0, {}]]],
}


def test_a_reshape_that_reads_the_number_of_pictures() -> None:
    shape = function("shape", "compat.v1.shape", "conv")
    count = function("count", "__operators__.getitem", "shape", slice_spec=0)
    flat = function("flat", "reshape", "conv", shape=[["count", 0, 0], 32])
    network = lay_open(described(CONV, shape, count, flat))
    assert compare_with_keras(network, (6, 6), Preprocessing((0.0, 1.0)), "m") is None
    assert [node.name for node in network.nodes] == ["conv", "shape", "count", "flat"]
    assert (network.nodes[3].channels, network.nodes[3].size) == (32, (1, 1))


@pytest.mark.parametrize("arguments", [{}, {"axis": 0}, {"axis": [0, 1], "keepdims": True}])
def test_a_function_that_mixes_the_pictures_of_a_batch_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"layer most .* works along axis 0"):
        lay_open(described(CONV, function("most", "math.reduce_max", "conv", **arguments)))


def test_a_mean_of_the_positions_is_free_of_the_size() -> None:
    mean = function("mean", "math.reduce_mean", "conv", axis=[1, 2])
    square = function("square", "math.square", "conv")
    network = lay_open(described(CONV, square, mean))
    assert [node.bound for node in network.nodes] == [False, False]
    flipped = lay_open(described(CONV, function("turned", "math.reduce_mean", "conv", axis=[1])))
    assert flipped.nodes[-1].bound


def test_a_function_that_reads_no_layer_is_refused() -> None:
    zeros = function("zeros", "zeros", "_CONSTANT_VALUE")
    zeros["inbound_nodes"] = [["_CONSTANT_VALUE", -1, [100_000, 100_000], {}]]
    with pytest.raises(
        FvcliError, match="layer 'zeros' is a function of TensorFlow that reads no other layer"
    ):
        described(CONV, zeros)
