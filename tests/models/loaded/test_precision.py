"""Networks of half, mixed and double precision are computed in float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import ModelChoice, load
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network

layers = keras.layers
POLICIES = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")
LAYERS: dict[str, Callable[[], Any]] = {
    "SeparableConv2D": lambda: layers.SeparableConv2D(4, 3),
    "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3),
    "Conv2DTranspose": lambda: layers.Conv2DTranspose(4, 3),
    "Normalization": lambda: layers.Normalization(mean=0.25, variance=2.0),
    "LayerNormalization": lambda: layers.LayerNormalization(axis=(1, 2)),
    "GroupNormalization": lambda: layers.GroupNormalization(2),
    "PReLU": lambda: layers.PReLU(alpha_initializer="ones"),
    "EinsumDense": lambda: layers.EinsumDense("bhwc,cd->bhwd", (6, 5, 4), bias_axes="d"),
    "Bidirectional": lambda: layers.TimeDistributed(
        layers.Bidirectional(layers.LSTM(2, return_sequences=True))
    ),
}


def built(policy: Any, layer: Callable[[], Any], dtype: str = "float32") -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(1)
    try:
        image = keras.Input((6, 5, 3), dtype=dtype)
        x = layers.Conv2D(4, 3, padding="same", activation="relu", bias_initializer="ones")(image)
        x = layers.BatchNormalization()(layer()(x))
        x = layers.Dense(3, dtype="float32")(layers.GlobalAveragePooling2D(dtype="float32")(x))
    finally:
        keras.config.set_dtype_policy(before)
    return keras.Model(image, x)


def in_float32(model: keras.Model, layer: Callable[[], Any]) -> keras.Model:
    """Return the same network as it would have been in float32 from the beginning."""
    twin = built("float32", layer)
    twin.set_weights([np.asarray(weight).astype("float32") for weight in model.get_weights()])
    return twin


@pytest.mark.parametrize(
    ("policy", "name"),
    [("float16", name) for name in LAYERS] + [(policy, "SeparableConv2D") for policy in POLICIES[1:]],
)
def test_a_network_of_another_precision_is_as_one_of_float32(policy: str, name: str) -> None:
    model = built(policy, LAYERS[name])
    expected = in_float32(model, LAYERS[name])
    pictures = tf.random.stateless_uniform((2, 6, 5, 3), (1, 2))
    network = lay_open(model)
    found = Network(network.graph, (0.0, 1.0))(pictures, False)(network.outputs[0])
    np.testing.assert_allclose(np.ravel(found), np.ravel(expected(pictures)), rtol=1e-5, atol=1e-5)
    assert "are computed in float32" in network.remarks[0]
    assert lay_open(model).remarks == network.remarks  # the second time as the first


def test_a_policy_for_each_layer() -> None:
    policies = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_bfloat16")
    policies["conv2d"] = keras.DTypePolicy("float16")
    keras.backend.clear_session()
    image = keras.Input((6, 5, 3))
    x = layers.Conv2D(4, 3, dtype=policies)(image)
    x = layers.MultiHeadAttention(2, 2, attention_axes=(1, 2), dtype=policies)(x, x)
    model = keras.Model(image, layers.SeparableConv2D(2, 3, dtype=policies)(x))
    pictures = tf.random.stateless_uniform((2, 6, 5, 3), (1, 2))
    found = Network(lay_open(model).graph, (0.0, 1.0))(pictures, False)("separable_conv2d")
    assert found.shape == (2, 2, 1, 2)
    assert {variable.dtype for variable in model.variables if "seed" not in variable.path} == {"float32"}


@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8"])
def test_an_input_of_another_kind(dtype: str, tmp_path: Path) -> None:
    model = built("float32", lambda: layers.Rescaling(1 / 255))
    image = keras.Input((6, 5, 3), dtype=dtype)
    scaled = layers.Rescaling(1 / 255)(image)
    whole = keras.Model(image, model(scaled))
    whole.save(tmp_path / "model.keras")
    loaded = load(ModelChoice(path=str(tmp_path / "model.keras"), value_range=(0.0, 255.0)))
    pictures = np.round(np.random.default_rng(1).random((2, 6, 5, 3)) * 255)
    found = loaded.activations(pictures / 255, [*loaded.graph.calls][-1])
    expected = np.ravel(whole(pictures.astype(dtype)))
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-3, atol=1e-4)
