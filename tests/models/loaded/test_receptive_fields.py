"""Receptive fields from the graph against gradients: which pixels a position really depends on."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.models.graph import LayerFacts, layer_facts
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.weights import randomize
from fvcli.optvis.network import Network
from tests.helpers import user_models

PICTURES = 3  # so that a maximum falls on every tap of a pooling


def inception_v3() -> keras.Model:
    """Windows of 1 x 7 and 7 x 1, and valid padding."""
    keras.backend.clear_session()  # its layers are named by counting
    return _random(keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(139, 139, 3)))


def _random(model: keras.Model) -> keras.Model:
    randomize(model)
    return model


# builder: size, layers and whether the field is met exactly (behind upsampling it is the largest)
CASES: list[tuple[Callable[[], keras.Model], int, tuple[str, ...], bool]] = [
    (user_models.plain, 64, ("first", "pool", "second_bn"), True),
    (user_models.small_pictures, 32, ("conv1", "pool1", "conv2_pre_activation", "pool2"), True),
    (user_models.nested, 64, ("backbone/block_1_expand_BN", "backbone/block_3_depthwise_BN"), True),
    (user_models.shared, 48, ("twice", "inner@2/deep_bn"), True),
    (user_models.channels_first, 48, ("left_bn", "pool", "both", "mean2"), True),
    (user_models.encoder_decoder, 48, ("down2_bn", "up1", "bridge", "apart", "up2", "mask"), False),
    (inception_v3, 139, ("activation_4", "mixed0", "mixed3", "activation_32"), True),
]


@pytest.mark.parametrize(
    ("build", "side", "layers", "exact"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_fields_are_what_gradients_reach(
    build: Callable[[], keras.Model], side: int, layers: tuple[str, ...], exact: bool
) -> None:
    laid = lay_open(build())
    size = (side, side)
    facts = layer_facts(laid.nodes, size)
    network = Network(laid.graph, (0.0, 1.0))
    pictures = tf.random.stateless_uniform((PICTURES, *size, laid.channels), (5, 6))
    for layer in layers:
        known = facts[layer]
        assert known.receptive_field_px is not None
        for place in ((known.height // 2, known.width // 2), (0, 0), (known.height - 1, known.width // 3)):
            found = reached(network, layer, place, pictures)
            expected = [field(known, axis, place[axis], side) for axis in (0, 1)]
            for axis in (0, 1):
                first, last = np.flatnonzero(found.any(axis=1 - axis))[[0, -1]]
                assert first >= expected[axis][0], (layer, place)
                assert last <= expected[axis][1], (layer, place)
                if exact:
                    assert (first, last) == expected[axis], (layer, place)


def reached(network: Network, layer: str, place: tuple[int, int], pictures: tf.Tensor) -> np.ndarray:
    """Return which pixels [h, w] change any channel of a position, in any of the pictures."""
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        values = network(pictures, redirect=False)(layer)[:, place[0], place[1]]
        weights = tf.random.stateless_uniform(values.shape, (7, 8), 0.5, 1.0)
        total = tf.reduce_sum(values * weights)
    return (tape.gradient(total, pictures).numpy() != 0).any(axis=(0, 3))


def field(known: LayerFacts, axis: int, position: int, side: int) -> tuple[int, int]:
    """Return the first and the last pixel inside the picture that a position sees."""
    assert known.stride_px is not None
    assert known.receptive_field_px is not None
    begin = np.floor(known.offset_px[axis] + position * known.stride_px[axis])
    end = np.ceil(begin + known.receptive_field_px[axis] + (known.stride_px[axis] % 1 > 0))
    return max(0, int(begin)), min(side, int(end)) - 1


# Araujo, Norris and Sim, Distill 2019, table of receptive fields.
PUBLISHED = {
    "VGG16": ("block5_pool", 212),
    "ResNet50": ("conv5_block3_out", 483),
    "InceptionV3": ("mixed10", 1311),
    "MobileNet": ("conv_pw_13_relu", 315),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_receptive_fields(name: str) -> None:
    layer, side = PUBLISHED[name]
    laid = lay_open(getattr(keras.applications, name)(weights=None, include_top=False))
    assert layer_facts(laid.nodes, (224, 224))[layer].receptive_field_px == (side, side)
