"""Every layer class of Keras that takes a map: laid open, computed, and of the size that its facts say."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.models.graph import bound_nodes, layer_facts
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.keras_model.sizes_by_trial import with_sizes_tried
from fvcli.optvis.network import Network
from tests.helpers.keras_layers import ARGUMENTS, TAKE_NO_MAPS, cases, classes, on_a_map, takes_maps

NATIVE, LARGER = (12, 8), (17, 14)


@pytest.mark.parametrize(("name", "arguments"), cases(), ids=str)
def test_a_layer_is_computed_at_any_size(name: str, arguments: dict[str, Any]) -> None:
    model = on_a_map(name, arguments, NATIVE)
    _vary_weights(model)
    network = with_sizes_tried(lay_open(model), NATIVE)
    bound = bound_nodes(network.nodes)
    assert "before" not in bound
    for size in (NATIVE, LARGER):
        pictures = tf.random.stateless_uniform((2, *size, 3), (1, 2))
        at = layer_facts(network.nodes, size, NATIVE)
        readings = {
            is_bound: Network(network.graph, (0.0, 1.0), input_px=NATIVE if is_bound else None)(
                pictures, False
            )
            for is_bound in (True, False)
        }
        for node in network.nodes:
            facts = at[node.name]
            found = readings[node.name in bound](node.name)
            assert tuple(found.shape) == (2, facts.height, facts.width, facts.channels), (node.name, size)
        if size == NATIVE:
            expected = np.ravel(model(pictures, training=False))
            np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-4, atol=1e-4)


def _vary_weights(model: keras.Model) -> None:
    """Give each weight another value, so that none can be mistaken for another."""
    for layer in model.layers:
        for variable in layer.weights:
            if "float" in variable.dtype:
                steps = np.arange(variable.value.shape.num_elements()) % 7 / 20
                variable.assign(np.asarray(variable) + steps.reshape(variable.shape))
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def test_no_class_is_forgotten() -> None:
    """A class that Keras adds is tried on a map; what is left out is there and is left out for a reason."""
    tried = {name for name, _ in cases()}
    others = {name for name in classes() if not takes_maps(name)}
    assert tried | others | TAKE_NO_MAPS >= set(classes())
    assert set(classes()) >= TAKE_NO_MAPS
    assert set(ARGUMENTS) <= tried


@pytest.mark.parametrize(
    ("name", "arguments", "bound"),
    [
        ("PReLU", {}, True),
        ("PReLU", {"shared_axes": [1, 2]}, False),
        ("PReLU", {"shared_axes": [1]}, True),
        ("BatchNormalization", {"axis": -1}, False),
        ("BatchNormalization", {"axis": 1}, True),
        ("Normalization", {"axis": (1, 2, 3)}, True),
        ("Normalization", {"axis": None}, False),
        ("LayerNormalization", {"axis": [-3, -2, -1]}, True),
        ("LayerNormalization", {"axis": (1, 2, 3), "center": False, "scale": False}, False),
        ("GroupNormalization", {"groups": 2, "axis": 1}, True),
        ("GroupNormalization", {"groups": 3}, False),
        ("Softmax", {"axis": (1, 2)}, False),
        ("UnitNormalization", {"axis": 2}, False),
    ],
    ids=str,
)
def test_weights_for_each_position_bind_a_network_to_its_size(
    name: str, arguments: dict[str, Any], bound: bool
) -> None:
    nodes = lay_open(on_a_map(name, arguments, NATIVE)).nodes
    expected = {"probe", "behind"} if bound else set()
    assert bound_nodes(nodes) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("LayerNormalization", {}, (3, 3)),
        ("LayerNormalization", {"axis": (1, 2)}, None),
        ("Softmax", {}, (3, 3)),
        ("Softmax", {"axis": 1}, None),
        ("UnitNormalization", {}, (3, 3)),
        ("UnitNormalization", {"axis": [-2]}, None),
        ("BatchNormalization", {"axis": 1}, (3, 3)),
    ],
    ids=str,
)
def test_what_works_along_the_map_sees_all_of_it(
    name: str, arguments: dict[str, Any], field: tuple[int, int] | None
) -> None:
    nodes = lay_open(on_a_map(name, arguments, NATIVE)).nodes
    assert layer_facts(nodes, NATIVE)["probe"].receptive_field_px == field


# ---- functions of keras.ops

MEAN = np.linspace(0.0, 1.0, 12 * 8 * 3).reshape(1, 12, 8, 3).astype("float32")
ops = keras.ops
FUNCTIONS: dict[str, tuple[Any, bool]] = {  # and whether a network is bound behind it
    "subtract a mean picture": (lambda x: ops.subtract(x, MEAN), True),
    "subtract from a picture": (lambda x: ops.subtract(MEAN, x), True),
    "add a row for each": (lambda x: x + MEAN[0, :, :1], True),
    "multiply channels": (lambda x: x * MEAN[0, 0, 0], False),
    "largest of two": (lambda x: ops.maximum(x, 0.5), False),
    "choose by place": (lambda x: ops.where(MEAN[0] > 0.5, x, 0.0), True),
    "sum over the map": (lambda x: x * ops.sum(x, axis=(1, 2), keepdims=True), False),
    "mean over channels": (lambda x: x * ops.mean(x, axis=-1, keepdims=True), False),
    "largest of each column": (lambda x: ops.max(x, axis=1, keepdims=True), True),
    "sum of each column": (lambda x: ops.sum(x, axis=1), True),
    "mean of all": (lambda x: ops.mean(x, axis=(1, 2)), False),
    "softmax over rows": (lambda x: ops.softmax(x, axis=1), False),
    "shifted": (lambda x: ops.roll(x, 2, axis=1), True),
    "in half precision": (lambda x: ops.cast(x, "float16"), False),
    "beside a half": (lambda x: ops.add(x, MEAN[0, 0, 0].astype("float16")), False),
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_a_function_is_computed_at_any_size(what: str) -> None:
    function, is_bound = FUNCTIONS[what]
    image = keras.Input((*NATIVE, 3))
    model = keras.Model(image, function(keras.layers.ReLU(name="before")(image)))
    network = with_sizes_tried(lay_open(model), NATIVE)
    last = network.outputs[0]
    assert (last in bound_nodes(network.nodes)) == is_bound
    for size in (NATIVE, LARGER):
        pictures = tf.random.stateless_uniform((2, *size, 3), (1, 2))
        reading = Network(network.graph, (0.0, 1.0), input_px=NATIVE if is_bound else None)(pictures, False)
        facts = layer_facts(network.nodes, size, NATIVE)[last]
        assert tuple(reading(last).shape) == (2, facts.height, facts.width, facts.channels)
        if size == NATIVE:
            expected = np.ravel(model(pictures, training=False))
            np.testing.assert_allclose(np.ravel(reading(last)), expected, rtol=1e-3, atol=1e-3)
