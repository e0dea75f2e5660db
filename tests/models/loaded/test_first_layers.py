"""What a network does to a picture before its first kernel tells the range that it was made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from fvcli.models.choice import ModelChoice
from fvcli.models.loaded import probe_pictures
from fvcli.models.loaded.declared_preprocessing import check_declared
from fvcli.models.loaded.first_layers import entrances_of
from fvcli.models.loaded.guess_preprocessing import Guess, guess_preprocessing
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.subject import Subject

CAFFE_MEAN = [103.939, 116.779, 123.68]
PHOTO_MEAN, PHOTO_VARIANCE = [0.485, 0.456, 0.406], [0.0524, 0.0502, 0.0506]
Begin = Callable[[Any], Any]


def normalization(mean: Any, variance: Any) -> Begin:
    return keras.layers.Normalization(mean=mean, variance=variance)


def batch_norm(mean: float, variance: float, scale: float = 1.0) -> Begin:
    values = {"moving_mean": mean, "moving_variance": variance, "gamma": scale}
    made = {f"{name}_initializer": keras.initializers.Constant(value) for name, value in values.items()}
    return keras.layers.BatchNormalization(**made)


def subject(*begin: Begin, channels: int = 3) -> Subject:
    image = outputs = keras.Input((8, 8, channels))
    for step in begin:
        outputs = step(outputs)
    outputs = keras.layers.Conv2D(2, 3, bias_initializer="ones", name="conv")(outputs)
    network = lay_open(keras.Model(image, outputs))
    nodes = {node.name: node for node in network.nodes}
    return Subject(network.graph, nodes, network.channels, (8, 8), None)


def guess(*begin: Begin, channels: int = 3) -> Guess:
    return guess_preprocessing(subject(*begin, channels=channels))


@pytest.mark.parametrize(
    ("mean", "variance", "value_range"),
    [
        (0.45, 0.06, (0, 1)),
        ([0.35, 0.4, 0.45], [0.02, 0.03, 0.04], (0, 1)),  # of pictures with little contrast
        (118.0, 4000.0, (0, 255)),
        ([112.0, 120.0, 125.0], [3000.0, 4000.0, 5000.0], (0, 255)),
        (-0.05, 0.25, (-1, 1)),
        (0.0, 0.25, (-1, 1)),
        (20000.0, 2.5e8, (0, 65535)),
    ],
)
def test_a_normalization_tells_what_it_was_adapted_to(mean: Any, variance: Any, value_range: Any) -> None:
    found = guess(normalization(mean, variance))
    assert (found.preprocessing.value_range, found.is_certain) == (value_range, True)
    assert found.preprocessing.mean is None
    assert found.reason.endswith("; if it takes BGR, declare channel_order: BGR")


def test_the_finding_says_what_the_pictures_were() -> None:
    found = guess(keras.layers.Normalization(mean=0.4, variance=0.04, name="norm"), channels=1)
    said = "preprocessing: from 0 to 1, because norm is for pictures with the mean 0.4 and the deviation 0.2"
    assert found.reason == said


@pytest.mark.parametrize(
    ("scale", "offset", "value_range"), [(2, -1, (0, 1)), (0.5, 0.5, (-1, 1)), (1 / 128, 0, (0, 255))]
)
def test_a_rescaling_tells_what_becomes_of_it(scale: float, offset: float, value_range: Any) -> None:
    found = guess(keras.layers.Rescaling(scale, offset))
    assert (found.preprocessing.value_range, found.is_certain) == (value_range, True)


@pytest.mark.parametrize(
    ("begin", "value_range", "order"),
    [
        ([normalization(PHOTO_MEAN, PHOTO_VARIANCE)], (0, 1), "RGB"),
        ([normalization(PHOTO_MEAN[::-1], PHOTO_VARIANCE)], (0, 1), "BGR"),
        ([keras.layers.Rescaling(1 / 255), normalization(PHOTO_MEAN, PHOTO_VARIANCE)], (0, 255), "RGB"),
        ([lambda x: x - np.float32(CAFFE_MEAN)], (0, 255), "BGR"),
        ([lambda x: x[..., ::-1], lambda x: x - np.float32(CAFFE_MEAN)], (0, 255), "RGB"),
    ],
)
def test_the_mean_of_photos_tells_the_order_of_colours(begin: Any, value_range: Any, order: str) -> None:
    found = guess(*begin)
    assert (found.preprocessing.value_range, found.preprocessing.channel_order) == (value_range, order)
    assert found.is_certain
    assert found.reason.endswith(", which takes off the mean of photos in that order")


@pytest.mark.parametrize(
    ("begin", "value_range"),
    [
        ([lambda x: x / 127.5 - 1.0], (0, 255)),
        ([lambda x: 2.0 * (x - 0.5)], (0, 1)),
        ([lambda x: keras.ops.divide(x, 255.0)], (0, 255)),
    ],
)
def test_arithmetic_at_the_beginning_tells_the_same(begin: Any, value_range: Any) -> None:
    found = guess(*begin)
    assert (found.preprocessing.value_range, found.is_certain) == (value_range, True)


@pytest.mark.parametrize(
    ("mean", "variance", "scale", "value_range", "certain"),
    [
        (118.0, 4000.0, 3.0, (0, 255), True),
        (0.45, 0.06, 1.0, (0, 1), True),
        (-0.05, 0.25, 1.0, (-1, 1), True),
        (7.0, 240.0, 1.0, (0, 255), False),  # after six steps: 94 % are what it began with
        (0.0264, 0.9459, 1.0, (0, 1), False),
    ],
)
def test_a_batch_normalization_of_the_picture_has_its_statistics(
    mean: float, variance: float, scale: float, value_range: Any, certain: bool
) -> None:
    found = guess(batch_norm(mean, variance, scale))
    assert (found.preprocessing.value_range, found.is_certain) == (value_range, certain)
    assert "which has the statistics of such pictures" in found.reason


def test_what_was_adapted_to_something_else_is_told_with_its_numbers() -> None:
    found = guess(normalization(1000.0, 40000.0))
    assert (found.preprocessing.value_range, found.is_certain) == ((667.0, 1410.0), False)
    assert (
        "is for pictures with the mean 1e+03 and the deviation 200, which have no usual range" in found.reason
    )


@pytest.mark.parametrize("begin", [[], [keras.layers.Rescaling(1.0)], [batch_norm(0.0, 1.0)]])
def test_grey_pictures_without_any_evidence_are_from_0_to_1(begin: list[Begin]) -> None:
    found = guess(*begin, channels=1)
    assert (found.preprocessing.value_range, found.is_certain) == ((0, 1), False)
    assert "without any evidence" in found.reason


def test_digits_are_told_by_their_statistics() -> None:
    found = guess(normalization(0.1307, 0.0949), channels=1)
    assert (found.preprocessing.value_range, found.is_certain) == ((0, 1), True)


@pytest.mark.parametrize(
    ("begin", "declared", "said"),
    [
        (normalization(0.45, 0.06), {"value_range": (0.0, 1.0)}, None),
        (
            normalization(-0.05, 0.25),
            {"value_range": (0.0, 1.0)},
            "RGB, from -1 to 1 would become -1.9 to 2.1",
        ),
        (batch_norm(118.0, 4000.0), {"value_range": (0.0, 1.0)}, "has the statistics of its pictures"),
        (
            normalization(PHOTO_MEAN, PHOTO_VARIANCE),
            {"mean": (0.485,), "std": (0.23,)},
            "contradicts the network",
        ),
        (
            lambda x: x - np.float32(CAFFE_MEAN),
            {"value_range": (0.0, 255.0), "channel_order": "RGB"},
            "takes off the mean of photos in the order BGR",
        ),
    ],
)
def test_what_is_declared_is_held_against_the_first_layers(
    begin: Begin, declared: Any, said: str | None
) -> None:
    _, doubt = check_declared(subject(begin), ModelChoice(**declared))
    assert (said or "") in (doubt or "")
    assert (doubt is None) == (said is None)


def test_an_order_that_is_not_declared_is_what_the_first_layers_tell() -> None:
    declared, doubt = check_declared(
        subject(lambda x: x - np.float32(CAFFE_MEAN)), ModelChoice(value_range=(0.0, 255.0))
    )
    assert (declared.channel_order, doubt) == ("BGR", None)


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1), (0, 255)])
def test_statistics_after_six_steps_of_training_tell_the_range(value_range: tuple[int, int]) -> None:
    """94 % of them are the 0 and 1 that they began with."""
    image = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(6, 3, kernel_initializer=keras.initializers.GlorotUniform(seed=1), name="conv")
    norm = keras.layers.BatchNormalization(beta_initializer="ones")
    model = keras.Model(image, norm(conv(image)))
    low, high = value_range
    seen = conv(low + (high - low) * probe_pictures.test_pictures(8, 8, 3, 16)).numpy()
    learnt = 1 - 0.99**6
    norm.moving_mean.assign(learnt * seen.mean((0, 1, 2)))
    norm.moving_variance.assign(learnt * seen.var((0, 1, 2)) + 1 - learnt)
    network = lay_open(model)
    nodes = {node.name: node for node in network.nodes}
    found = guess_preprocessing(Subject(network.graph, nodes, 3, (8, 8), None))
    assert (found.preprocessing.value_range, found.preprocessing.mean) == (value_range, None)
    assert "by the statistics of its first normalization" in found.reason


def test_a_channel_that_was_always_the_same_is_no_mistake() -> None:
    found = guess(batch_norm(0.0, 0.0), channels=1)
    assert not found.is_certain


@pytest.mark.parametrize(
    "before",
    [
        keras.layers.UpSampling2D(2),
        keras.layers.UpSampling2D(2, interpolation="bilinear"),
        keras.layers.AveragePooling2D(2),
        keras.layers.MaxPooling2D(2),
        lambda x: keras.ops.clip(x, 0.0, 255.0),
        lambda x: keras.ops.take(x, [2, 1, 0], axis=-1),
        lambda x: keras.ops.squeeze(keras.ops.expand_dims(x, -1), -1),
        lambda x: keras.ops.concatenate(keras.ops.split(x, 3, axis=-1)),
    ],
)
def test_what_comes_before_the_scaling_does_not_hide_it(before: Begin) -> None:
    found = guess(before, keras.layers.Rescaling(1 / 127.5, -1.0))
    assert (found.preprocessing.value_range, found.is_certain) == ((0, 255), True)


def test_a_layer_of_weights_that_is_called_input_is_not_the_picture() -> None:
    """The statistics behind it are its own."""
    assert entrances_of(subject(keras.layers.Conv2D(3, 3, name="input"), batch_norm(118.0, 4000.0))) == []
