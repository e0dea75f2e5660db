"""Dropout and augmentation that were left in a graph do nothing; all else that is random is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from tests.helpers.tensorflow_graphs import graph_of, loaded, photos, raw, v1, weights

KERNEL = weights(3, 3, 3, 6)


def behind_a_convolution(noise: Callable[[Any], Any]) -> Any:
    """A graph with something random between a convolution and a last layer."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        raw.Mul(x=noise(x), y=2.0, name="doubled")

    return graph_of(build)


def uniform(x: Any, shape: Any = None) -> Any:
    return raw.RandomUniform(shape=tf.shape(x) if shape is None else shape, dtype=tf.float32)


def of_2016(x: Any) -> Any:
    keep = v1.placeholder(tf.float32, name="keep_prob")  # of any shape
    return raw.Mul(x=raw.RealDiv(x=x, y=keep), y=raw.Floor(x=keep + uniform(x)), name="dropped")


def of_2019(x: Any) -> Any:
    rate = 1.0 - v1.placeholder(tf.float32, (), name="keep_prob")
    kept = tf.cast(uniform(x) >= rate, tf.float32)
    return raw.Mul(x=x * (1.0 / (1.0 - rate)), y=kept, name="dropped")


def of_today(x: Any) -> Any:
    return raw.SelectV2(condition=uniform(x) >= 0.25, t=x / 0.75, e=tf.zeros_like(x), name="dropped")


def whole_channels(x: Any) -> Any:
    shape = tf.shape(x)
    mask = tf.floor(0.5 + uniform(x, tf.stack([shape[0], 1, 1, shape[3]])))
    return raw.Mul(x=x / 0.5, y=mask, name="dropped")


def gaussian(x: Any) -> Any:
    noise = raw.RandomStandardNormal(shape=tf.shape(x), dtype=tf.float32)
    return raw.AddV2(x=x, y=0.1 * noise, name="dropped")


@pytest.mark.parametrize("noise", [of_2016, of_2019, of_today, whole_channels, gaussian])
def test_dropout_does_nothing(noise: Callable[[Any], Any], tmp_path: Path) -> None:
    model = loaded(behind_a_convolution(noise), tmp_path)
    pictures = photos(model)
    expected = 2 * tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "doubled"), expected, atol=1e-5)
    said = "left out, because dropout and augmentation do nothing in inference: dropped"
    assert model.facts.remarks[0] == said
    assert not [remark for remark in model.facts.remarks if "keep_prob" in remark]


def without_its_scale(x: Any) -> Any:
    return x * tf.floor(0.8 + uniform(x))


def shifted(x: Any) -> Any:
    return x + uniform(x)


def of_other_channels(x: Any) -> Any:
    return tf.reverse(x, [3]) * tf.floor(0.5 + uniform(x)) / 0.5


def sampled(x: Any) -> Any:
    """As a variational autoencoder does."""
    mean, deviation = tf.split(x, 2, axis=3)
    return mean + deviation * raw.RandomStandardNormal(shape=tf.shape(mean), dtype=tf.float32)


@pytest.mark.parametrize("noise", [without_its_scale, shifted, of_other_channels, sampled])
def test_what_changes_numbers_is_refused(noise: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(FvcliError, match=r"draws random numbers: .*name a node behind it with model\.input"):
        loaded(behind_a_convolution(noise), tmp_path)


def flipped(x: Any) -> Any:
    shape = tf.shape(x)
    turned = tf.round(uniform(x, tf.stack([shape[0], 1, 1, 1])))
    return raw.AddV2(x=turned * tf.reverse(x, [2]), y=(1.0 - turned) * x, name="flipped")


def turned(x: Any) -> Any:
    shape = tf.shape(x)
    ones = tf.ones(tf.stack([shape[0], 1]))
    rest = [ones * value for value in (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)]
    matrix = tf.concat([ones + uniform(x, tf.stack([shape[0], 1])), *rest], 1)
    return raw.ImageProjectiveTransformV3(
        images=x,
        transforms=matrix,
        output_shape=shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        name="turned",
    )


def augmented(*ways: Callable[[Any], Any]) -> Any:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        for way in ways:
            x = way(x)
        raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")

    return graph_of(build)


def test_augmentation_does_nothing(tmp_path: Path) -> None:
    model = loaded(augmented(flipped, turned), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)
    assert model.facts.remarks[0].endswith("inference: flipped, turned")


@pytest.mark.parametrize("noise", [flipped, turned])
def test_pictures_are_augmented_before_a_network_and_not_in_it(
    noise: Callable[[Any], Any], tmp_path: Path
) -> None:
    with pytest.raises(FvcliError, match="draws random numbers"):
        loaded(behind_a_convolution(noise), tmp_path)


def test_a_condition_that_is_set(tmp_path: Path) -> None:
    """As TensorFlow 2 writes one: with a function for each branch."""

    @tf.function
    def chosen(x: tf.Tensor, training: tf.Tensor) -> tf.Tensor:
        return tf.cond(training, lambda: x * uniform(x), lambda: x * 3.0)

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        training = v1.placeholder_with_default(False, (), name="training")
        tf.identity(chosen(x, training), name="end")

    graph = graph_of(build)
    model = loaded(graph, tmp_path)
    pictures = photos(model)
    np.testing.assert_allclose(model.activations(pictures, "end"), 3 * (2 * pictures - 1), rtol=1e-6)
    with pytest.raises(FvcliError, match="draws random numbers"):
        loaded(graph, tmp_path, fill={"training": 1.0})


def reading_a_file(x: Any) -> Any:
    keep = tf.strings.to_number(raw.ReadFile(filename="/dev/zero"))
    return raw.Mul(x=x / keep, y=tf.floor(keep + uniform(x)), name="dropped")


def filling_the_memory(x: Any) -> Any:
    keep = tf.reduce_min(raw.Fill(dims=[1 << 20, 1 << 20], value=0.5))
    return raw.Mul(x=x / keep, y=tf.floor(keep + uniform(x)), name="dropped")


@pytest.mark.parametrize("noise", [reading_a_file, filling_the_memory])
def test_only_small_mathematics_is_tried_out(noise: Callable[[Any], Any], tmp_path: Path) -> None:
    """Either would not come back from being run."""
    with pytest.raises(FvcliError, match=r"draws random numbers|reaches out of the graph"):
        loaded(behind_a_convolution(noise), tmp_path)
