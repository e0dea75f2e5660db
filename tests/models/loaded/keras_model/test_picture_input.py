"""Where a Keras model takes its picture: at an input or any layer, channels first or last, flat, of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from fvcli.errors import UsageError
from fvcli.models import ModelChoice, load
from fvcli.models.choice import Preprocessing
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network
from tests.helpers.odd_models import Tensor


def end(x: Tensor, **more: Any) -> Tensor:
    x = layers.Conv2D(4, 3, padding="same", name="conv", **more)(x)
    return layers.Dense(3, name="end")(layers.GlobalMaxPooling2D(**more)(x))


def flat(length: int = 96, *, nested: bool = False) -> keras.Model:
    vector = keras.Input((length,), name="pixels")
    reshape = layers.Reshape((6, 4, 4), name="map")
    begin = keras.Sequential([keras.Input((length,)), reshape], name="begin") if nested else reshape
    return keras.Model(vector, end(begin(layers.Dropout(0.1)(vector))))


def encoder_and_decoder() -> keras.Model:
    encoder = keras.Sequential(
        [keras.Input((8, 6, 3)), layers.Conv2D(5, 2, strides=2, name="in")], name="encoder"
    )
    decoder = keras.Sequential([keras.Input((4, 3, 5)), layers.Conv2D(3, 1, name="out")], name="decoder")
    image = keras.Input((8, 6, 3))
    return keras.Model(image, decoder(encoder(image)))


@pytest.mark.parametrize(("nested", "name"), [(False, "map"), (True, "begin/map")])
def test_a_flat_input_that_is_reshaped_is_found(nested: bool, name: str) -> None:
    model = flat(nested=nested)
    network = lay_open(model)
    assert (network.channels, network.size_px) == (4, (6, 4))
    found = f"the input pixels (96,) is reshaped at once, in {name}"
    assert network.remarks[0] == f"{found}: the picture takes the place of its output, 6 x 4 x 4"
    assert network.nodes[0].name == "conv"
    assert not any(node.bound for node in network.nodes)
    pictures = np.random.default_rng(0).random((2, 6, 4, 4), np.float32)
    found = Network(network.graph, (0.0, 1.0))(tf.constant(pictures), redirect=False)(network.outputs[0])
    np.testing.assert_allclose(found[:, 0, 0], model(pictures.reshape(2, 96)), rtol=1e-5)


def rows(length: int) -> keras.Model:
    numbers = keras.Input((length,), name="pixels")
    hidden = layers.Dense(4, activation="relu", name="hidden")(layers.Dropout(0.1)(numbers))
    return keras.Model(numbers, layers.Dense(3, name="end")(hidden))


@pytest.mark.parametrize("name", [None, "pixels"])
def test_a_flat_input_takes_pictures_of_the_size_that_the_spec_says(name: str | None) -> None:
    model = rows(96)
    network = lay_open(model, name, size_px=(8, 6))
    assert (network.channels, network.size_px) == (2, (8, 6))
    assert network.remarks[0] == "the 96 numbers of the input pixels are taken as 8 x 6 x 2, row by row"
    assert network.nodes[0].bound
    pictures = np.random.default_rng(0).random((2, 8, 6, 2), np.float32)
    found = Network(network.graph, (0.0, 1.0))(tf.constant(pictures), redirect=False)("end")
    np.testing.assert_allclose(found[:, 0, 0], model(pictures.reshape(2, 96)), rtol=1e-5)
    assert compare_with_keras(network, (8, 6), Preprocessing(), "rows") is None


@pytest.mark.parametrize(("length", "side"), [(784, 28), (3072, 32)])
def test_the_size_of_a_flat_input_is_proposed(length: int, side: int) -> None:
    with pytest.raises(UsageError, match="no input of the model takes a picture") as refused:
        lay_open(rows(length))
    assert (
        refused.value.hint == f"write size_px: {side} in model, if these numbers are {side} x {side} pixels"
    )


@pytest.mark.parametrize(("length", "size_px"), [(100, (8, 6)), (480, (8, 6)), (20, None)])
def test_a_flat_input_of_other_numbers_takes_no_picture(length: int, size_px: tuple[int, int] | None) -> None:
    with pytest.raises(UsageError, match=rf"takes a picture \(inputs: pixels \({length},\)\)"):
        lay_open(rows(length), size_px=size_px)


def test_a_flat_input_has_its_channels_last() -> None:
    with pytest.raises(UsageError, match="flat inputs have their channels last"):
        lay_open(rows(96), first=True, size_px=(8, 6))


@pytest.mark.parametrize("name", ["encoder", "encoder/in"])
def test_a_picture_may_take_the_place_of_any_layer(name: str) -> None:
    network = lay_open(encoder_and_decoder(), picture=name)
    assert (network.channels, network.size_px) == (5, (4, 3))
    assert [node.name for node in network.nodes] == ["decoder/out"]
    assert network.remarks == ()
    assert compare_with_keras(network, (4, 3), Preprocessing(), "m") is None


def test_of_a_shared_layer_one_call_is_named() -> None:
    image = keras.Input((6, 6, 3))
    twice = layers.Conv2D(3, 1, name="twice")
    network = lay_open(keras.Model(image, layers.ReLU(name="end")(twice(twice(image)))), picture="twice@2")
    assert [node.name for node in network.nodes] == ["end"]


def refused(inputs: Any, outputs: Any, **asked: Any) -> str:
    with pytest.raises(UsageError) as caught:
        lay_open(keras.Model(inputs, outputs), **asked)
    return str(caught.value)


def test_what_cannot_be_found_is_asked_for() -> None:
    a, b = keras.Input((16,), name="a"), keras.Input((16,), name="b")
    maps = [layers.Reshape((4, 4, 1), name=f"map_{x.name}")(x) for x in (a, b)]
    said = refused([a, b], end(layers.Concatenate(name="both")(maps)))
    assert "no input of the model takes a picture (inputs: a (16,), b (16,))" in said
    assert "write input: LAYER" in said
    assert "map_a (4, 4, 1), map_b (4, 4, 1), both (4, 4, 2), " in said
    scaled = layers.Rescaling(0.1)(a)
    assert "map (4, 4, 1)" in refused(a, end(layers.Reshape((4, 4, 1), name="map")(scaled)))
    assert "it needs one of height, width and channels" in refused(a, layers.Dense(3)(a))
    assert "model.input: dense_9 (3,) takes no picture" in refused(
        a, layers.Dense(3, name="dense_9")(a), picture="dense_9"
    )


# ---- channels first

TURNS = {
    "Permute": layers.Permute((2, 3, 1)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 3, 1)),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "twice": lambda x: ops.swapaxes(ops.swapaxes(x, 1, 2), 2, 3),
    "nested": keras.Sequential([keras.Input((3, 6, 8)), layers.Permute((2, 3, 1))]),
}


@pytest.mark.parametrize("turn", TURNS)
def test_an_input_that_is_permuted_to_channels_last_has_them_first(turn: str) -> None:
    image = keras.Input((3, 6, 8))
    network = lay_open(keras.Model(image, end(TURNS[turn](image))))
    assert (network.channels, network.size_px) == (3, (6, 8))
    assert compare_with_keras(network, (6, 8), Preprocessing(), "m") is None
    kinds = [(node.kind, node.bound) for node in network.nodes]
    if turn != "twice":  # which looks at maps on their side in between
        assert kinds[:2] == [("transpose", False), ("conv", False)]


def test_an_input_that_is_permuted_to_channels_first_has_them_last() -> None:
    image = keras.Input((3, 8, 6))  # 3 x 8 pixels of six channels
    x = layers.Permute((3, 1, 2), name="turn")(image)
    network = lay_open(keras.Model(image, end(x, data_format="channels_first")))
    assert (network.channels, network.size_px) == (6, (3, 8))
    assert compare_with_keras(network, (3, 8), Preprocessing(), "m") is None
    assert not network.nodes[0].bound


def test_what_is_declared_counts_where_layers_tell_nothing() -> None:
    image = keras.Input((8, 6, 5))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    assert lay_open(model).channels == 5
    assert lay_open(model, first=True).channels == 8
    turned = keras.Model(image, end(layers.Permute((2, 3, 1))(image)))
    assert lay_open(turned, first=True).channels == 8
    with pytest.raises(UsageError, match="the network's layers have channels_first"):
        lay_open(turned, first=False)


def test_channels_between_height_and_width() -> None:
    """Where the shape does not tell either; where it does, a layer may mix whatever it likes."""
    image = keras.Input((8, 3, 6), name="image")
    outputs = end(layers.Permute((1, 3, 2), name="turn")(image))
    said = refused(image, outputs)
    assert "takes its channels between height and width (image (8, 3, 6))" in said
    assert lay_open(keras.Model(image, outputs), picture="turn").channels == 3
    photo = keras.Input((8, 6, 3))
    assert lay_open(keras.Model(photo, end(layers.Permute((1, 3, 2))(photo)))).channels == 3


# ---- bytes


def test_pictures_of_bytes_have_a_gradient_and_their_range(tmp_path: Path) -> None:
    image = keras.Input((6, 8, 3), dtype="uint8")
    model = keras.Model(image, end(ops.cast(image, "float32") / 255.0))
    model.save(tmp_path / "m.keras")
    loaded = load(ModelChoice(path=str(tmp_path / "m.keras")), compare=True)
    assert loaded.facts.preprocessing == Preprocessing((0.0, 255.0))
    assert loaded.facts.findings == (
        "preprocessing: RGB, from 0 to 255, because the network takes pictures of whole numbers",
    )
    assert "the network takes pictures of uint8; those of fvcli are not rounded to it" in loaded.facts.remarks
    pictures = tf.constant(np.random.default_rng(0).integers(0, 256, (1, 6, 8, 3)) / np.float32(255))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        made = loaded.network()(pictures, redirect=False)("end")
    np.testing.assert_allclose(made[:, 0, 0], model(tf.cast(pictures * 255, tf.uint8)), rtol=1e-4, atol=1e-5)
    assert float(tf.reduce_max(tf.abs(tape.gradient(made, pictures)))) > 0


# ---- files that others wrote


@pytest.mark.parametrize(("name", "layer"), [("permuted-input", "fc"), ("flat-input", "dense")])
def test_files_compute_what_their_version_did(name: str, layer: str, data_dir: Path) -> None:
    place = data_dir / f"old-models/{name}-keras3.keras"
    known = np.load(f"{place}.ref.npz")
    loaded = load(ModelChoice(path=str(place), value_range=(0.0, 1.0)))
    pictures = (
        known["x"].transpose(0, 2, 3, 1) if name == "permuted-input" else known["x"].reshape(1, 28, 28, 1)
    )
    found = loaded.activations(pictures, layer)[:, 0, 0]
    np.testing.assert_allclose(found, known["y0"], atol=1e-4 * np.abs(known["y0"]).max())


def test_augmentation_does_not_tell_where_the_channels_are() -> None:
    image = keras.Input((3, 32, 32))
    x = layers.SpatialDropout2D(0.1)(layers.RandomFlip("horizontal")(image))
    network = lay_open(keras.Model(image, end(x, data_format="channels_first")))
    assert (network.channels, network.size_px) == (3, (32, 32))


def test_every_output_of_a_layer_has_its_channels_where_the_model_has_them() -> None:
    image = keras.Input((3, 10, 8))
    x = layers.Conv2D(6, 3, data_format="channels_first", name="conv")(image)
    one, other = ops.split(x, [2], axis=1)
    made = layers.Conv2D(2, 3, data_format="channels_first", name="end")(other)
    network = lay_open(keras.Model(image, [one, made]))
    described = {node.name: node for node in network.nodes}
    parts = [node for node in network.nodes if node.kind == "split"]
    assert [(part.channels, part.size) for part in parts] == [(2, (8, 6)), (4, (8, 6))]
    assert described["end"].inputs == (parts[1].name,)
    assert compare_with_keras(network, (10, 8), Preprocessing((0.0, 1.0)), "m") is None


def test_a_picture_of_truth_values_is_none() -> None:
    image = keras.Input((8, 8, 3), dtype="bool", name="mask")
    model = keras.Model(image, end(ops.cast(image, "float32")))
    with pytest.raises(UsageError, match="no input of the model takes a picture") as caught:
        lay_open(model)
    assert "(8, 8, 3), conv (8, 8, 4)" in str(caught.value)
