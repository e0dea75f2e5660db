"""What fvcli computes is what Keras computes, of whatever Keras can wire; and if it is not, that is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, describe, load
from fvcli.models.choice import Preprocessing
from fvcli.models.loaded.keras_model import compare
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network
from tests.helpers.odd_models import odd_model, shake

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*mask attached to it", "ignore:When providing `inputs` as a dict"
)
PLAIN = Preprocessing()
SEEDS = (4, 9, 16, 154, 27, 38)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_compute_what_keras_does(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    model = odd_model(seed)
    shake(model, seed)
    network = lay_open(model)
    assert compare_with_keras(network, network.size_px, PLAIN, "odd") is None


def small(*middle: layers.Layer) -> keras.Model:
    image = keras.Input((10, 12, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="first")(image)
    for layer in (*middle, layers.Conv2D(4, 3, name="second")):
        x = layer(x)
    return keras.Model(
        image, layers.Dense(5, activation="softmax", name="end")(layers.Flatten(name="flat")(x))
    )


@pytest.mark.parametrize("layer", ["first", "second", "end"])
def test_the_first_layer_that_differs_is_named(layer: str) -> None:
    model = small()
    network = lay_open(model)
    assert compare_with_keras(network, (10, 12), PLAIN, "m.keras") is None
    kernel = model.get_layer(layer).kernel
    kernel.assign(kernel * 1.01)  # what was laid open has the old ones
    with pytest.raises(
        FvcliError, match=rf"m\.keras: .* The first layer to differ is {layer}(_pre_activation)? .*, by"
    ):
        compare_with_keras(network, (10, 12), PLAIN, "m.keras")


def test_wires_that_are_swapped_are_noticed() -> None:
    """Both inputs of a difference are right, and each is in the other's place."""
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, layers.Subtract(name="less")([ops.square(image), image]))
    network = lay_open(model)
    call = network.graph.calls["less"]
    object.__setattr__(call, "inputs", call.inputs[::-1])
    with pytest.raises(FvcliError, match="first layer to differ is less"):
        compare_with_keras(network, (6, 6), PLAIN, "m")


def less_the_mean_of_the_batch(image: keras.KerasTensor) -> keras.KerasTensor:
    """Take the mean along an axis that is not the first one, which only the numbers show."""
    return image - ops.mean(ops.reshape(image, (1, -1, *image.shape[1:])), axis=1)


@pytest.mark.parametrize(
    ("batch", "words"), [(None, "mixes the pictures"), (4, "does not keep the pictures")]
)
def test_layers_that_mix_a_batch_are_refused(batch: int | None, words: str) -> None:
    image = keras.Input((6, 6, 3), batch_size=batch)
    model = keras.Model(image, layers.Conv2D(2, 3)(less_the_mean_of_the_batch(image)))
    with pytest.raises(FvcliError, match=rf"layer reshape\w* {words} of a batch"):
        compare_with_keras(lay_open(model), (6, 6), PLAIN, "m")


def test_a_fixed_batch_and_dropout_that_is_told_to_train_are_no_difference() -> None:
    image = keras.Input((6, 6, 3), batch_size=4)
    x = layers.Dropout(0.5)(image, training=True)
    model = keras.Model(image, layers.Dense(2)(layers.Reshape((108,))(x)))
    assert compare_with_keras(lay_open(model), (6, 6), PLAIN, "m") is None


def test_layers_that_take_too_much_memory_are_compared_on_one_picture_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = keras.Input((6, 6, 3))
    network = lay_open(keras.Model(image, layers.Conv2D(2, 3)(less_the_mean_of_the_batch(image))))
    each = 4 * (36 * 3 + 36 * 3 + 16 * 2)  # bytes of the mean, the difference and the convolution
    monkeypatch.setattr(compare, "MOST_BYTES", 3 * each - 1)
    assert compare_with_keras(network, (6, 6), PLAIN, "m") is None  # one picture cannot show the mixing
    monkeypatch.setattr(compare, "MOST_BYTES", 100)
    said = compare_with_keras(network, (6, 6), PLAIN, "m")
    assert str(said).startswith("not compared with Keras, because all layers at once take more than")


class Broken(layers.Layer):
    def call(self, x: tf.Tensor) -> tf.Tensor:
        raise ValueError("no such thing")

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return shape


def test_what_cannot_be_computed_at_all_is_said_of_its_layer() -> None:
    with pytest.raises(FvcliError, match=r"m: layer broken \(Broken\) cannot be computed: no such thing"):
        compare_with_keras(lay_open(small(Broken(name="broken"))), (10, 12), PLAIN, "m")


def test_plans_compare_and_workers_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, layers.Conv2D(2, 3)(less_the_mean_of_the_batch(image)))
    model.save(tmp_path / "m.keras")
    choice = ModelChoice(path=str(tmp_path / "m.keras"), value_range=(0.0, 1.0))
    load(choice)
    with pytest.raises(FvcliError, match="mixes the pictures of a batch"):
        describe(choice)


