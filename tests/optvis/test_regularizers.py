"""Regularizers against NumPy twins: batches of one and of three, sizes that are not square."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.ascent import Ascent, Recipe
from fvcli.optvis.objectives import channel
from fvcli.optvis.optimizers import gradient
from fvcli.optvis.parameterizations import pixel
from fvcli.optvis.regularizers import Regularizer, blur, blurred, clip_contribution, clip_norm, decay
from fvcli.optvis.streams import stream
from tests.helpers.networks import as_network

SIZES = [(1, 12, 17), (3, 16, 9), (3, 1, 5), (1, 3, 1)]
EVERY = {
    "decay": decay(0.1),
    "blur": blur(1.0, 1),
    "clip_norm": clip_norm(40.0),
    "clip_contribution": clip_contribution(90.0),
}


def pixels(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Return numbers [batch, h, w, 3] that are larger in each further image."""
    batch = shape[0]
    drawn = np.random.default_rng(seed).normal(size=(*shape, 3))
    return (drawn * 10.0 ** np.arange(batch)[:, None, None, None]).astype(np.float32)


def applied(regularizer: Regularizer, numbers: np.ndarray, grads: np.ndarray, step: int = 1) -> np.ndarray:
    (found,) = regularizer.apply((tf.constant(numbers),), (tf.constant(grads),), tf.constant(step))
    assert found.dtype == tf.float32
    return found.numpy()


# ---- the twins


def blur_twin(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return what SciPy's gaussian_filter gives: at each place a weighted sum over the mirrored picture."""
    reach = int(4.0 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    wide = np.pad(image.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), "symmetric")
    found = np.zeros(image.shape)
    for (y, x, c), _ in np.ndenumerate(image):
        found[y, x, c] = weights @ wide[y : y + len(weights), x : x + len(weights), c] @ weights
    return found


def clip_twin(image: np.ndarray, values: np.ndarray, percentile: float) -> np.ndarray:
    return image * (values >= np.percentile(values, percentile))[..., None]


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("rate", [0.0, 1e-4, 0.3, 1.0])
def test_decay_takes_a_share(shape, rate):
    numbers = pixels(shape)
    np.testing.assert_allclose(applied(decay(rate), numbers, numbers), (1 - rate) * numbers, rtol=1e-6)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.0, 2.5])
def test_blur_is_scipys(shape, sigma):
    """At 2.5 px the kernel is wider than most of these pictures."""
    numbers = pixels(shape)
    expected = [blur_twin(image, sigma) for image in numbers]
    found = applied(blur(sigma), numbers, numbers)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-6 * np.abs(theirs).max())


