"""Objectives that compare with a target picture or recorded activations, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.optvis.objectives import caricature, channel, match, style
from tests.helpers.random_activations import (
    ALL,
    BATCH,
    CHANNELS,
    HEIGHT,
    LAYERS,
    WIDTH,
    Acts,
    activations,
    assert_batch_mates_do_not_change_a_bit,
    assert_batch_scores_as_its_images_alone,
    assert_gradients_are_finite,
    assert_one_trace_serves_views_of_every_size,
    draw,
    gradients,
    score,
)

NORMS = pytest.mark.parametrize("norm", ["l2", "l1"])
RECORDED = draw(3, HEIGHT, WIDTH, CHANNELS)
GRAMS = draw(3, CHANNELS, CHANNELS)


def seen_target(batch: int) -> Acts:
    """Return what the network makes of the target picture, seen through each image's transforms."""
    return activations(batch, seed=5)


def exaggerated(own: np.ndarray, target: np.ndarray, power: float) -> float:
    h, t = own.astype(np.float64).ravel(), target.astype(np.float64).ravel()
    dot = t @ h
    return dot * max(0.1, dot / (1e-6 + np.sqrt(h @ h)) / (1e-6 + np.sqrt(t @ t))) ** power


def distance(own: np.ndarray, target: np.ndarray, norm: str) -> float:
    difference = np.abs(own.astype(np.float64) - target.astype(np.float64))
    return float((difference**2 if norm == "l2" else difference).mean())


def gram_by_position(image: np.ndarray) -> np.ndarray:
    total = np.zeros((image.shape[-1],) * 2)
    for t in image.astype(np.float64).reshape(-1, image.shape[-1]):
        total += np.outer(t, t)
    return total / (image.shape[0] * image.shape[1])


# ---- caricature


@LAYERS
@pytest.mark.parametrize("power", [0, 0.5, 1, 2])
def test_caricature_is_the_dot_product_and_the_angle(layer, power):
    acts, target = activations(BATCH), seen_target(BATCH)
    pairs = zip(acts[layer], target[layer], strict=True)
    expected = [exaggerated(own, wanted, power) for own, wanted in pairs]
    found = score(caricature(layer, power), acts, target)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_caricature_of_a_picture_of_its_own_is_most_like_it():
    acts = activations(3)
    own = score(caricature("map", 1), acts, acts)
    assert (own > score(caricature("map", 1), acts, seen_target(3))).all()


@pytest.mark.parametrize(("power", "expected"), [(0, 40.0), (1, 32.0), (2, 25.6), (16, 1.1258999)])
def test_a_power_is_one_of_the_cosine(power, expected):
    own = {"map": np.float32([[[[3.0, 4.0]]]])}  # of length 5
    alike = {"map": np.float32([[[[6.0, 8.0]]]])}  # of length 10
    np.testing.assert_allclose(score(caricature("map", power), own, alike), [50.0], rtol=1e-4)
    aside = {"map": np.float32([[[[0.0, 10.0]]]])}  # of length 10, cosine 0.8
    np.testing.assert_allclose(score(caricature("map", power), own, aside), [expected], rtol=1e-4)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_ascent_exaggerates(power):
    acts, target = activations(3), seen_target(3)
    before = score(caricature("map", power), acts, target)
    acts["map"] += 1e-2 * gradients(caricature("map", power), acts, target)["map"]
    assert (score(caricature("map", power), acts, target) > before).all()


def test_one_target_may_serve_the_whole_batch():
    acts, target = activations(3), seen_target(1)
    same = {layer: np.repeat(a, 3, axis=0) for layer, a in target.items()}
    for objective in (caricature("map", 1), match("map"), style("map")):
        found = score(objective, acts, target)
        np.testing.assert_allclose(found, score(objective, acts, same), rtol=1e-6)


# ---- match


@LAYERS
@NORMS
def test_match_is_minus_the_mean_difference_from_the_target_picture(layer, norm):
    acts, target = activations(BATCH), seen_target(BATCH)
    pairs = zip(acts[layer], target[layer], strict=True)
    expected = [-distance(own, wanted, norm) for own, wanted in pairs]
    np.testing.assert_allclose(score(match(layer, norm=norm), acts, target), expected, rtol=1e-5)


@NORMS
def test_match_takes_recorded_activations(norm):
    acts = activations(BATCH)
    expected = [-distance(own, RECORDED[0], norm) for own in acts["map"]]
    np.testing.assert_allclose(score(match("map", RECORDED[0], norm), acts), expected, rtol=1e-5)
    pairs = zip(acts["map"], RECORDED[:BATCH], strict=True)
    expected = [-distance(own, wanted, norm) for own, wanted in pairs]
    np.testing.assert_allclose(score(match("map", RECORDED[:BATCH], norm), acts), expected, rtol=1e-5)


def test_of_a_view_of_another_size_the_common_centre_is_matched():
    acts = activations(2)  # 6 x 9
    recorded = draw(8, 4, CHANNELS)
    expected = [-distance(own[:, 2:6], recorded[1:7], "l2") for own in acts["map"]]
    np.testing.assert_allclose(score(match("map", recorded), acts), expected, rtol=1e-5)


