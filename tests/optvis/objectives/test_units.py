"""Objectives of units against NumPy, arithmetic of objectives, and that no image sees its batch mates."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis import objectives
from fvcli.optvis.objectives import (
    channel,
    channel_interpolate,
    class_logit,
    class_probability,
    deepdream,
    neuron,
    neuron_off_centre,
)
from tests.helpers.networks import as_network
from tests.helpers.random_activations import (
    ALL,
    BATCH,
    CHANNELS,
    CLASSES,
    HEIGHT,
    WIDTH,
    activations,
    assert_batch_mates_do_not_change_a_bit,
    assert_batch_scores_as_its_images_alone,
    assert_gradients_are_finite,
    assert_one_trace_serves_views_of_every_size,
    gradients,
    own_indices,
    score,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits.astype(np.float64))
    return odds / odds.sum(axis=-1, keepdims=True)


FACE = {
    "channel": "layer, n",
    "neuron": "layer, n, row=None, column=None",
    "deepdream": "layer",
    "class_logit": "layer, n",
    "class_probability": "layer, n",
    "direction": "layer, vector, cossim_power=0",
    "direction_neuron": "layer, vector, row=None, column=None, cossim_power=0",
    "tensor_direction": "layer, tensor, cossim_power=0",
    "channel_interpolate": "layer1, n1, layer2, n2",
    "alignment": "layer, decay_ratio=2",
    "diversity": "layer",
    "l1": "layer='input', constant=0",
    "l2": "layer='input', constant=0",
    "total_variation": "layer='input'",
    "blur_input": "",
}


@pytest.mark.parametrize("name", FACE)
def test_the_face_that_programs_rely_on(name):
    """Parameters by these names, in this order; what was added comes behind them."""
    parameters = inspect.signature(getattr(objectives, name)).parameters.values()
    bare = [str(p.replace(annotation=p.empty)) for p in parameters]
    expected = FACE[name].split(", ") if FACE[name] else []
    assert bare[: len(expected)] == expected
    assert all(p.default is not p.empty for p in list(parameters)[len(expected) :])


def test_every_name_of_the_package_is_there():
    assert all(hasattr(objectives, name) for name in objectives.__all__)


# ---- each objective is its formula


@pytest.mark.parametrize("n", [0, 3, CHANNELS - 1])
def test_channel_is_the_mean_over_positions(n):
    acts = activations(BATCH)
    np.testing.assert_allclose(score(channel("map", n), acts), acts["map"][..., n].mean((1, 2)), rtol=1e-5)


def test_channel_takes_an_index_an_image():
    acts, n = activations(BATCH), own_indices(BATCH, CHANNELS)
    expected = [acts["map"][i, :, :, n[i]].mean() for i in range(BATCH)]
    np.testing.assert_allclose(score(channel("map", tf.constant(n)), acts), expected, rtol=1e-5)


@pytest.mark.parametrize(("layer", "row", "column"), [("map", 3, 4), ("odd", 2, 1)])
def test_neuron_is_the_centre_by_default(layer, row, column):
    """Of an even map, the lower right of the four central positions: (h // 2, w // 2)."""
    acts = activations(BATCH)
    np.testing.assert_array_equal(score(neuron(layer, 2), acts), acts[layer][:, row, column, 2])


@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 8), (0, 8), (4, 1)])
def test_neuron_reads_row_and_column(row, column):
    acts = activations(BATCH)
    np.testing.assert_array_equal(score(neuron("map", 6, row, column), acts), acts["map"][:, row, column, 6])


def test_neuron_takes_index_row_and_column_an_image():
    acts = activations(BATCH)
    n, row, column = (own_indices(BATCH, size) for size in (CHANNELS, HEIGHT, WIDTH))
    objective = neuron("map", tf.constant(n), tf.constant(row), tf.constant(column))
    np.testing.assert_array_equal(score(objective, acts), acts["map"][np.arange(BATCH), row, column, n])


