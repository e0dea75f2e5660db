"""Nested models are wired as Keras wires them, however they are called."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers, ops

from fvcli.models import ModelChoice, load
from fvcli.models.choice import Preprocessing
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network
from tests.helpers.odd_models import Tensor

PICTURE = np.random.default_rng(0).random((1, 5, 6, 3), np.float32)


def inner(inputs: Callable[[Tensor, Tensor], object]) -> keras.Model:
    zeta, alpha = keras.Input((5, 6, 3), name="zeta"), keras.Input((5, 6, 3), name="alpha")
    return keras.Model(inputs(zeta, alpha), layers.Subtract(name="less")([zeta, alpha]), name="inner")


CALLS = {
    "list": (lambda z, a: [z, a], lambda z, a: [z, a]),
    "list by dict": (lambda z, a: [z, a], lambda z, a: {"alpha": a, "zeta": z}),
    "dict": (lambda z, a: {"alpha": a, "zeta": z}, lambda z, a: {"zeta": z, "alpha": a}),
    "tuple": (lambda z, a: (z, a), lambda z, a: (z, a)),
    "nested": (lambda z, a: {"n": [a], "m": (z,)}, lambda z, a: {"m": (z,), "n": [a]}),
}


@pytest.mark.filterwarnings("ignore:The structure of `inputs`", "ignore:When providing `inputs` as a dict")
@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("by_name", [False, True])
def test_inputs_come_where_they_belong(way: str, by_name: bool) -> None:
    """Zeta is the picture and alpha twice that, so that their difference tells which is which."""
    image = keras.Input((5, 6, 3))
    taken, given = CALLS[way]
    arguments = given(image, ops.multiply(image, 2.0))
    made = inner(taken)(inputs=arguments) if by_name else inner(taken)(arguments)
    network = lay_open(keras.Model(image, made))
    reading = Network(network.graph, (0.0, 1.0))(PICTURE, redirect=False)
    np.testing.assert_allclose(reading("inner/less"), -PICTURE, rtol=1e-6)
    assert network.aliases == {"inner": "inner/less"}


def test_outputs_of_all_structures() -> None:
    image = keras.Input((5, 6, 3), name="image")
    outputs = {"z": image * 2.0, "a": [image + 1.0, (image - 1.0,)]}
    made = keras.Model(image, outputs, name="body")(image)
    model = keras.Model(image, [made["z"], made["a"][1][0], made["a"][0]])
    network = lay_open(model)
    reading = Network(network.graph, (0.0, 1.0))(PICTURE, redirect=False)
    found = [reading(name).numpy() for name in network.outputs]
    np.testing.assert_allclose(found, [PICTURE * 2, PICTURE - 1, PICTURE + 1], rtol=1e-6)


def test_an_inner_model_may_take_another_type_or_rank() -> None:
    """As Keras does it, whole numbers cut off what is behind the point."""
    plane, whole = keras.Input((5, 6), name="plane"), keras.Input((5, 6, 3), dtype="int32", name="whole")
    flat = keras.Model(plane, layers.Reshape((5, 6, 1))(plane), name="flat")
    cut = keras.Model(whole, ops.cast(whole, "float32") * 2.0, name="cut")
    image = keras.Input((5, 6, 3))
    model = keras.Model(image, layers.Concatenate()([flat(image[..., :1]), cut(image * 4.0)]))
    network = lay_open(model)
    reading = Network(network.graph, (0.0, 1.0))(PICTURE, redirect=False)
    expected = np.concatenate([PICTURE[..., :1], 2 * np.floor(PICTURE * 4)], axis=-1)
    np.testing.assert_allclose(reading(network.outputs[0]), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*mask attached to it")
def test_a_call_with_a_mask_is_made_as_a_whole() -> None:
    steps = keras.Input((5, 18))
    body = keras.Model(steps, layers.GlobalAveragePooling1D()(steps), name="body")
    image = keras.Input((5, 6, 3))
    rows = layers.Reshape((5, 18))(image)
    made = body(rows, mask=ops.max(rows, axis=-1) > 0.9)
    network = lay_open(keras.Model(image, layers.Dense(3)(made)))
    assert "other (Functional)" in {node.kind for node in network.nodes}
    assert compare_with_keras(network, (5, 6), Preprocessing(), "m") is None


def test_masks_go_on_through_layers_that_are_computed_by_their_arrays() -> None:
    image = keras.Input((5, 6, 3))
    rows = layers.Masking()(layers.ReLU(threshold=0.9)(layers.Reshape((5, 18))(image)))
    x = layers.Dropout(0.5)(layers.Dense(4, activation="relu", bias_initializer="ones")(rows))
    x = layers.Dense(4, bias_initializer="ones")(x)
    model = keras.Model(image, layers.GlobalAveragePooling1D()(x))
    network = lay_open(model)
    dark = Preprocessing((0.0, 0.92))  # so that some rows are left out
    assert compare_with_keras(network, (5, 6), dark, "m") is None
    pictures = PICTURE * np.linspace(0.0, 1.0, 5, dtype=np.float32)[:, None, None]
    whole, half = (
        Network(network.graph, (0.0, 1.0), dtype)(pictures, redirect=False)(network.outputs[0])
        for dtype in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(whole[:, 0, 0], model(pictures), rtol=1e-5)
    np.testing.assert_allclose(half, whole, rtol=0.05)
    assert float(np.abs(whole).max()) > 0.1


def test_the_file_of_an_inner_model_called_with_a_dict(data_dir: object) -> None:
    place = f"{data_dir}/old-models/inner-called-with-dict-keras3.keras"
    known = np.load(f"{place}.ref.npz")
    loaded = load(ModelChoice(path=place, value_range=(0.0, 1.0)))
    found = loaded.activations(known["x"], "inner")
    np.testing.assert_allclose(found, known["y0"], atol=1e-4 * np.abs(known["y0"]).max())


def test_a_layer_may_be_called_what_something_else_is() -> None:
    """The picture is `input`, a second call has @2, and what comes before an activation a name as well."""
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="conv")
    x = layers.Conv2D(3, 3, strides=2, padding="same", name="input")(shared(shared(image)))
    x = layers.Conv2D(3, 3, padding="same", activation="relu", name="act")(x)
    x = layers.Conv2D(3, 3, padding="same", name="act_pre_activation")(x)
    x = layers.Conv2D(4, 3, padding="same", name="conv@2")(x)
    network = lay_open(keras.Model(image, x))
    assert [(node.name, node.inputs) for node in network.nodes] == [
        ("conv", ("input",)),
        ("conv@2", ("conv",)),
        ("input@2", ("conv@2",)),
        ("act_pre_activation", ("input@2",)),
        ("act", ("act_pre_activation",)),
        ("act_pre_activation@2", ("act",)),
        ("conv@2@2", ("act_pre_activation@2",)),
    ]
    assert network.remarks == ("the layer input is called input@2, because input is the picture",)
    assert compare_with_keras(network, (8, 8), Preprocessing((0.0, 1.0)), "m") is None
