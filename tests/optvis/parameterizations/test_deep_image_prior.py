"""Pictures of untrained networks: their formula, their beginnings, and that each has weights of its own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.parameterizations import deep_image_prior
from tests.helpers.parameterization_twins import (
    LUCID_COLOURS,
    assert_gradients_are_finite,
    assert_images_stand_alone,
    fit,
    gradients,
    numbers_like,
    picture,
    resized,
    sigmoid,
    streams,
    tensors,
)

SIZES = [(8, 8), (12, 20), (17, 9), (1, 9), (1, 1)]
SMALL = {"channels": (3, 5), "skip_channels": 2, "input_channels": 4}


# ---- the formula


def convolved(maps: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Sum over a window at every place of one image [h, w, inputs]; windows of 3 x 3 see mirrored borders."""
    side = kernel.shape[0]
    edge = side // 2
    padded = np.pad(maps, [(edge, edge), (edge, edge), (0, 0)], mode="symmetric")
    height, width = (-(-length // stride) for length in maps.shape[:2])
    found = np.zeros((height, width, kernel.shape[-1]))
    for row, column in np.ndindex(height, width):
        window = padded[row * stride : row * stride + side, column * stride : column * stride + side]
        found[row, column] = np.tensordot(window, kernel, axes=3)
    return found


def layer(maps: np.ndarray, numbers: list[np.ndarray], stride: int = 1) -> np.ndarray:
    kernel, scale, offset = numbers
    net = convolved(maps, kernel, stride)
    net = (net - net.mean(axis=(0, 1))) / np.sqrt(net.var(axis=(0, 1)) + 1e-5) * scale + offset
    return np.where(net > 0, net, 0.2 * net)


def one_twin(numbers: list[np.ndarray], levels: int, colours: np.ndarray) -> np.ndarray:
    """Return the picture of one image's numbers, [h, w, 3]."""
    noise, *hidden = (array.astype(np.float64) for array in numbers[:-2])
    layers = [hidden[i : i + 3] for i in range(0, len(hidden), 3)]
    maps = [noise]
    for i in range(levels):
        maps.append(layer(maps[i], layers[i], stride=2))
    net = maps[levels]
    for i in reversed(range(levels)):
        net = resized(net[None], *maps[i].shape[:2])[0]
        net = np.concatenate([net, layer(maps[i], layers[levels + i])], axis=-1)
        net = layer(net, layers[2 * levels + i])
    return sigmoid((net @ numbers[-2][0, 0] + numbers[-1]) @ colours)


@pytest.mark.parametrize("decorrelate", [False, True])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_deep_image_prior_is_its_twin(batch, height, width, decorrelate):
    made = deep_image_prior(height, width, **SMALL, decorrelate=decorrelate)
    numbers = numbers_like(made.initial(streams(*"abc"[:batch])), 0, 0.7)
    colours = LUCID_COLOURS.T if decorrelate else np.eye(3)
    expected = [one_twin([array[i] for array in numbers], 2, colours) for i in range(batch)]
    np.testing.assert_allclose(picture(made, numbers), expected, atol=2e-4)


def test_sizes_of_kernels():
    """The noise has 4 channels, the picture's level 3, and the two levels below it 5."""
    made = deep_image_prior(12, 20, **SMALL)
    numbers = made.initial(streams("a", "b"))
    assert numbers[0].shape == (2, 12, 20, 4)
    down, beside, up = [(4, 5), (5, 5)], [(4, 2), (5, 2)], [(7, 3), (7, 5)]
    sides = [3, 3, 1, 1, 3, 3]
    kernels = [(2, side, side, *sizes) for side, sizes in zip(sides, down + beside + up, strict=True)]
    assert [array.shape for array in numbers[1:-2:3]] == kernels
    for rows in (numbers[2:-2:3], numbers[3:-2:3]):
        assert [array.shape for array in rows] == [(2, kernel[-1]) for kernel in kernels]
    assert [array.shape for array in numbers[-2:]] == [(2, 1, 1, 3, 3), (2, 3)]
    assert made.parts == len(numbers) == 1 + 3 * 6 + 2


def test_a_picture_of_one_channel_has_no_colours_to_decorrelate():
    made = deep_image_prior(8, 8, 1, **SMALL)
    numbers = numbers_like(made.initial(streams("a")), 0, 0.7)
    expected = one_twin([array[0] for array in numbers], 2, np.eye(1))
    np.testing.assert_allclose(picture(made, numbers)[0], expected, atol=2e-4)


# ---- the beginning


def test_weights_start_normal_scales_at_one_and_offsets_at_zero():
    made = deep_image_prior(8, 8, channels=(64, 64), skip_channels=64, input_channels=64, input_std=0.5)
    noise, *weights = made.initial(streams("a"))
    assert noise.std() == pytest.approx(0.5, rel=0.05)
    for kernel in weights[:-2:3]:
        fan_in = np.prod(kernel.shape[1:4])
        assert kernel.std() * np.sqrt(fan_in) == pytest.approx(1.0, rel=0.05)
    assert all((scale == 1.0).all() for scale in weights[1:-2:3])
    assert not any(offset.any() for offset in [*weights[2:-2:3], weights[-1]])
    assert weights[-2].std() * np.sqrt(64) == pytest.approx(0.1, rel=0.2)


def test_a_picture_starts_as_a_faint_grey():
    found = picture(made := deep_image_prior(32, 48), made.initial(streams("a", "b")))
    assert found.mean() == pytest.approx(0.5, abs=0.02)
    assert 0.001 < found.std() < 0.05


def test_every_image_has_noise_and_weights_from_its_own_stream():
    batch = deep_image_prior(8, 8).initial(streams("a", "b", "c"))
    for i, name in enumerate("abc"):
        for array, one in zip(batch, deep_image_prior(8, 8).initial(streams(name)), strict=True):
            np.testing.assert_array_equal(array[i], one[0])
    assert not np.array_equal(batch[0][0], batch[0][1])
    assert not np.array_equal(batch[1][0], batch[1][1])


# ---- the ascent


def test_images_stand_alone():
    made = deep_image_prior(9, 14, **SMALL)
    assert_images_stand_alone(made, numbers_like(made.initial(streams("a", "b", "c")), 0, 0.7))


def test_gradients_are_finite():
    made = deep_image_prior(9, 14)
    assert_gradients_are_finite(made, made.initial(streams("a", "b")))


def test_the_noise_has_no_gradient_and_no_step_and_all_weights_have():
    made = deep_image_prior(24, 20, channels=(4, 4))
    numbers = made.initial(streams("a", "b"))
    upstream = np.random.default_rng(0).normal(size=(2, 24, 20, 3)).astype(np.float32)
    noise, *weights = gradients(made, numbers, upstream)
    assert not noise.any()
    assert all(np.abs(gradient).max(axis=tuple(range(1, gradient.ndim))).all() for gradient in weights)
    factors = made.focus(tf.constant([0.5, 1.0]))
    assert list(factors) == [0.0] + [1.0] * (made.parts - 1)


def test_many_images_are_painted_as_one_alone_is():
    """One is painted without a loop, as the lanes of a CPU paint it."""
    made = deep_image_prior(17, 12)
    numbers = made.initial(streams("a", "b"))
    together = tf.function(made.to_image)(tensors(numbers)).numpy()
    for i in range(2):
        alone = tf.function(made.to_image)(tensors([array[i : i + 1] for array in numbers]))
        np.testing.assert_allclose(together[i], alone[0], atol=1e-6)


def test_forms_come_before_grain():
    """It learns a disc much sooner than the same pixels in any order: the paper's reason for the method."""
    rows, columns = np.indices((48, 48))
    disc = np.where(np.hypot(rows - 20, columns - 26) < 14, 0.8, 0.2).astype(np.float32)
    grain = np.random.default_rng(0).permutation(disc.ravel()).reshape(disc.shape)
    targets = np.stack([disc, grain])[..., None]
    found = fit(deep_image_prior(48, 48, 1), targets, learning_rate=0.01, steps=40)
    of_disc, of_grain = np.abs(found - targets).mean(axis=(1, 2, 3))
    assert of_disc < 0.05
    assert of_grain > 4 * of_disc