@pytest.mark.parametrize(("down", "right"), [(0, 0), (-3, -4), (2, 4), (1, -2)])
def test_neuron_off_centre_counts_from_the_centre(down, right):
    acts = activations(BATCH)
    expected = acts["map"][:, HEIGHT // 2 + down, WIDTH // 2 + right, 6]
    np.testing.assert_array_equal(score(neuron_off_centre("map", 6, down, right), acts), expected)


def test_neuron_off_centre_takes_a_place_an_image():
    acts = activations(BATCH)
    n, row, column = (own_indices(BATCH, size) for size in (CHANNELS, HEIGHT, WIDTH))
    places = tf.constant(row - HEIGHT // 2), tf.constant(column - WIDTH // 2)
    objective = neuron_off_centre("map", tf.constant(n), *places)
    np.testing.assert_array_equal(score(objective, acts), acts["map"][np.arange(BATCH), row, column, n])


@pytest.mark.parametrize(
    ("down", "right", "row", "column"),
    [(99, 0, HEIGHT - 1, WIDTH // 2), (-99, 0, 0, WIDTH // 2), (0, 5, HEIGHT // 2, WIDTH - 1), (0, -5, 3, 0)],
)
def test_neuron_off_the_map_reads_its_edge(down, right, row, column):
    """The map shrinks with the view, so a position of the picture may lie outside of a view."""
    acts = activations(2)
    objective = neuron_off_centre("map", 1, down, right)
    np.testing.assert_array_equal(score(objective, acts), acts["map"][:, row, column, 1])


@pytest.mark.parametrize(("row", "column"), [(HEIGHT, 99), (-1, -99)])
def test_neuron_off_the_map_reads_its_edge_whatever_it_is_counted_from(row, column):
    acts = activations(BATCH)
    expected = acts["map"][:, HEIGHT - 1 if row > 0 else 0, WIDTH - 1 if row > 0 else 0, 1]
    np.testing.assert_array_equal(score(neuron("map", 1, row, column), acts), expected)


def test_one_coordinate_may_be_left_at_the_centre():
    acts = activations(3)
    np.testing.assert_array_equal(score(neuron("map", 1, row=0), acts), acts["map"][:, 0, WIDTH // 2, 1])
    expected = acts["map"][:, HEIGHT // 2, WIDTH // 2 + 1, 1]
    off = neuron("map", 1, column=1, from_centre=True)
    np.testing.assert_array_equal(score(off, acts), expected)


def test_neuron_takes_places_of_numpy_as_well():
    acts, row = activations(BATCH), own_indices(BATCH, HEIGHT).astype(np.int64)
    expected = acts["map"][np.arange(BATCH), row, 2, 1]
    np.testing.assert_array_equal(score(neuron("map", 1, row, np.int64(2)), acts), expected)


def test_deepdream_is_the_mean_square_of_the_layer():
    acts = activations(BATCH)
    expected = (acts["map"].astype(np.float64) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(score(deepdream("map"), acts), expected, rtol=1e-5)


def test_class_logit_is_the_logit():
    acts, n = activations(BATCH), own_indices(BATCH, CLASSES)
    np.testing.assert_array_equal(score(class_logit("logits", 10), acts), acts["logits"][:, 0, 0, 10])
    expected = acts["logits"][np.arange(BATCH), 0, 0, n]
    np.testing.assert_array_equal(score(class_logit("logits", tf.constant(n)), acts), expected)


def test_class_probability_is_the_softmax():
    acts, n = activations(BATCH), own_indices(BATCH, CLASSES)
    expected = softmax(acts["logits"][:, 0, 0])
    np.testing.assert_allclose(score(class_probability("logits", 4), acts), expected[:, 4], rtol=1e-5)
    chosen = score(class_probability("logits", tf.constant(n)), acts)
    np.testing.assert_allclose(chosen, expected[np.arange(BATCH), n], rtol=1e-5)


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_channel_interpolate_goes_from_the_first_to_the_second(batch):
    acts = activations(batch)
    one = acts["map"][..., 2].astype(np.float64).mean((1, 2))
    other = acts["odd"][..., 5].astype(np.float64).mean((1, 2))
    expected = [(1 - i / (batch - 1)) * one[i] + i / (batch - 1) * other[i] for i in range(batch)]
    np.testing.assert_allclose(score(channel_interpolate("map", 2, "odd", 5), acts), expected, rtol=1e-5)


def test_channel_interpolate_takes_an_index_an_image():
    acts, n = activations(3), own_indices(3, CHANNELS)
    objective = channel_interpolate("map", tf.constant(n), "odd", tf.constant(n[::-1].copy()))
    one = [acts["map"][i, ..., n[i]].astype(np.float64).mean() for i in range(3)]
    other = [acts["odd"][i, ..., n[2 - i]].astype(np.float64).mean() for i in range(3)]
    expected = [one[0], (one[1] + other[1]) / 2, other[2]]
    np.testing.assert_allclose(score(objective, acts), expected, rtol=1e-5)


def test_channel_interpolate_of_a_lone_image_is_the_first():
    acts = activations(1)
    objective = channel_interpolate("map", 2, "odd", 5)
    np.testing.assert_array_equal(score(objective, acts), score(channel("map", 2), acts))
    assert not gradients(objective, acts)["odd"].any()


def test_channel_interpolate_goes_all_the_way_in_each_block():
    acts = activations(6)
    found = score(channel_interpolate("map", 2, "odd", 5, members=3), acts)
    for block in (slice(0, 3), slice(3, 6)):
        alone = score(channel_interpolate("map", 2, "odd", 5), {k: a[block] for k, a in acts.items()})
        np.testing.assert_array_equal(found[block], alone)


# ---- arithmetic


A, B = channel("map", 1), class_logit("logits", 5)
OF_THREE = tf.constant([0.5, -2.0, 3.0])

ARITHMETIC = {
    "a + b": (A + B, lambda a, b: a + b),
    "a - b": (A - B, lambda a, b: a - b),
    "a * b": (A * B, lambda a, b: a * b),
    "a / b": (A / B, lambda a, b: a / b),
    "-a": (-A, lambda a, b: -a),
    "-(a - b)": (-(A - B), lambda a, b: b - a),
    "2 a + 3 b": (2.0 * A + 3.0 * B, lambda a, b: np.float32(2) * a + np.float32(3) * b),
    "a * 2 - b * 3": (A * 2.0 - B * 3.0, lambda a, b: np.float32(2) * a - np.float32(3) * b),
    "a + 1": (A + 1.0, lambda a, b: a + np.float32(1)),
    "1 + a": (1.0 + A, lambda a, b: a + np.float32(1)),
    "a - 1": (A - 1.0, lambda a, b: a - np.float32(1)),
    "1 - a": (1.0 - A, lambda a, b: np.float32(1) - a),
    "a / 4": (A / 4.0, lambda a, b: a / np.float32(4)),
    "1 / a": (1.0 / A, lambda a, b: np.float32(1) / a),
    "whole numbers": (2 * A - 3, lambda a, b: np.float32(2) * a - np.float32(3)),
    "a * weight of each image": (A * OF_THREE, lambda a, b: a * OF_THREE.numpy()),
    "weight of each image * a": (OF_THREE * A, lambda a, b: a * OF_THREE.numpy()),
    "weight of each image - a": (OF_THREE - A, lambda a, b: OF_THREE.numpy() - a),
    "a / weight of each image": (A / OF_THREE, lambda a, b: a / OF_THREE.numpy()),
    "sum of a list": (sum([A, B, A]), lambda a, b: a + b + a),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_is_exact(name):
    """To the last bit: a sum of objectives is the sum of what each of them scores."""
    acts = activations(3)
    objective, expected = ARITHMETIC[name]
    np.testing.assert_array_equal(score(objective, acts), expected(score(A, acts), score(B, acts)))


def test_arithmetic_leaves_its_operands_alone():
    acts = activations(3)
    objective = channel("map", 1)
    before = score(objective, acts)
    _ = objective * 5.0, objective - 1.0, -objective, objective + objective
    np.testing.assert_array_equal(score(objective, acts), before)


def test_equal_weights_that_cancel_give_zero():
    acts = activations(3)
    np.testing.assert_array_equal(score(0.65 * A - 0.65 * A, acts), np.zeros(3, np.float32))


# ---- batches

OWN = own_indices(3, CHANNELS)

EVERY = {
    "channel": lambda of: channel("map", 4),
    "own channel": lambda of: channel("map", tf.constant(OWN[of])),
    "neuron": lambda of: neuron("map", 4),
    "placed neuron": lambda of: neuron("map", 4, 1, 7),
    "own place": lambda of: neuron("map", 4, tf.constant(OWN[of]), tf.constant(OWN[of])),
    "neuron off centre": lambda of: neuron_off_centre("map", 4, -1, 4),
    "deepdream": lambda of: deepdream("map"),
    "class_logit": lambda of: class_logit("logits", 4),
    "class_probability": lambda of: class_probability("logits", 4),
    "sum": lambda of: 2.0 * channel("map", 4) - deepdream("odd") / class_probability("logits", 4),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_scores_as_its_images_alone(name):
    assert_batch_scores_as_its_images_alone(EVERY[name], activations(3))


@pytest.mark.parametrize("name", EVERY)
def test_batch_mates_do_not_change_a_bit(name):
    assert_batch_mates_do_not_change_a_bit(EVERY[name], activations(3))


@pytest.mark.parametrize("name", EVERY)
def test_one_trace_serves_views_of_every_size(name):
    assert_one_trace_serves_views_of_every_size(EVERY[name](ALL), activations(3))


def test_indices_are_an_input_of_a_compiled_function():
    acts = activations(3)
    compiled = tf.function(lambda n: channel("map", n)(lambda layer: tf.constant(acts[layer])))
    for n in ([0, 1, 2], [6, 6, 3]):
        expected = [acts["map"][i, :, :, n[i]].mean() for i in range(3)]
        np.testing.assert_allclose(compiled(tf.constant(n)), expected, rtol=1e-5)
    assert compiled.experimental_get_tracing_count() == 1


# ---- gradients


@pytest.mark.parametrize("name", [name for name in EVERY if name != "sum"])
def test_gradients_are_finite_at_zero_constant_and_saturated_activations(name):
    assert_gradients_are_finite(EVERY[name](ALL), activations(3))


def test_gradients_of_an_interpolation_are_finite():
    assert_gradients_are_finite(channel_interpolate("map", 2, "odd", 5), activations(BATCH))


def test_gradient_of_a_saturated_class_is_finite():
    acts = activations(3)
    acts["logits"][:, 0, 0, 4] = [300.0, -300.0, 0.0]
    assert np.isfinite(gradients(class_probability("logits", 4), acts)["logits"]).all()
    np.testing.assert_allclose(score(class_probability("logits", 4), acts)[:2], [1.0, 0.0], atol=1e-12)


def test_gradient_of_a_channel_is_spread_evenly_over_its_positions():
    found = gradients(channel("map", 2), activations(3))["map"]
    np.testing.assert_allclose(found[..., 2], 1 / (HEIGHT * WIDTH), rtol=1e-6)
    assert not np.delete(found, 2, axis=-1).any()


def test_gradient_of_a_neuron_is_one_at_its_place():
    found = gradients(neuron("map", 2), activations(2))["map"]
    expected = np.zeros_like(found)
    expected[:, HEIGHT // 2, WIDTH // 2, 2] = 1.0
    np.testing.assert_array_equal(found, expected)


# ---- what a network hands over


def test_vectors_of_a_network_arrive_as_maps_of_one_position(model):
    acts = as_network(model)(tf.random.stateless_uniform((2, 32, 48, 3), (1, 2)), redirect=False)
    assert acts("pool").shape == (2, 1, 1, 1280)
    assert acts("logits").shape == (2, 1, 1, 1000)
    logits = acts("logits").numpy()[:, 0, 0]
    np.testing.assert_array_equal(class_logit("logits", 207)(acts), logits[:, 207])
    np.testing.assert_allclose(class_probability("logits", 207)(acts), softmax(logits)[:, 207], rtol=1e-4)
    np.testing.assert_array_equal(channel("logits", 207)(acts), logits[:, 207])  # the mean over one position
