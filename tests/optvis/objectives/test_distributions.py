"""Sort matching against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.objectives import Objective, sort_match
from fvcli.optvis.objectives.distributions import at_shares
from tests.helpers.random_activations import (
    BATCH,
    CHANNELS,
    HEIGHT,
    LAYERS,
    WIDTH,
    activations,
    assert_batch_mates_do_not_change_a_bit,
    assert_batch_scores_as_its_images_alone,
    assert_gradients_are_finite,
    assert_one_trace_serves_views_of_every_size,
    draw,
    gradients,
    score,
)

MATCHED = np.array([[0, 2, 5], [1, 2, 3], [6, 4, 0]], np.int32)
WANTED = np.sort(draw(BATCH, 3, HEIGHT * WIDTH), axis=-1)
WEIGHTS = np.abs(draw(BATCH, 3, seed=9))


def objective(images: slice = slice(None), layer: str = "map") -> Objective:
    given = (tf.constant(array[images]) for array in (MATCHED, WANTED, WEIGHTS))
    return sort_match(layer, *given)


def straight(values: np.ndarray, count: int) -> np.ndarray:
    """Values [n] at the middles of so many equal parts of them."""
    return np.interp((np.arange(count) + 0.5) / count, (np.arange(len(values)) + 0.5) / len(values), values)


@LAYERS
def test_sort_match_is_the_weighted_squared_difference_of_sorted_activations(layer: str) -> None:
    acts = activations(BATCH)
    expected = []
    for image, channels, wanted, weights in zip(acts[layer], MATCHED, WANTED, WEIGHTS, strict=True):
        flat = image.astype(np.float64).reshape(-1, CHANNELS)
        differences = [
            np.mean((np.sort(flat[:, channel]) - straight(asked.astype(np.float64), len(flat))) ** 2)
            for channel, asked in zip(channels, wanted, strict=True)
        ]
        expected.append(-(weights * differences).sum())
    np.testing.assert_allclose(score(objective(layer=layer), acts), expected, rtol=1e-5)


def test_a_picture_with_the_same_activations_elsewhere_matches_wholly() -> None:
    acts = activations(BATCH)
    chosen = np.stack([acts["map"][i][..., MATCHED[i]] for i in range(BATCH)]).reshape(BATCH, -1, 3)
    wanted = np.sort(chosen, axis=1).transpose(0, 2, 1)
    same = sort_match("map", tf.constant(MATCHED), tf.constant(wanted), tf.constant(WEIGHTS))
    moved = {**acts, "map": acts["map"][:, ::-1, ::-1]}
    assert score(same, moved).tolist() == [0.0] * BATCH
    assert (score(same, {**acts, "map": acts["map"] + 0.5}) < 0).all()


def test_each_activation_is_drawn_to_the_one_of_its_rank() -> None:
    acts = {**activations(1), "map": np.array([3.0, 1.0, 2.0, 0.0], np.float32).reshape(1, 2, 2, 1)}
    wanted = np.array([[[0.0, 1.0, 2.0, 7.0]]], np.float32)
    found = gradients(sort_match("map", tf.constant([[0]]), tf.constant(wanted), tf.constant([[1.0]])), acts)[
        "map"
    ]
    assert found.ravel().tolist() == [2.0, 0.0, 0.0, 0.0]  # of -(3 - 7)^2 / 4


@pytest.mark.parametrize("count", [1, 5, 8, 40])
def test_sorted_values_are_taken_at_even_shares(count: int) -> None:
    values = np.sort(draw(2, 3, 8))
    expected = [[straight(row, count) for row in some] for some in values]
    for asked in (count, tf.constant(count)):
        np.testing.assert_allclose(at_shares(tf.constant(values), asked), expected, rtol=1e-5, atol=1e-6)


def test_sort_match_is_of_each_image_alone_and_of_views_of_every_size() -> None:
    acts = activations(BATCH)
    assert_batch_scores_as_its_images_alone(objective, acts)
    assert_batch_mates_do_not_change_a_bit(objective, acts)
    assert_one_trace_serves_views_of_every_size(objective(), acts)
    assert_gradients_are_finite(objective(), acts)
