"""Dropout and augmentation that were left in a graph do nothing; all else that is random is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models.files.graph_noise import NoisyPart
from fvcli.models.loaded.graph_def.part_trial import PartTrial
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
    return raw.RandomUniform(
        shape=tf.shape(x) if shape is None else tf.cast(shape, tf.int32), dtype=tf.float32
    )


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


def test_dropout_behind_many_layers_does_nothing(tmp_path: Path) -> None:
    """Each layer before it could be where the noise begins, and each step of it where it ends."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        for number in range(12):
            x = raw.Relu(features=raw.BiasAdd(value=x, bias=np.ones(6, np.float32)), name=f"relu{number}")
        raw.Mul(x=of_2016(x), y=2.0, name="doubled")

    model = loaded(graph_of(build), tmp_path)
    assert model.facts.remarks[0].endswith("do nothing in inference: dropped")


def of_a_size(batch: int | None, side: int, channels: int, rest: Callable[[Any], Any]) -> Any:
    def build() -> None:
        x = v1.placeholder(tf.float32, (batch, side, side, 3), name="image")
        kernel = weights(1, 1, 3, channels)
        x = raw.Conv2D(input=x, filter=kernel, strides=[1] * 4, padding="SAME", name="conv")
        raw.Mul(x=rest(x), y=2.0, name="doubled")

    return graph_of(build)


def of_its_own_size(x: Any) -> Any:
    return of_today_of(x, [1, *x.shape[1:]])


def of_today_of(x: Any, shape: Any) -> Any:
    return raw.SelectV2(condition=uniform(x, shape) >= 0.25, t=x / 0.75, e=tf.zeros_like(x), name="dropped")


@pytest.mark.parametrize(
    ("batch", "side", "noise"), [(None, 160, of_today), (None, 160, of_its_own_size), (1, 8, of_its_own_size)]
)
def test_dropout_of_large_maps_and_of_single_pictures(
    batch: int | None, side: int, noise: Callable[[Any], Any], tmp_path: Path
) -> None:
    model = loaded(of_a_size(batch, side, 16, noise), tmp_path)
    assert model.facts.remarks[0].endswith("do nothing in inference: dropped")


def test_what_is_lost_in_large_maps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FvcliError, match="draws random numbers"):
        loaded(of_a_size(None, 160, 16, without_its_scale), tmp_path)


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


def brighter(x: Any) -> Any:
    return raw.ClipByValue(
        t=x + (uniform(x, []) - 0.5), clip_value_min=-1.0, clip_value_max=1.0, name="brighter"
    )


def recoloured(x: Any) -> Any:
    factor = 0.5 + uniform(x, [])
    x = raw.AdjustContrastv2(images=x, contrast_factor=factor)
    return raw.AdjustSaturation(images=x, scale=factor, name="recoloured")


def cropped(x: Any) -> Any:
    place = raw.RandomUniformInt(shape=[2], minval=0, maxval=5)
    begin = tf.concat([[0], place, [0]], 0)
    larger = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]])
    return raw.Slice(input=larger, begin=begin, size=[-1, 8, 8, 3], name="cropped")


def flipped_by_a_switch(x: Any) -> Any:
    chosen = uniform(x, []) > 0.5
    kept, turned = raw.Switch(data=x, pred=chosen)
    return raw.Merge(inputs=[kept, tf.reverse(turned, [2])], name="flipped").output


@pytest.mark.parametrize("way", [brighter, recoloured, cropped, flipped_by_a_switch])
def test_augmentation_of_other_kinds(way: Callable[[Any], Any], tmp_path: Path) -> None:
    model = loaded(augmented(way), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def turned_to_bgr(x: Any) -> Any:
    return tf.reverse(x, [3]) - 103.0 + 30 * uniform(x)


def scaled(x: Any) -> Any:
    x = tf.clip_by_value(x, 0.0, 255.0) / 127.5 - 1.0
    return x + uniform(x)


def scaled_in_a_flip(x: Any) -> Any:
    return flipped(x / 255.0)


def scaled_in_a_branch(x: Any) -> Any:
    chosen = uniform(x, []) > 0.5
    kept, turned = raw.Switch(data=x, pred=chosen)
    return raw.Merge(inputs=[kept / 255.0, tf.reverse(turned, [2]) / 255.0]).output


def in_a_loop(x: Any) -> Any:
    """Of which only TensorFlow knows what it does."""

    @tf.function
    def each(pictures: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(lambda one: (one / 255.0) * uniform(one), pictures)

    return tf.ensure_shape(each(x), (None, 8, 8, 3))


@pytest.mark.parametrize("way", [turned_to_bgr, scaled, scaled_in_a_branch, in_a_loop])
def test_preprocessing_is_not_lost_with_augmentation(way: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(FvcliError, match=r"draws random numbers|decides while it runs|is filled while"):
        loaded(augmented(way), tmp_path)


def test_preprocessing_before_augmentation_stays(tmp_path: Path) -> None:
    model = loaded(augmented(scaled_in_a_flip), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d((2 * pictures - 1) / 255, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-6)


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


@pytest.mark.parametrize("with_functions", [True, False])
def test_what_decides_is_told(with_functions: bool, tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        training = v1.placeholder(tf.bool, (), name="training")
        if with_functions:
            chosen = tf.function(lambda y, t: tf.cond(t, lambda: y * 5.0, lambda: y * 3.0))
            tf.identity(chosen(x, training), name="end")
        else:
            kept, turned = raw.Switch(data=x, pred=training)
            raw.Merge(inputs=[kept * 3.0, turned * 5.0], name="end")

    for fill, said in (
        ({}, "input training is filled with 0"),
        ({"training": 1.0}, "input training is filled with 1"),
    ):
        assert loaded(graph_of(build), tmp_path, fill=fill).facts.remarks == (said,)


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


def test_a_graph_that_draws_everywhere_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everywhere(x: Any) -> Any:
        for _ in range(12):
            x = without_its_scale(x)
        return x

    tried = []
    computed = PartTrial.computed

    def counted(self: PartTrial, part: NoisyPart, *rest: Any) -> np.ndarray:
        tried.append(part.entry)
        return computed(self, part, *rest)

    monkeypatch.setattr(PartTrial, "computed", counted)
    with pytest.raises(FvcliError, match="node RandomUniform is a RandomUniform, which draws random numbers"):
        loaded(behind_a_convolution(everywhere), tmp_path)
    assert len(tried) <= 144
