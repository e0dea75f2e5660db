"""Quantized layers compute what Keras does and have its gradients; half precision is computed in whole."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fvcli.models import ModelChoice, load
from fvcli.models.choice import Preprocessing
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.keras_model.sizes_by_trial import with_sizes_tried
from fvcli.optvis.network import Network

PICTURES = tf.random.stateless_uniform((2, 8, 8, 3), (1, 2))


pytestmark = pytest.mark.filterwarnings("ignore:.*does not have a `quantize` method")


def network_of_dense_layers(dtype: str | None = None) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="conv", dtype=dtype)(image)
    x = layers.Dense(8, activation="relu", name="each", dtype=dtype)(x)
    x = layers.EinsumDense("abcd,de->abce", (None, None, 6), name="sums", dtype=dtype)(x)
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="end", dtype=dtype)(x))


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_quantized_layers_are_computed_as_keras_does(mode: str, tmp_path: Path) -> None:
    made = network_of_dense_layers()
    made.quantize(mode)
    made.save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras", compile=False)
    network = with_sizes_tried(lay_open(model), (8, 8))
    [remark] = network.remarks
    assert remark.startswith(f"3 layers quantized ({mode}): computed as Keras does")
    assert compare_with_keras(network, (8, 8), Preprocessing(), "m") is None
    read = Network(network.graph, (0.0, 1.0))

    @tf.function
    def gradient(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        reading = read(pictures, redirect=False)
        score = reading("end_pre_activation")[..., 0]
        return reading("end"), tf.gradients(score, pictures)[0]

    found, slope = gradient(PICTURES)
    np.testing.assert_allclose(found[:, 0, 0], model(PICTURES), rtol=1e-4, atol=1e-5)
    assert float(tf.reduce_max(tf.abs(slope))) > 0


@pytest.mark.parametrize("dtype", ["float16", "mixed_bfloat16"])
def test_half_precision_is_computed_in_whole(dtype: str) -> None:
    model = network_of_dense_layers(dtype)
    kernel = np.asarray(model.get_layer("end").kernel, np.float32)
    for _ in range(2):  # also when it was laid open before
        network = with_sizes_tried(lay_open(model), (8, 8))
        assert network.remarks == (
            "5 layers are of mixed, double or half precision, and are computed in float32",
        )
    assert compare_with_keras(network, (8, 8), Preprocessing(), "m") is None
    assert {str(layer.compute_dtype) for layer in model.layers[1:]} == {"float32"}
    np.testing.assert_array_equal(model.get_layer("end").kernel, kernel)


def test_quantized_layers_of_half_precision_stay_quantized() -> None:
    keras.utils.set_random_seed(1)
    model = network_of_dense_layers("mixed_bfloat16")
    model.quantize("int8")
    before = np.asarray(tf.cast(model(PICTURES), tf.float32))
    network = with_sizes_tried(lay_open(model), (8, 8))
    assert model.get_layer("end").quantization_mode == "int8"
    found = Network(network.graph, (0.0, 1.0))(PICTURES, redirect=False)("end")[:, 0, 0]
    np.testing.assert_allclose(found, before, atol=0.02)


def test_the_file_of_int8_computes_what_its_version_did(data_dir: Path) -> None:
    place = data_dir / "old-models/int8-keras3.keras"
    known = np.load(f"{place}.ref.npz")
    loaded = load(ModelChoice(path=str(place), value_range=(0.0, 1.0)))
    found = loaded.activations(known["x"], "dense_1")[:, 0, 0]
    np.testing.assert_allclose(found, known["y0"], atol=1e-4 * np.abs(known["y0"]).max())
