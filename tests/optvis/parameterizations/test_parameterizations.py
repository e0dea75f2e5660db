"""Pyramids, transparent pictures, shared layers and generators against NumPy twins."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.parameterizations import (
    Parameterization,
    cppn,
    fourier,
    generator,
    laplacian,
    pixel,
    shared,
    with_alpha,
    with_shared,
)
from tests.helpers.parameterization_twins import (
    LUCID_COLOURS,
    assert_gradients_are_finite,
    assert_images_stand_alone,
    gradients,
    numbers_like,
    picture,
    resized,
    sigmoid,
    streams,
    tensors,
)

SIZES = [(16, 16), (12, 20), (17, 12), (9, 31), (33, 20)]


def decode(codes: tf.Tensor) -> tf.Tensor:
    """A generator: codes [batch, 30] -> images [batch, 5, 6, 1]."""
    return tf.sigmoid(tf.reshape(codes, [-1, 5, 6, 1]))


def some(batch: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(batch).random((batch, height, width, channels), np.float32)


# ---- all of them


MAKE = {
    "laplacian": lambda: laplacian(9, 14),
    "laplacian, clipped": lambda: laplacian(9, 14, squash="clip"),
    "transparent": lambda: with_alpha(fourier(9, 14), laplacian(9, 14, 1)),
    "transparent, without resolution": lambda: with_alpha(cppn(9, 14, layers=2), cppn(9, 14, 1, layers=2)),
    "with shared layers": lambda: with_shared(fourier(9, 14), shared(9, 14, members=1)),
    "generator": lambda: generator(decode, (30,), 9, 14, bound=3.0),
}


@pytest.mark.parametrize("name", MAKE)
def test_images_stand_alone(name):
    made = MAKE[name]()
    assert_images_stand_alone(made, numbers_like(made.initial(streams("a", "b", "c")), 0))


@pytest.mark.parametrize("name", MAKE)
def test_gradients_are_finite(name):
    made = MAKE[name]()
    assert_gradients_are_finite(made, made.initial(streams("a", "b")))


@pytest.mark.parametrize("name", MAKE)
def test_an_image_depends_on_its_own_stream_only(name):
    batch = MAKE[name]().initial(streams("a", "b", "c"))
    for i, alone in enumerate("abc"):
        for array, one in zip(batch, MAKE[name]().initial(streams(alone)), strict=True):
            np.testing.assert_array_equal(array[i], one[0])


@pytest.mark.parametrize("name", MAKE)
def test_numbers_and_their_pools_fit_each_other(name):
    made = MAKE[name]()
    numbers = made.initial(streams("a", "b"))
    assert len(numbers) == made.parts
    pooled = made.pool(tensors(numbers))
    for array, mean in zip(numbers, pooled, strict=True):
        assert array.dtype == np.float32
        assert np.broadcast_shapes(array.shape, mean.shape) == array.shape
        assert mean.shape[0] == 2


# ---- laplacian


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_laplacian_is_a_sum_of_enlarged_levels(height, width, batch):
    made = laplacian(height, width)
    numbers = numbers_like(made.initial(streams(*"abc"[:batch])), 0)
    sizes = [(batch, height // 2**n, width // 2**n, 3) for n in range(4)]
    assert [array.shape for array in numbers] == sizes
    maps = sum(resized(array, height, width) for array in numbers)
    np.testing.assert_allclose(picture(made, numbers), sigmoid(maps @ LUCID_COLOURS.T), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 5])
def test_laplacian_decorrelates_only_three_channels(channels):
    made = laplacian(12, 9, channels, levels=2)
    numbers = numbers_like(made.initial(streams("a")), 0)
    maps = numbers[0] + resized(numbers[1], 12, 9)
    np.testing.assert_allclose(picture(made, numbers), sigmoid(maps), atol=1e-6)


def test_sides_of_levels_do_not_vanish():
    assert [array.shape[1:3] for array in laplacian(3, 9).initial(streams("a"))] == [
        (3, 9),
        (1, 4),
        (1, 2),
        (1, 1),
    ]


def test_levels_share_their_centre():
    """Mirrored numbers make a mirrored picture, where the legacy resampling would shift levels apart."""
    made = laplacian(16, 24)
    numbers = numbers_like(made.initial(streams("a")), 0)
    mirrored = picture(made, [array[:, ::-1, ::-1] for array in numbers])
    np.testing.assert_allclose(mirrored, picture(made, numbers)[:, ::-1, ::-1], atol=1e-6)


def test_laplacians_gradient_is_the_adjoint():
    made = laplacian(13, 18, 1)
    zero = [np.zeros_like(array) for array in made.initial(streams("a"))]
    upstream, direction = some(1, 13, 18, 1), numbers_like(zero, 1)
    found = gradients(made, zero, upstream)
    forward = sum(resized(array, 13, 18) for array in direction) / 4  # the slope of the sigmoid
    inner = sum((g * d).sum() for g, d in zip(found, direction, strict=True))
    assert inner == pytest.approx((forward * upstream).sum(), rel=1e-4)


@pytest.mark.parametrize("squash", ["sigmoid", "clip"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [*SIZES, (5, 3)])
def test_a_picture_comes_back(squash, channels, height, width):
    made = laplacian(height, width, channels, squash=squash)
    given = some(3, height, width, channels)
    given[1:] = np.array([0.0, 1.0])[:, None, None, None]  # black, and white
    numbers = made.from_image(given)
    assert np.abs(picture(made, numbers) - given).max() < 1 / 255
    assert [array.shape for array in numbers] == [a.shape for a in made.initial(streams(*"abc"))]


def test_a_constant_picture_lies_in_the_coarsest_level():
    *finer, coarsest = laplacian(17, 24, 1).from_image(np.full((1, 17, 24, 1), 0.7, np.float32))
    np.testing.assert_allclose(coarsest, np.log(0.7 / 0.3), rtol=1e-5)
    assert max(np.abs(level).max() for level in finer) < 1e-5


# ---- transparent pictures


def test_opacity_is_a_plane_of_its_own():
    made = with_alpha(pixel(9, 14), pixel(9, 14, 1))
    colours, opacity = numbers = numbers_like(made.initial(streams("a", "b", "c")), 0)
    found = picture(made, numbers)
    assert made.transparent
    assert found.shape == (3, 9, 14, 4)
    np.testing.assert_allclose(found[..., :3], sigmoid(colours @ LUCID_COLOURS.T), atol=1e-6)
    np.testing.assert_allclose(found[..., 3:], sigmoid(opacity), atol=1e-6)


def test_transparent_pictures_start_with_the_colours_of_opaque_ones():
    made, colours = with_alpha(fourier(9, 14), fourier(9, 14, 1)), fourier(9, 14)
    found = picture(made, made.initial(streams("a")))
    np.testing.assert_array_equal(found[..., :3], picture(colours, colours.initial(streams("a"))))
    assert found[..., 3].mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("opacity", [fourier, laplacian, pixel])
def test_opaque_pictures_become_opaque(opacity):
    made = with_alpha(fourier(9, 14), opacity(9, 14, 1))
    given = some(2, 9, 14)
    found = picture(made, made.from_image(given))
    assert np.abs(found[..., :3] - given).max() < 1 / 255
    assert found[..., 3].min() > 1 - 1 / 255


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_pictures_come_back(channels):
    made = with_alpha(fourier(9, 14, channels), laplacian(9, 14, 1), channels)
    given = some(3, 9, 14, channels + 1)
    assert np.abs(picture(made, made.from_image(given)) - given).max() < 1 / 255


def test_each_half_is_pooled_by_itself():
    halves = fourier(9, 14), laplacian(9, 14, 1)
    made = with_alpha(*halves)
    numbers = tensors(numbers_like(made.initial(streams("a", "b")), 0))
    for found, expected in zip(
        made.pool(numbers), (*halves[0].pool(numbers[:1]), *halves[1].pool(numbers[1:])), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_only_the_half_that_is_held_back_is_held_back():
    coarse, free = fourier(9, 14, coarse_until=0.5), laplacian(9, 14, 1)
    shares = tf.constant([0.1, 0.9])
    first, *others = with_alpha(coarse, free).focus(shares)
    np.testing.assert_array_equal(first, coarse.focus(shares)[0])
    assert others == [1.0] * free.parts
    assert with_alpha(fourier(9, 14), free).focus is None


# ---- shared layers


def shared_twin(numbers: list[np.ndarray], members: int, height: int, width: int) -> np.ndarray:
    """Return the maps of each picture: copies are averaged; of two tensors each takes its mixture."""
    maps = np.zeros((len(numbers[0]), height, width, numbers[0].shape[-1]))
    for array in numbers:
        for n in range(len(maps)):
            group = array[n - n % members : n - n % members + members].mean(axis=0, dtype=np.float64)
            t = (n % members) / max(members - 1, 1)
            mixed = group[0] if len(group) == 1 else (1 - t) * group[0] + t * group[1]
            maps[n] += resized(mixed, height, width)
    return maps


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 40), (33, 20)])
@pytest.mark.parametrize(("batch", "members"), [(1, 1), (3, 3), (6, 3), (4, 2)])
def test_shared_layers_are_the_groups(height, width, batch, members):
    made = shared(height, width, members=members, sides=(12, 5), ends=(4,))
    numbers = numbers_like(made.initial(streams(*"abcdef"[:batch])), 0)
    maps = shared_twin(numbers, members, height, width)
    np.testing.assert_allclose(picture(made, numbers), sigmoid(maps @ LUCID_COLOURS.T), atol=1e-6)


def test_shared_layers_have_lucids_shapes():
    numbers = shared(128, 128, members=6).initial(streams(*"abcdef"))
    found = [array.shape[1:] for array in numbers]
    assert found == [(n, side, side, 3) for n, side in [(1, 64), (1, 32), (1, 16), (1, 8), (2, 16), (2, 8)]]


def test_shared_layers_keep_the_aspect_and_are_no_larger_than_the_picture():
    numbers = shared(40, 20, members=1, sides=(64, 10, 1), ends=()).initial(streams("a"))
    assert [array.shape[2:4] for array in numbers] == [(40, 20), (10, 5), (1, 1)]


def test_copies_start_alike_from_the_stream_of_their_first():
    made = shared(20, 30, members=3)
    for array in made.initial(streams(*"abcdef")):
        for start in (0, 3):
            assert (array[start : start + 3] == array[start]).all()
        assert not np.array_equal(array[0], array[3])
    alone = made.initial(streams("d", "x", "y"))
    for array, group in zip(made.initial(streams(*"abcdef")), alone, strict=True):
        np.testing.assert_array_equal(array[3:], group)


def test_copies_have_equal_gradients_and_so_stay_alike():
    made = with_shared(fourier(12, 18), shared(12, 18, members=3, sides=(6,), ends=(4,)))
    numbers = made.initial(streams(*"abcdef"))
    upstream = np.random.default_rng(0).normal(size=(6, 12, 18, 3))
    own, *common = gradients(made, numbers, upstream)
    assert not np.array_equal(own[0], own[1])
    for gradient in common:
        for start in (0, 3):
            assert (gradient[start : start + 3] == gradient[start]).all()
            assert np.abs(gradient[start]).max() > 0.0


def test_the_ends_of_a_group_are_its_first_and_its_last():
    made = shared(8, 8, 1, members=3, sides=(), ends=(1,))
    (numbers,) = made.initial(streams(*"abc"))
    numbers[:] = np.array([-2.0, 4.0])[:, None, None, None]
    np.testing.assert_allclose(picture(made, [numbers])[:, 0, 0, 0], sigmoid(np.array([-2, 1, 4])), atol=1e-6)


@pytest.mark.parametrize("own", [fourier, laplacian, pixel])
@pytest.mark.parametrize("squash", ["sigmoid", "clip"])
def test_own_and_shared_are_added_before_they_are_squashed(own, squash):
    mine = own(12, 18, squash=squash)
    common = shared(12, 18, members=3, sides=(6,), ends=(4,))
    made = with_shared(mine, common)
    numbers = numbers_like(made.initial(streams("a", "b", "c")), 0, 0.3)
    values = mine.values(tensors(numbers[: mine.parts])) + common.values(tensors(numbers[mine.parts :]))
    expected = sigmoid(values.numpy()) if squash == "sigmoid" else np.clip(values + 0.5, 0, 1)
    np.testing.assert_allclose(picture(made, numbers), expected, atol=1e-6)


def test_groups_of_a_batch_do_not_mix():
    made = with_shared(fourier(12, 18), shared(12, 18, members=2, sides=(6,), ends=(4,)))
    assert_images_stand_alone(made, numbers_like(made.initial(streams(*"abcd")), 0), group=2)


@pytest.mark.parametrize("squash", ["sigmoid", "clip"])
def test_given_pictures_are_each_ones_own(squash):
    made = with_shared(laplacian(12, 17, squash=squash), shared(12, 17, members=3))
    given = some(3, 12, 17)
    numbers = made.from_image(given)
    assert np.abs(picture(made, numbers) - given).max() < 1 / 255
    assert not any(array.any() for array in numbers[4:])


# ---- generators


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(5, 6), (9, 14), (4, 3)])
def test_a_generators_picture_is_resampled(batch, height, width):
    made = generator(decode, (30,), height, width)
    (codes,) = numbers_like(made.initial(streams(*"abc"[:batch])), 0)
    expected = resized(sigmoid(codes).reshape(-1, 5, 6, 1), height, width)
    np.testing.assert_allclose(picture(made, [codes]), expected, atol=1e-6)


def test_codes_start_from_a_normal_distribution():
    (codes,) = generator(decode, (4, 50, 30), 9, 14, std=2.0).initial(streams("a", "b"))
    assert codes.shape == (2, 4, 50, 30)
    assert codes.std() == pytest.approx(2.0, rel=0.05)


def linear(codes: tf.Tensor) -> tf.Tensor:
    return tf.reshape(codes, [-1, 1, 6, 1])


def test_codes_are_cut_at_their_bound():
    made = generator(linear, (6,), 1, 6, std=2.0, bound=1.5)
    codes = np.array([[-9.0, -3.0, -1.0, 0.0, 2.5, 4.0]], np.float32)
    np.testing.assert_array_equal(picture(made, [codes]).ravel(), [-3.0, -3.0, -1.0, 0.0, 2.5, 3.0])
    free = generator(linear, (6,), 1, 6, std=2.0)
    np.testing.assert_array_equal(picture(free, [codes]).ravel(), codes.ravel())


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        (1.0, [0, 1, 1, 1]),  # down: not where it is below
        (-1.0, [-1, -1, -1, 0]),  # up: not where it is above
    ],
)
def test_a_code_beyond_its_bound_can_only_come_back(upstream, expected):
    made = generator(lambda codes: tf.reshape(codes, [-1, 1, 4, 1]), (4,), 1, 4, bound=1.0)
    codes = np.array([[-2.0, -0.5, 0.5, 2.0]], np.float32)
    (found,) = gradients(made, [codes], np.full((1, 1, 4, 1), upstream))
    np.testing.assert_array_equal(found[0], expected)


def test_what_cannot_be_told_is_not_told():
    assert all(make(9, 14).larger is None for make in (fourier, laplacian, pixel))
    assert generator(decode, (30,), 9, 14).from_image is None
    assert isinstance(MAKE["generator"](), Parameterization)