# ---- layers that are not what their class is known for


class Dense(layers.Layer):
    """A namesake."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return 3 * x


class Add(layers.Add):
    """A subclass."""

    def _merge_function(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return inputs[0] - inputs[1]


def relu(x: tf.Tensor) -> tf.Tensor:
    return ops.maximum(x, -0.5)


def test_namesakes_and_subclasses_are_computed_as_they_are() -> None:
    image = keras.Input((10, 12, 3))
    x = layers.Conv2D(4, 3, activation=relu, name="own_relu")(image)
    x = Dense(name="thrice")(layers.Activation(relu, name="again")(x))
    x = Add(name="less")([x, layers.Conv2D(4, 1)(x)])
    low_rank = layers.Dense(4, name="low_rank")
    x = low_rank(x)
    low_rank.enable_lora(2)
    low_rank.lora_kernel_b.assign(tf.ones((2, 4)))
    network = lay_open(keras.Model(image, x))
    assert compare_with_keras(network, (10, 12), PLAIN, "m") is None
    assert network.graph.calls["low_rank"].role is None
    assert [node.kind for node in network.nodes if node.name in {"thrice", "less"}] == [
        *("other (Dense)", "other (Add)")
    ]


def test_channels_first_with_layers_that_work_along_the_last_axis() -> None:
    """A bias of as many numbers as there are columns is one of channels, whatever Keras adds it to."""
    first = {"data_format": "channels_first"}
    image = keras.Input((3, 6, 4), name="image")
    x = layers.Conv2D(
        4, 3, padding="same", activation="softmax", bias_initializer="normal", name="wide", **first
    )(image)
    x = layers.Multiply()([x, layers.Reshape((4, 1, 1))(layers.GlobalMaxPooling2D(**first)(x))])
    x = layers.BatchNormalization(axis=3)(layers.Dense(4, activation="relu", name="columns")(x))
    x = x * np.arange(4, dtype=np.float32)
    network = lay_open(keras.Model(image, layers.Concatenate(axis=1)([x, x])))
    assert network.channels == 3
    [remark] = network.remarks
    assert remark.startswith("Keras on TensorFlow adds the bias of wide to columns, because the maps")
    assert compare_with_keras(network, (6, 4), PLAIN, "m") is None
    pictures = tf.random.stateless_uniform((1, 6, 4, 3), (1, 2))
    found = Network(network.graph, (0.0, 1.0))(pictures, redirect=False)("wide_pre_activation")
    assert found.shape == (1, 6, 4, 4)


@pytest.mark.parametrize(
    "summed",
    [
        lambda maps, one, row: layers.Add()([maps, one]),
        lambda maps, one, row: layers.Average()([maps, one, one]),
        lambda maps, one, row: maps + one,
        lambda maps, one, row: ops.add(maps, one),
        lambda maps, one, row: layers.GlobalMaxPooling2D()(maps) + layers.Flatten()(one),
        lambda maps, one, row: one + row,
        lambda maps, one, row: layers.Reshape((4, 6, 1))(maps[..., :1]) + row,
    ],
    ids=["Add", "Average", "plus", "function", "vectors", "outer", "columns"],
)
def test_as_many_pictures_as_channels(summed: Callable[..., Any]) -> None:
    """One number for each picture is added to that picture, not one for each channel."""
    image = keras.Input((4, 6, 3), name="image")
    maps = layers.Conv2D(4, 3, padding="same")(image)
    one = layers.Reshape((1, 1, 1))(layers.Dense(1)(layers.GlobalAveragePooling2D()(maps)))
    row = layers.Reshape((1, 1, 4))(layers.GlobalMaxPooling2D()(maps))
    network = lay_open(keras.Model(image, layers.Activation("tanh", name="end")(summed(maps, one, row))))
    pictures = tf.random.stateless_uniform((4, 4, 6, 3), (1, 2))
    read = Network(network.graph, (0.0, 1.0))
    together = read(pictures, redirect=False)("end").numpy()
    apart = [read(pictures[i : i + 1], redirect=False)("end").numpy()[0] for i in range(4)]
    np.testing.assert_allclose(together, apart, rtol=1e-5, atol=1e-6)


def test_channels_first_begin_behind_a_vector() -> None:
    """A decoder: nothing before its first map tells where the channels are."""
    image = keras.Input((3, 6, 8))
    vector = layers.GlobalMaxPooling2D(data_format="channels_first")(image)
    x = layers.Reshape((4, 3, 4))(layers.Dense(48)(vector))
    x = layers.Conv2D(2, 1, data_format="channels_first", name="conv")(x)
    network = lay_open(keras.Model(image, layers.BatchNormalization(axis=1)(x)))
    assert compare_with_keras(network, (6, 8), PLAIN, "m") is None
    pictures = tf.random.stateless_uniform((1, 6, 8, 3), (1, 2))
    assert Network(network.graph, (0.0, 1.0))(pictures, redirect=False)("conv").shape == (1, 3, 4, 2)
