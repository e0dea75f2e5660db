"""Random activations for tests of objectives, and what an objective makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.objectives import Activations, Objective

Acts = dict[str, np.ndarray]
OfImages = Callable[[slice], Objective]

HEIGHT, WIDTH, CHANNELS, CLASSES = 6, 9, 7, 11
BATCH = 3  # that an image alone scores the same is tested of each objective
LAYERS = pytest.mark.parametrize("layer", ["map", "odd", "even"])
LEVELS = (0.0, 0.7, -0.7, 6.0, 1e4, -1e4)
ALL = slice(None)


def activations(batch: int, seed: int = 0, input_channels: int = 3) -> Acts:
    """Return maps of even and odd sizes, logits [batch, 1, 1, 11], and pictures in 0 to 1."""
    rng = np.random.default_rng(seed)
    return {
        "map": rng.normal(size=(batch, HEIGHT, WIDTH, CHANNELS)).astype(np.float32),
        "odd": rng.normal(size=(batch, 5, 3, CHANNELS)).astype(np.float32),
        "logits": 3 * rng.normal(size=(batch, 1, 1, CLASSES)).astype(np.float32),
        "even": rng.normal(size=(batch, 8, 4, CHANNELS)).astype(np.float32),
        "input": rng.uniform(size=(batch, 10, 13, input_channels)).astype(np.float32),
    }


def draw(*shape: int, seed: int = 7) -> np.ndarray:
    """Return normal numbers, float32, for vectors and recorded activations."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def take(acts: Acts, images: slice) -> Acts:
    return {layer: a[images] for layer, a in acts.items()}


def own_indices(batch: int, below: int) -> np.ndarray:
    """Give every image another index."""
    return (np.arange(batch) * 2 + 1).astype(np.int32) % below


class _Seen:
    """T of images beside a target picture."""

    def __init__(self, acts: dict[str, tf.Tensor], target: Acts) -> None:
        self._acts, self._target = acts, target

    def __call__(self, layer: str) -> tf.Tensor:
        return self._acts[layer]

    def target(self, layer: str) -> tf.Tensor:
        return tf.constant(self._target[layer])


def reader(acts: dict[str, tf.Tensor], target: Acts | None = None) -> Activations:
    """Return T: a function of a layer's name and no more, unless there is a target picture."""
    return (lambda layer: acts[layer]) if target is None else _Seen(acts, target)


def score(objective: Objective, acts: Acts, target: Acts | None = None) -> np.ndarray:
    """Return an objective's scores, which are float32 [batch] whatever it is."""
    scores = objective(reader({layer: tf.constant(a) for layer, a in acts.items()}, target))
    assert scores.dtype == tf.float32
    assert scores.shape == (len(acts["map"]),)
    return scores.numpy()


def gradients(objective: Objective, acts: Acts, target: Acts | None = None) -> Acts:
    """Return the gradient of the sum of scores by each layer."""
    tensors = {layer: tf.constant(a) for layer, a in acts.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(objective(reader(tensors, target)))
    found = tape.gradient(total, tensors)
    assert any(g is not None for g in found.values()), "the score depends on no layer"
    return {layer: np.zeros_like(acts[layer]) if g is None else g.numpy() for layer, g in found.items()}


# ---- what holds for every objective that does not couple images


def assert_batch_scores_as_its_images_alone(make: OfImages, acts: Acts, target: Acts | None = None) -> None:
    """Compare with one call an image; make gives the objective of some of the images."""
    together = score(make(ALL), acts, target)
    for i, expected in enumerate(together):
        only = slice(i, i + 1)
        alone = score(make(only), take(acts, only), target and take(target, only))
        np.testing.assert_allclose(alone[0], expected, rtol=2e-6)


def assert_batch_mates_do_not_change_a_bit(make: OfImages, acts: Acts, target: Acts | None = None) -> None:
    mixed = {layer: a.copy() for layer, a in acts.items()}
    for a in mixed.values():
        a[0], a[2] = a[0][::-1] - 1.0, 1e3 * a[2]
    assert score(make(ALL), acts, target)[1] == score(make(ALL), mixed, target)[1]


def assert_gradients_are_finite(objective: Objective, acts: Acts, target: Acts | None = None) -> None:
    """At activations that are the same everywhere: zero, constant, saturated."""
    for level in LEVELS:
        flat = {layer: np.full_like(a, level) for layer, a in acts.items()}
        assert np.isfinite(score(objective, flat, target)).all(), level
        for found in gradients(objective, flat, target).values():
            assert np.isfinite(found).all(), level


def assert_one_trace_serves_views_of_every_size(
    objective: Objective, acts: Acts, target: Acts | None = None
) -> None:
    """Compile for maps whose height and width are not known, as views in an ascent have."""

    @tf.function(autograph=False)
    def compiled(tensors: dict[str, tf.Tensor]) -> tf.Tensor:
        return objective(reader(tensors, target))

    signature = {
        layer: tf.TensorSpec(a.shape if layer == "input" else [len(a), None, None, a.shape[-1]])
        for layer, a in acts.items()
    }
    concrete = compiled.get_concrete_function(signature)
    scores = concrete({layer: tf.constant(a) for layer, a in acts.items()})
    np.testing.assert_allclose(scores, score(objective, acts, target), rtol=1e-5)
