"""Directions, tensors and local groups against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives import (
    channel,
    direction,
    direction_neuron,
    local_group,
    neuron,
    tensor_direction,
)
from fvcli.optvis.objectives.maps import l2_norm
from tests.helpers.random_activations import (
    ALL,
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
    own_indices,
    score,
)

POWERS = pytest.mark.parametrize("power", [0, 1, 2, 4, 0.5])
VECTOR = draw(CHANNELS)
VECTORS = draw(3, CHANNELS)
TENSORS = draw(3, 3, 2, CHANNELS)


def along(acts: np.ndarray, vector: np.ndarray, power: float) -> float:
    """Return d max(.1, cs)^p of the activations at one position, in float64."""
    t, v = acts.astype(np.float64), vector.astype(np.float64)
    d = float(t @ v)
    cosine = d / (1e-4 + np.sqrt(t @ t)) / (1e-4 + np.sqrt(v @ v))
    return d * max(0.1, cosine) ** power


def along_map(acts: np.ndarray, vectors: np.ndarray, power: float) -> np.ndarray:
    """Return it at every position of one image's map; vectors is [c] or [h, w, c]."""
    vectors = np.broadcast_to(vectors, acts.shape)
    return np.array(
        [
            [along(t, v, power) for t, v in zip(row, vectors_of_row, strict=True)]
            for row, vectors_of_row in zip(acts, vectors, strict=True)
        ]
    )


# ---- the formula