@NORMS
def test_nothing_matches_better_than_the_same(norm):
    acts = activations(3)
    objective = match("map", acts["map"], norm)
    np.testing.assert_array_equal(score(objective, acts), np.zeros(3))
    assert not gradients(objective, acts)["map"].any()


def test_another_norm_is_refused_at_once():
    with pytest.raises(FvcliError, match=r"no norm 'l3' .*: l2 or l1"):
        match("map", norm="l3")


# ---- style


@LAYERS
def test_style_is_minus_the_mean_squared_difference_of_gram_matrices(layer):
    acts, target = activations(BATCH), seen_target(BATCH)
    pairs = zip(acts[layer], target[layer], strict=True)
    expected = [-((gram_by_position(own) - gram_by_position(wanted)) ** 2).mean() for own, wanted in pairs]
    np.testing.assert_allclose(score(style(layer), acts, target), expected, rtol=1e-5)


def test_style_takes_a_recorded_gram_matrix():
    acts = activations(BATCH)
    expected = [-((gram_by_position(own) - GRAMS[0]) ** 2).mean() for own in acts["map"]]
    np.testing.assert_allclose(score(style("map", GRAMS[0]), acts), expected, rtol=1e-5)
    pairs = zip(acts["map"], GRAMS[:BATCH], strict=True)
    expected = [-((gram_by_position(own) - wanted) ** 2).mean() for own, wanted in pairs]
    np.testing.assert_allclose(score(style("map", GRAMS[:BATCH]), acts), expected, rtol=1e-5)


def test_style_is_four_times_the_term_of_gatys_et_al():
    """E = sum (G - A)^2 / (4 N^2 M^2), G and A without a divisor, N channels and M positions."""
    acts, target = activations(1), seen_target(1)
    channels, positions = CHANNELS, HEIGHT * WIDTH
    g, a = (positions * gram_by_position(x["map"][0]) for x in (acts, target))
    term = ((g - a) ** 2).sum() / (4 * channels**2 * positions**2)
    np.testing.assert_allclose(score(style("map"), acts, target), [-4 * term], rtol=1e-5)


def test_style_does_not_ask_where():
    acts = activations(2)
    shuffled = {**acts, "map": acts["map"][:, ::-1, np.random.default_rng(3).permutation(WIDTH)]}
    np.testing.assert_allclose(score(style("map"), acts, shuffled), np.zeros(2), atol=1e-10)
    wider = {**acts, "map": np.tile(acts["map"], (1, 2, 3, 1))}
    np.testing.assert_allclose(score(style("map"), acts, wider), np.zeros(2), atol=1e-10)


# ---- batches and gradients

EVERY = {
    "caricature": lambda of: caricature("map"),
    "caricature, angle": lambda of: caricature("odd", 2),
    "match": lambda of: match("map"),
    "match l1": lambda of: match("even", norm="l1"),
    "match recorded": lambda of: match("map", RECORDED[of]),
    "match shared": lambda of: match("map", RECORDED[0], "l1"),
    "style": lambda of: style("odd"),
    "style recorded": lambda of: style("map", GRAMS[of]),
    "sum": lambda of: 2 * caricature("map", 1) + 3 * match("odd") - 0.1 * channel("map", 2),
}
NAMES = pytest.mark.parametrize("name", EVERY)


@NAMES
def test_a_batch_scores_as_its_images_alone(name):
    assert_batch_scores_as_its_images_alone(EVERY[name], activations(3), seen_target(3))


@NAMES
def test_batch_mates_do_not_change_a_bit(name):
    assert_batch_mates_do_not_change_a_bit(EVERY[name], activations(3), seen_target(3))


@NAMES
def test_gradients_are_finite_at_zero_constant_and_saturated_activations(name):
    assert_gradients_are_finite(EVERY[name](ALL), activations(3), seen_target(3))


@pytest.mark.parametrize("power", [0, 1, 2])
def test_gradients_are_finite_for_a_target_of_zeros(power):
    nothing = {layer: np.zeros_like(a) for layer, a in activations(3).items()}
    assert_gradients_are_finite(caricature("map", power), activations(3), nothing)


@NAMES
def test_one_trace_serves_views_of_every_size(name):
    assert_one_trace_serves_views_of_every_size(EVERY[name](ALL), activations(3), seen_target(3))


# ---- what is missing


@pytest.mark.parametrize("make", [caricature, match, style])
def test_without_a_picture_there_is_nothing_to_compare_with(make):
    with pytest.raises(FvcliError, match="no picture to compare layer 'map' with: give a target"):
        score(make("map"), activations(3))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (match, (HEIGHT, WIDTH, 1)),
        (match, (2, HEIGHT, WIDTH, CHANNELS)),
        (match, (CHANNELS,)),
        (style, (CHANNELS,)),
        (style, (CHANNELS, CHANNELS + 1)),
    ],
)
def test_recorded_values_that_do_not_fit_are_told_so(make, shape):
    with pytest.raises(FvcliError, match=r"do not fit layer 'map': give .* 7 channels, .* 3 images"):
        score(make("map", np.ones(shape)), activations(3))
