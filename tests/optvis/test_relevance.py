"""Gradient times activation, and what is made of it for the photos that excite a unit."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.network import Network
from fvcli.optvis.objectives import channel, class_logit
from fvcli.optvis.relevance import Reference, reference_of, relevance, sorted_by_relevance, target_of
from tests.helpers.networks import as_network
from tests.helpers.tensorflow_graphs import frozen, keras_network, loaded, photos

RNG = np.random.default_rng(3)


def relus() -> keras.Model:
    """A small network of convolutions without biases, ReLUs and a branch around one of them."""
    keras.utils.set_random_seed(2)
    image = keras.Input((12, 10, 3))
    one = keras.layers.Conv2D(6, 3, use_bias=False, activation="relu", name="one")(image)
    two = keras.layers.Conv2D(6, 3, use_bias=False, padding="same", activation="relu", name="two")(one)
    joined = keras.layers.Add(name="joined")([one, two])
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(joined)
    return keras.Model(image, keras.layers.Dense(4, use_bias=False, name="logits")(pooled))


@pytest.fixture(scope="module")
def network() -> Network:
    return as_network(relus())


@pytest.mark.parametrize("layers", [["one", "joined"], ["joined"], ["two"]])
def test_the_relevance_of_relus_without_biases_sums_to_the_score(network: Network, layers: list[str]) -> None:
    """Conservation, which layer-wise relevance propagation is made for."""
    images = tf.constant(RNG.uniform(size=(1, 12, 10, 3)).astype(np.float32))
    objective = class_logit("logits", 2)
    score = objective(network(images, redirect=False)).numpy()
    for name, (acts, relevant) in zip(layers, relevance(network, objective, images, layers), strict=True):
        np.testing.assert_allclose(acts, network(images, redirect=False)(name), rtol=1e-6)
        if name != "two":  # which the branch goes around
            np.testing.assert_allclose(tf.reduce_sum(relevant, axis=(1, 2, 3)), score, rtol=1e-4)
        else:
            assert np.abs(relevant).max() > 0


def test_relevance_is_the_activation_times_the_gradient_of_it(network: Network) -> None:
    images = tf.constant(RNG.uniform(size=(1, 12, 10, 3)).astype(np.float32))
    ((acts, relevant),) = relevance(network, channel("joined", 3), images, ["joined"])
    expected = np.zeros(acts.shape)
    expected[..., 3] = acts.numpy()[..., 3] / (acts.shape[1] * acts.shape[2])
    np.testing.assert_allclose(relevant, expected, rtol=1e-6)


def test_what_does_not_matter_to_a_unit_has_no_relevance(network: Network) -> None:
    images = tf.constant(RNG.uniform(size=(1, 12, 10, 3)).astype(np.float32))
    ((_, relevant),) = relevance(network, channel("one", 3), images, ["joined"])
    assert not relevant.numpy().any()


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_convolution_before_a_normalization_matters_where_nothing_is_folded(is_folded: bool) -> None:
    image = keras.Input((8, 8, 3))
    convolved = keras.layers.Conv2D(4, 3, name="conv")(image)
    model = keras.Model(image, keras.layers.BatchNormalization(name="bn")(convolved))
    folded = as_network(model)
    network = folded if is_folded else Network(folded.graph, is_folded=False)
    images = tf.constant(RNG.uniform(size=(1, 8, 8, 3)).astype(np.float32))
    ((_, relevant),) = relevance(network, channel("bn", 1), images, ["conv"])
    assert relevant.numpy().any() != is_folded


def test_frozen_graphs_have_relevance(tmp_path: Path) -> None:
    model = loaded(frozen(keras_network()), tmp_path)
    network = model.network(is_folded=False)
    logits = str(model.facts.logits)
    layers = [node.name for node in model.facts.nodes if node.kind in {"concat", "add", "max_pool"}]
    images = tf.constant(photos(model, batch=1))
    seen = relevance(network, class_logit(logits, 1), images, layers)
    assert len(seen) == 3
    for (acts, relevant), layer in zip(seen, layers, strict=True):
        np.testing.assert_allclose(acts, network(images, redirect=False)(layer), rtol=1e-5, atol=1e-5)
        assert np.isfinite(relevant).all()
        assert relevant.numpy().any(), layer


def test_where_all_positions_matter_alike_quantiles_are_sorted_values() -> None:
    values = RNG.normal(size=(30, 4))
    for relevant in (np.full(30, 0.2), np.zeros(30)):
        found = sorted_by_relevance(values, relevant)
        np.testing.assert_allclose(found, np.sort(values, axis=0).T, rtol=1e-12)


def test_a_position_that_matters_thrice_counts_as_three_positions() -> None:
    values, times = RNG.normal(size=(40, 2)), RNG.integers(1, 4, 40)
    found = sorted_by_relevance(values, times.astype(np.float64))
    shares = (np.arange(40) + 0.5) / 40
    for channel_values, quantiles in zip(values.T, found, strict=True):
        order = np.argsort(channel_values)
        middles = np.cumsum(times[order]) - times[order] / 2
        expected = np.interp(shares, middles / times.sum(), channel_values[order])
        np.testing.assert_allclose(quantiles, expected, rtol=1e-12)
        repeated = np.sort(np.repeat(channel_values, times))
        assert np.abs(quantiles.mean() - repeated.mean()) < 0.1
    assert (np.diff(found) >= 0).all()


def test_positions_that_do_not_matter_are_not_matched() -> None:
    values = np.array([[5.0], [1.0], [2.0], [9.0]])
    found = sorted_by_relevance(values, np.array([0.0, 1.0, 1.0, 0.0]))
    assert found.min() >= 1.0
    assert found.max() <= 2.0


@pytest.mark.parametrize("focus", [0.0, 0.25, 1.0])
def test_a_photo_says_what_its_channels_are_like_and_how_they_matter(focus: float) -> None:
    acts, relevant = RNG.normal(size=(2, 3, 5, 4)).astype(np.float32)
    found = reference_of(acts, relevant, focus)
    flat, positive = acts.reshape(15, 4), np.maximum(relevant, 0).sum(axis=-1).ravel()
    positive = focus * positive / positive.sum() + (1 - focus) / 15
    np.testing.assert_allclose(found.relevance, relevant.sum(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found.variance, flat.var(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.activations, sorted_by_relevance(flat, positive), rtol=1e-5)


def test_targets_are_means_of_photos_and_weights_shares_of_relevance() -> None:
    said = [
        Reference(np.sort(RNG.normal(size=(5, 6))), np.array(relevant), np.array(variance))
        for relevant, variance in (
            ([1.0, -3.0, 4.0, 0.0, 2.0], [1.0, 9.0, 2.0, 3.0, 0.5]),
            ([3.0, 1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 4.0, 1.0, 0.5]),
        )
    ]
    found = target_of(said, most=2)
    means, spread = [2.0, -1.0, 2.0, 0.0, 1.0], 2.0 * 1.0 + 2.0 * 3.0 + 1.0 * 0.5
    assert found.channels.tolist() == [0, 2]
    np.testing.assert_allclose(found.weights, [means[0] / spread, means[2] / spread], rtol=1e-6)
    expected = (said[0].activations + said[1].activations) / 2
    np.testing.assert_allclose(found.activations, expected[[0, 2]], rtol=1e-6)
    assert [array.dtype for array in found] == [np.int32, np.float32, np.float32]


def test_flat_channels_at_the_photos_mean_score_minus_one() -> None:
    acts = RNG.normal(size=(6, 7, 5))
    found = target_of([reference_of(acts, np.ones_like(acts))], most=5)
    flat = acts.reshape(-1, 5).mean(axis=0)[:, None]
    assert (found.weights * ((flat - found.activations) ** 2).mean(axis=1)).sum() == pytest.approx(1.0)


def test_a_unit_to_which_nothing_matters_is_matched_with_nothing() -> None:
    acts = RNG.normal(size=(6, 7, 5))
    for relevant in (np.zeros_like(acts), -np.ones_like(acts), np.full_like(acts, np.nan)):
        assert target_of([reference_of(acts, relevant)], most=5).weights.tolist() == [0.0] * 5