@LAYERS
@POWERS
def test_direction_is_the_mean_over_positions(layer, power):
    acts = activations(BATCH)
    expected = [along_map(a, VECTOR, power).mean() for a in acts[layer]]
    found = score(direction(layer, VECTOR, power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@LAYERS
@POWERS
def test_direction_takes_a_vector_an_image(layer, power):
    acts, vectors = activations(BATCH), VECTORS[:BATCH]
    pairs = zip(acts[layer], vectors, strict=True)
    expected = [along_map(a, v, power).mean() for a, v in pairs]
    found = score(direction(layer, tf.constant(vectors), power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@POWERS
@pytest.mark.parametrize(("layer", "row", "column"), [("map", 3, 4), ("odd", 2, 1), ("even", 4, 2)])
def test_direction_neuron_is_the_centre_by_default(layer, row, column, power):
    acts = activations(BATCH)
    expected = [along(a[row, column], VECTOR, power) for a in acts[layer]]
    found = score(direction_neuron(layer, VECTOR, cossim_power=power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@POWERS
def test_direction_neuron_takes_vector_and_place_an_image(power):
    acts, vectors = activations(BATCH), VECTORS[:BATCH]
    row, column = own_indices(BATCH, HEIGHT), own_indices(BATCH, WIDTH)
    expected = [along(acts["map"][i, row[i], column[i]], vectors[i], power) for i in range(BATCH)]
    place = tf.constant(row), tf.constant(column)
    found = score(direction_neuron("map", tf.constant(vectors), *place, power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (-3, -4), (2, 4), (99, -99)])
def test_direction_neuron_counts_from_the_centre_if_asked(down, right):
    acts = activations(BATCH)
    row = np.clip(HEIGHT // 2 + down, 0, HEIGHT - 1)
    column = np.clip(WIDTH // 2 + right, 0, WIDTH - 1)
    expected = [along(a[row, column], VECTOR, 2) for a in acts["map"]]
    found = score(direction_neuron("map", VECTOR, down, right, 2, from_centre=True), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@LAYERS
@POWERS
@pytest.mark.parametrize("size", [(3, 2), (4, 3), (1, 1)])
def test_tensor_direction_reads_the_centre_of_the_map(layer, size, power):
    acts, (h, w) = activations(BATCH), size
    tensor = draw(h, w, CHANNELS)
    top, left = (acts[layer].shape[1] - h) // 2, (acts[layer].shape[2] - w) // 2
    seen = acts[layer][:, top : top + h, left : left + w]
    expected = [along_map(a, tensor, power).mean() for a in seen]
    found = score(tensor_direction(layer, tensor, power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@POWERS
def test_tensor_direction_takes_a_tensor_an_image(power):
    acts, tensors = activations(BATCH), TENSORS[:BATCH]
    seen = acts["odd"][:, 1:4, 0:2]
    pairs = zip(seen, tensors, strict=True)
    expected = [along_map(a, v, power).mean() for a, v in pairs]
    found = score(tensor_direction("odd", tf.constant(tensors), power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_of_a_tensor_larger_than_the_map_the_centre_counts():
    """Views are smaller than the picture whose activations were recorded."""
    acts, tensor = activations(BATCH), draw(8, 4, CHANNELS)
    expected = [along_map(a[:, 2:6], tensor[1:7], 2).mean() for a in acts["map"]]  # 6 x 9 and 8 x 4
    found = score(tensor_direction("map", tensor, 2), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


# ---- local groups


@LAYERS
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (4, 3)])
def test_local_group_is_the_mean_over_a_region_about_the_centre(layer, size):
    acts, (rows, columns) = activations(BATCH), size
    _, height, width, _ = acts[layer].shape
    top, left = height // 2 - rows // 2, max(width // 2 - columns // 2, 0)
    region = acts[layer][:, top : top + rows, left : left + columns].astype(np.float64)
    assert region.shape[1:3] == size
    found = score(local_group(layer, VECTOR, rows=rows, columns=columns), acts)
    np.testing.assert_allclose(found, (region @ VECTOR).mean((1, 2)), rtol=1e-4, atol=1e-6)
    found = score(local_group(layer, rows=rows, columns=columns), acts)
    np.testing.assert_allclose(found, region.mean((1, 2, 3)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "column", "region"),
    [
        (0, 0, np.s_[:2, :2]),  # of 3 x 4, what is left of rows -1..1 and columns -2..1
        (5, 8, np.s_[4:6, 6:9]),
        (-7, 40, np.s_[:2, 6:9]),  # as if the nearest position had been named
        (2, 3, np.s_[1:4, 1:5]),
    ],
)
def test_local_group_is_clipped_to_the_map(row, column, region):
    acts = activations(3)
    expected = [(a[region].astype(np.float64) @ VECTOR).mean() for a in acts["map"]]
    found = score(local_group("map", VECTOR, row, column, 3, 4), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    off = local_group("map", VECTOR, row - 3, column - 4, 3, 4, from_centre=True)
    np.testing.assert_array_equal(score(off, acts), found)


def test_local_group_takes_vector_place_and_size_an_image():
    acts, vectors = activations(BATCH), VECTORS[:BATCH]
    row, column, rows = own_indices(BATCH, HEIGHT), own_indices(BATCH, WIDTH), own_indices(BATCH, 4)
    place = tf.constant(row), tf.constant(column)
    expected = [
        score(local_group("map", vectors[i], row[i], column[i], rows[i], 2), activations(BATCH))[i]
        for i in range(BATCH)
    ]
    objective = local_group("map", tf.constant(vectors), *place, tf.constant(rows), 2)
    np.testing.assert_array_equal(score(objective, acts), expected)


# ---- one is a case of another


@LAYERS
@POWERS
def test_the_same_vector_everywhere_is_a_direction(layer, power):
    acts = activations(BATCH)
    everywhere = np.broadcast_to(VECTOR, acts[layer].shape[1:])
    expected = score(direction(layer, VECTOR, power), acts)
    found = score(tensor_direction(layer, everywhere, power), acts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@LAYERS
def test_a_region_of_the_whole_map_is_a_direction(layer):
    acts = activations(BATCH)
    _, rows, columns, _ = acts[layer].shape
    found = score(local_group(layer, VECTOR, rows=rows, columns=columns), acts)
    np.testing.assert_allclose(found, score(direction(layer, VECTOR), acts), rtol=1e-5, atol=1e-7)
    larger = score(local_group(layer, VECTOR, rows=2 * rows + 1, columns=99), acts)
    np.testing.assert_array_equal(larger, found)


def test_the_direction_of_one_channel_is_that_channel():
    acts, one = activations(BATCH), np.eye(CHANNELS)[4]
    np.testing.assert_allclose(score(direction("map", one), acts), score(channel("map", 4), acts), rtol=1e-6)
    expected = score(neuron("map", 4, 2, 3), acts)
    np.testing.assert_array_equal(score(direction_neuron("map", one, 2, 3), acts), expected)
    np.testing.assert_array_equal(score(local_group("map", one, 2, 3), acts), expected)


@LAYERS
def test_a_power_of_zero_is_exactly_the_mean_dot_product(layer):
    acts = activations(BATCH)
    dot = tf.reduce_sum(tf.constant(acts[layer]) * VECTOR, axis=-1)
    for power in (0, 0.0):
        found = score(direction(layer, VECTOR, power), acts)
        np.testing.assert_array_equal(found, tf.reduce_mean(dot, axis=(1, 2)))
    found = gradients(direction(layer, VECTOR), acts)[layer]
    positions = acts[layer].shape[1] * acts[layer].shape[2]
    np.testing.assert_allclose(found, np.broadcast_to(VECTOR / positions, found.shape), rtol=1e-6)


def test_what_a_direction_rewards_is_linear_without_and_not_with_the_angle():
    acts = activations(3)
    twice = {**acts, "map": 2 * acts["map"]}
    for power in (0, 2):
        ratio = score(direction("map", VECTOR, power), twice) / score(direction("map", VECTOR, power), acts)
        np.testing.assert_allclose(ratio, 2.0, rtol=1e-2)  # an angle has no length
    longer = score(direction("map", 5 * VECTOR, 2), acts) / score(direction("map", VECTOR, 2), acts)
    np.testing.assert_allclose(longer, 5.0, rtol=1e-2)


def test_with_the_angle_activity_apart_from_the_vector_costs():
    acts = activations(2)
    apart = np.linalg.svd(VECTOR[None])[2][1]  # a direction at right angles to the vector
    acts["map"][:] = VECTOR
    acts["map"][1] += 3 * apart
    plain, angled = (score(direction("map", VECTOR, power), acts) for power in (0, 2))
    np.testing.assert_allclose(plain[1], plain[0], rtol=1e-5)
    assert angled[1] < 0.8 * angled[0]


# ---- batches and gradients

EVERY = {
    "direction": lambda of: direction("map", VECTORS[of]),
    "direction, angle": lambda of: direction("map", VECTORS[of], 2),
    "direction, shared": lambda of: direction("odd", VECTOR, 0.5),
    "neuron": lambda of: direction_neuron("map", VECTORS[of], 1, 7),
    "neuron, angle": lambda of: direction_neuron("even", VECTORS[of], cossim_power=4),
    "neuron, off centre": lambda of: direction_neuron("map", VECTOR, -1, 2, 1, from_centre=True),
    "tensor": lambda of: tensor_direction("map", TENSORS[of]),
    "tensor, angle": lambda of: tensor_direction("odd", TENSORS[of], 2),
    "tensor, shared": lambda of: tensor_direction("even", TENSORS[0], 1),
    "group": lambda of: local_group("map", VECTORS[of], 1, 8, 3, 2),
    "group, all channels": lambda of: local_group("map", None, -1, 0, 2, 5, from_centre=True),
    "sum": lambda of: 2 * direction("map", VECTORS[of], 2) - 0.5 * local_group("map", rows=2),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_scores_as_its_images_alone(name):
    assert_batch_scores_as_its_images_alone(EVERY[name], activations(3))


@pytest.mark.parametrize("name", EVERY)
def test_batch_mates_do_not_change_a_bit(name):
    assert_batch_mates_do_not_change_a_bit(EVERY[name], activations(3))


@pytest.mark.parametrize("name", EVERY)
def test_gradients_are_finite_at_zero_constant_and_saturated_activations(name):
    assert_gradients_are_finite(EVERY[name](ALL), activations(3))


@pytest.mark.parametrize("power", [0, 0.5, 1, 4])
def test_gradients_are_finite_for_a_vector_of_zeros(power):
    assert_gradients_are_finite(direction("map", np.zeros(CHANNELS), power), activations(1))


def test_the_gradient_of_a_length_is_zero_at_zero_and_of_unit_length_elsewhere():
    """Whatever comes from above: not every device takes 0 / 0 for 0, as TensorFlow's kernel does."""
    vectors = tf.constant([[0.0, 0.0, 0.0], [3.0, 0.0, -4.0], [1e-12, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        lengths = l2_norm(vectors, -1)
    np.testing.assert_allclose(lengths, [0.0, 5.0, 1e-12], atol=1e-14)
    expected = [[0.0, 0.0, 0.0], [0.6, 0.0, -0.8], [1.0, 0.0, 0.0]]
    np.testing.assert_allclose(tape.gradient(lengths, vectors), expected, rtol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_one_trace_serves_views_of_every_size(name):
    assert_one_trace_serves_views_of_every_size(EVERY[name](ALL), activations(3))


def test_vectors_are_an_input_of_a_compiled_function():
    acts = activations(3)
    compiled = tf.function(lambda v: direction("map", v, 2)(lambda layer: tf.constant(acts[layer])))
    for seed in (1, 2):
        vectors = draw(3, CHANNELS, seed=seed)
        expected = score(direction("map", vectors, 2), acts)
        np.testing.assert_allclose(compiled(tf.constant(vectors)), expected, rtol=1e-5)
    assert compiled.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("power", [0, 2])
def test_ascent_turns_activations_to_the_vector(power):
    """Also from where they point away: the floor of the cosine leaves a gradient."""
    acts = activations(3)
    acts["map"][0] = -VECTOR
    before = score(direction("map", VECTOR, power), acts)
    acts["map"] += 0.1 * gradients(direction("map", VECTOR, power), acts)["map"]
    assert (score(direction("map", VECTOR, power), acts) > before).all()


# ---- what does not fit


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (direction, (CHANNELS + 1,)),
        (direction, (1,)),  # would be spread over all channels
        (direction, (2, CHANNELS)),  # of three images
        (direction, (3, 1, CHANNELS)),
        (direction_neuron, ()),
        (local_group, (CHANNELS - 1,)),
        (tensor_direction, (CHANNELS,)),
        (tensor_direction, (2, 2, 1)),
        (tensor_direction, (2, 2, 2, CHANNELS)),
    ],
)
def test_vectors_that_do_not_fit_are_told_so(make, shape):
    with pytest.raises(FvcliError, match=r"do not fit layer 'map': give .* 7 channels, .* 3 images"):
        score(make("map", np.ones(shape)), activations(3))


def test_one_vector_an_image_does_not_make_a_batch_of_one_image():
    with pytest.raises(FvcliError, match=r"\[3, 7\]"):
        score(direction("map", VECTORS), activations(1))
