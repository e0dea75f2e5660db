"""Objectives against NumPy, their arithmetic, and that no image sees its batch mates."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.objectives import (
    Objective,
    channel,
    class_logit,
    class_probability,
    deepdream,
    neuron,
    neuron_off_centre,
)
from tests.networks import as_network

HEIGHT, WIDTH, CHANNELS, CLASSES = 6, 9, 7, 11
BATCHES = pytest.mark.parametrize("batch", [1, 3])


def activations(batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return a map [batch, 6, 9, 7] and logits [batch, 1, 1, 11], as a network gives them."""
    rng = np.random.default_rng(seed)
    return {
        "map": rng.normal(size=(batch, HEIGHT, WIDTH, CHANNELS)).astype(np.float32),
        "odd": rng.normal(size=(batch, 5, 3, CHANNELS)).astype(np.float32),
        "logits": 3 * rng.normal(size=(batch, 1, 1, CLASSES)).astype(np.float32),
    }


def score(objective: Objective, acts: dict[str, np.ndarray]) -> np.ndarray:
    scores = objective(lambda layer: tf.constant(acts[layer]))
    assert scores.dtype == tf.float32
    assert scores.shape == (len(acts["map"]),)
    return scores.numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits.astype(np.float64))
    return odds / odds.sum(axis=-1, keepdims=True)


def own_indices(batch: int, below: int) -> np.ndarray:
    """Give every image another index."""
    return (np.arange(batch) * 2 + 1).astype(np.int32) % below


# ---- each objective is its formula


@BATCHES
@pytest.mark.parametrize("n", [0, 3, CHANNELS - 1])
def test_channel_is_the_mean_over_positions(batch, n):
    acts = activations(batch)
    np.testing.assert_allclose(score(channel("map", n), acts), acts["map"][..., n].mean((1, 2)), rtol=1e-5)


@BATCHES
def test_channel_takes_an_index_an_image(batch):
    acts, n = activations(batch), own_indices(batch, CHANNELS)
    expected = [acts["map"][i, :, :, n[i]].mean() for i in range(batch)]
    np.testing.assert_allclose(score(channel("map", tf.constant(n)), acts), expected, rtol=1e-5)


@BATCHES
@pytest.mark.parametrize(("layer", "row", "column"), [("map", 3, 4), ("odd", 2, 1)])
def test_neuron_is_the_centre_by_default(batch, layer, row, column):
    """Of an even map, the lower right of the four central positions: (h // 2, w // 2)."""
    acts = activations(batch)
    np.testing.assert_array_equal(score(neuron(layer, 2), acts), acts[layer][:, row, column, 2])


@BATCHES
@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 8), (0, 8), (4, 1)])
def test_neuron_reads_row_and_column(batch, row, column):
    acts = activations(batch)
    np.testing.assert_array_equal(score(neuron("map", 6, row, column), acts), acts["map"][:, row, column, 6])


@BATCHES
def test_neuron_takes_index_row_and_column_an_image(batch):
    acts = activations(batch)
    n, row, column = (own_indices(batch, size) for size in (CHANNELS, HEIGHT, WIDTH))
    objective = neuron("map", tf.constant(n), tf.constant(row), tf.constant(column))
    np.testing.assert_array_equal(score(objective, acts), acts["map"][np.arange(batch), row, column, n])