def test_blur_gives_scipys_numbers():
    """What SciPy 1.17's gaussian_filter makes of these squares with sigma 1."""
    squares = np.arange(20, dtype=np.float32).reshape(1, 4, 5, 1) ** 2
    expected = [
        [16.69471115, 20.78813183, 27.78849274, 36.20462375, 42.70853189],
        [52.56632203, 60.7364906, 73.6675112, 88.01430192, 98.59495794],
        [121.8292368, 135.59826198, 156.67423394, 179.16597601, 195.34548865],
        [186.82373525, 204.66950832, 231.67613998, 260.09854175, 280.35480228],
    ]
    np.testing.assert_allclose(blurred(tf.constant(squares), 1.0)[0, :, :, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("every", [1, 4])
def test_blur_comes_every_so_many_steps(every):
    """After steps 1, 5, 9, as in the original, which counts from 0."""
    numbers = pixels((1, 6, 7))
    for step in range(1, 11):
        changed = not np.array_equal(applied(blur(1.0, every), numbers, numbers, step), numbers)
        assert changed == ((step - 1) % every == 0)


def test_no_sigma_no_blur():
    numbers = pixels((3, 6, 7))
    np.testing.assert_array_equal(blurred(tf.constant(numbers), 0.0), numbers)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("percentile", [0.0, 20.0, 50.0, 90.5, 100.0])
def test_clip_norm_is_numpys(shape, percentile):
    numbers = pixels(shape)
    expected = [clip_twin(image, np.linalg.norm(image, axis=-1), percentile) for image in numbers]
    np.testing.assert_array_equal(applied(clip_norm(percentile), numbers, -numbers), expected)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("percentile", [0.0, 20.0, 50.0, 90.5, 100.0])
def test_clip_contribution_is_numpys(shape, percentile):
    """Of a gain as of a loss: the sign of the gradient does not matter."""
    numbers, grads = pixels(shape), pixels(shape, seed=1)
    contributions = np.abs((numbers * grads).sum(axis=-1))
    expected = [
        clip_twin(image, values, percentile) for image, values in zip(numbers, contributions, strict=True)
    ]
    for sign in (1.0, -1.0):
        found = applied(clip_contribution(percentile), numbers, np.float32(sign) * grads)
        np.testing.assert_array_equal(found, expected)


def test_a_contribution_is_what_grey_would_change(model):
    """On the real network: of the pixels that matter most, grey changes the score by about as much."""
    network = as_network(model)
    images = np.random.default_rng(0).random((1, 32, 40, 3), dtype=np.float32)

    def score(x: tf.Tensor) -> tf.Tensor:
        return channel("stem_bn", 3)(network(x, redirect=False))

    numbers = tf.constant(images - 0.5)
    with tf.GradientTape() as tape:
        tape.watch(numbers)
        whole = score(numbers + 0.5)
    grads = tape.gradient(whole, numbers)
    contributions = tf.reduce_sum(numbers * grads, axis=-1).numpy()[0]
    for place in np.argsort(np.abs(contributions).ravel())[-5:]:
        greyed = images.copy()
        greyed[0].reshape(-1, 3)[place] = 0.5
        change = float(whole[0] - score(tf.constant(greyed))[0])
        assert change == pytest.approx(contributions.ravel()[place], rel=0.05)  # the layer is linear


# ---- whatever the regularizer


@pytest.mark.parametrize("regularizer", EVERY.values(), ids=EVERY)
def test_each_image_is_treated_alone(regularizer):
    """To the last bit, in every place of a batch and by itself."""
    numbers, grads = pixels((3, 16, 9)), pixels((3, 16, 9), seed=1)
    together, order = applied(regularizer, numbers, grads), [2, 0, 1]
    np.testing.assert_array_equal(applied(regularizer, numbers[order], grads[order]), together[order])
    for i in range(3):
        alone = applied(regularizer, numbers[i : i + 1], grads[i : i + 1])
        np.testing.assert_array_equal(alone[0], together[i])


@pytest.mark.parametrize("regularizer", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_constant_pictures_stay_constant(regularizer, value):
    """No pixel is below the others, and none blurs into another."""
    numbers = np.full((3, 7, 5, 3), value, np.float32)
    found = applied(regularizer, numbers, np.ones_like(numbers))
    expected = 0.9 * value if regularizer is EVERY["decay"] else value
    np.testing.assert_allclose(found, np.full_like(numbers, expected), rtol=1e-6)


@pytest.mark.parametrize("regularizer", EVERY.values(), ids=EVERY)
def test_without_a_gradient_everything_is_finite(regularizer):
    numbers = pixels((3, 7, 5))
    assert np.isfinite(applied(regularizer, numbers, np.zeros_like(numbers))).all()


@pytest.mark.parametrize("regularizer", EVERY.values(), ids=EVERY)
def test_other_numbers_of_channels(regularizer):
    """Grey pictures, and those with opacity."""
    for channels in (1, 4):
        numbers = np.random.default_rng(0).normal(size=(2, 7, 5, channels)).astype(np.float32)
        assert applied(regularizer, numbers, numbers).shape == numbers.shape


@pytest.mark.parametrize("name", EVERY)
def test_regularizers_in_an_ascent(model, name):
    """One trace, finite pictures, and scores that rise none the less."""
    recipe = Recipe(
        pixel(32, 40, decorrelate=False, squash="clip"),
        [],
        gradient(0.5, step="unit"),
        0,
        [decay(1e-3), blur(0.5, 4) if name == "blur" else EVERY[name]],
    )
    ascent = Ascent(as_network(model), lambda u: channel("block1_expand_bn", u["index"]), recipe)
    streams, shared = [stream(0, "a"), stream(0, "b")], stream(0, "shared")
    of = {"index": np.array([3, 17], np.int32)}
    state = ascent.start(streams)
    first = ascent.score(ascent.picture(state.params), of)
    while state.step < 20:
        state = ascent.take_steps(state, of, 20 - state.step, streams, shared, 20)
    pictures = ascent.picture(state.params).numpy()
    assert np.isfinite(pictures).all()
    assert (ascent.score(pictures, of) > first).all()
    assert ascent.traces == 1