@BATCHES
@pytest.mark.parametrize(("down", "right"), [(0, 0), (-3, -4), (2, 4), (1, -2)])
def test_neuron_off_centre_counts_from_the_centre(batch, down, right):
    acts = activations(batch)
    expected = acts["map"][:, HEIGHT // 2 + down, WIDTH // 2 + right, 6]
    np.testing.assert_array_equal(score(neuron_off_centre("map", 6, down, right), acts), expected)


@BATCHES
def test_neuron_off_centre_takes_a_place_an_image(batch):
    acts = activations(batch)
    n, row, column = (own_indices(batch, size) for size in (CHANNELS, HEIGHT, WIDTH))
    places = tf.constant(row - HEIGHT // 2), tf.constant(column - WIDTH // 2)
    objective = neuron_off_centre("map", tf.constant(n), *places)
    np.testing.assert_array_equal(score(objective, acts), acts["map"][np.arange(batch), row, column, n])


@pytest.mark.parametrize(
    ("down", "right", "row", "column"),
    [(99, 0, HEIGHT - 1, WIDTH // 2), (-99, 0, 0, WIDTH // 2), (0, 5, HEIGHT // 2, WIDTH - 1), (0, -5, 3, 0)],
)
def test_neuron_off_the_map_reads_its_edge(down, right, row, column):
    """The map shrinks with the view, so a position of the picture may lie outside of a view."""
    acts = activations(2)
    objective = neuron_off_centre("map", 1, down, right)
    np.testing.assert_array_equal(score(objective, acts), acts["map"][:, row, column, 1])


@BATCHES
def test_deepdream_is_the_mean_square_of_the_layer(batch):
    acts = activations(batch)
    expected = (acts["map"].astype(np.float64) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(score(deepdream("map"), acts), expected, rtol=1e-5)


@BATCHES
def test_class_logit_is_the_logit(batch):
    acts, n = activations(batch), own_indices(batch, CLASSES)
    np.testing.assert_array_equal(score(class_logit("logits", 10), acts), acts["logits"][:, 0, 0, 10])
    expected = acts["logits"][np.arange(batch), 0, 0, n]
    np.testing.assert_array_equal(score(class_logit("logits", tf.constant(n)), acts), expected)


@BATCHES
def test_class_probability_is_the_softmax(batch):
    acts, n = activations(batch), own_indices(batch, CLASSES)
    expected = softmax(acts["logits"][:, 0, 0])
    np.testing.assert_allclose(score(class_probability("logits", 4), acts), expected[:, 4], rtol=1e-5)
    chosen = score(class_probability("logits", tf.constant(n)), acts)
    np.testing.assert_allclose(chosen, expected[np.arange(batch), n], rtol=1e-5)


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

EVERY = {
    "channel": lambda n: channel("map", n),
    "neuron": lambda n: neuron("map", n),
    "placed neuron": lambda n: neuron("map", n, 1, 7),
    "neuron off centre": lambda n: neuron_off_centre("map", n, -1, 4),
    "deepdream": lambda n: deepdream("map"),
    "class_logit": lambda n: class_logit("logits", n),
    "class_probability": lambda n: class_probability("logits", n),
    "sum": lambda n: 2.0 * channel("map", n) - deepdream("odd") / class_probability("logits", n),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_scores_as_its_images_alone(name):
    acts = activations(3)
    together = score(EVERY[name](4), acts)
    alone = [score(EVERY[name](4), {key: a[i : i + 1] for key, a in acts.items()})[0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_batch_mates_do_not_change_a_bit(name):
    acts, others = activations(3), activations(3, seed=1)
    mixed = {key: np.stack([others[key][0], acts[key][1], 1e3 * others[key][2]]) for key in acts}
    assert score(EVERY[name](4), acts)[1] == score(EVERY[name](4), mixed)[1]


def test_indices_are_an_input_of_a_compiled_function():
    acts = activations(3)
    compiled = tf.function(lambda n: channel("map", n)(lambda layer: tf.constant(acts[layer])))
    for n in ([0, 1, 2], [6, 6, 3]):
        expected = [acts["map"][i, :, :, n[i]].mean() for i in range(3)]
        np.testing.assert_allclose(compiled(tf.constant(n)), expected, rtol=1e-5)
    assert compiled.experimental_get_tracing_count() == 1


# ---- gradients


def gradients(objective: Objective, acts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    tensors = {key: tf.constant(a) for key, a in acts.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(objective(tensors.__getitem__))
    found = tape.gradient(total, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {key: g.numpy() for key, g in found.items()}


@pytest.mark.parametrize("name", [name for name in EVERY if name != "sum"])
@pytest.mark.parametrize("level", [0.0, 0.7, -0.7, 6.0, 1e4, -1e4])
def test_gradients_are_finite_at_zero_constant_and_saturated_activations(name, level):
    acts = {key: np.full_like(a, level) for key, a in activations(3).items()}
    for found in gradients(EVERY[name](4), acts).values():
        assert np.isfinite(found).all()


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
