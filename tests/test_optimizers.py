"""Optimizers against NumPy twins, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.optimizers import Optimizer, adam, annealed, lion

STEPS = 20


def gradients(shape: tuple[int, ...] = (3, 4), seed: int = 0) -> np.ndarray:
    """Return gradients of many sizes, some exactly zero throughout."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(STEPS, *shape)) * 10.0 ** rng.uniform(-9, 1, size=shape)
    found[:, 0, 0] = 0.0
    return found.astype(np.float32)


def run(optimizer: Optimizer, grads: np.ndarray) -> np.ndarray:
    """Return what is subtracted at each step."""
    slots = tuple(tf.zeros(grads.shape[1:]) for _ in range(optimizer.slots))
    changes = []
    for i, gradient in enumerate(grads):
        change, slots = optimizer.update(tf.constant(gradient), slots, tf.constant(i + 1))
        assert len(slots) == optimizer.slots
        changes.append(change.numpy())
    return np.stack(changes)


def tf1_adam(grads: np.ndarray, rate: float, beta1: float, beta2: float, epsilon: float) -> np.ndarray:
    """TensorFlow 1's AdamOptimizer: epsilon is added after the bias correction moved into the rate."""
    m, v = np.zeros(grads.shape[1:]), np.zeros(grads.shape[1:])
    changes = []
    for t, g in enumerate(grads.astype(np.float64), start=1):
        m += (g - m) * (1 - beta1)
        v += (g * g - v) * (1 - beta2)
        corrected = rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        changes.append(corrected * m / (np.sqrt(v) + epsilon))
    return np.stack(changes)


def lion_twin(grads: np.ndarray, rate: float, beta1: float, beta2: float) -> np.ndarray:
    """Chen et al. 2023, algorithm 2, without weight decay."""
    m = np.zeros(grads.shape[1:], np.float32)
    changes = []
    for g in grads:
        changes.append(rate * np.sign(np.float32(beta1) * m + np.float32(1 - beta1) * g))
        m = np.float32(beta2) * m + np.float32(1 - beta2) * g
    return np.stack(changes)


@pytest.mark.parametrize(
    "options",
    [
        (0.05, 0.9, 0.999, 1e-8),
        (0.05, 0.9, 0.999, 1e-3),
        (0.3, 0.5, 0.9, 1e-8),
        (0.05, 0.0, 0.999, 1e-8),
    ],
)
def test_adam_is_tensorflow_1s(options):
    grads = gradients()
    np.testing.assert_allclose(run(adam(*options), grads), tf1_adam(grads, *options), rtol=2e-4, atol=1e-9)


def test_adams_defaults_are_lucids():
    grads = gradients()
    expected = tf1_adam(grads, 0.05, 0.9, 0.999, 1e-8)
    np.testing.assert_allclose(run(adam(), grads), expected, rtol=2e-4, atol=1e-9)


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    """As long as the gradient is far above epsilon; the plain epsilon would show from 1e-7 on."""
    change = run(adam(), np.array([[1e-3, -1.0, 1e4, 0.0]], np.float32))[0]
    np.testing.assert_allclose(change, [0.05, -0.05, 0.05, 0.0], rtol=1e-3)


def test_adams_epsilon_stands_outside_of_the_bias_correction():
    """Of a first gradient of 1e-7, sqrt(v) is 3.2e-9, below epsilon: a step of 0.012, not of 0.045."""
    change = run(adam(), np.array([[1e-7]], np.float32))[0, 0]
    root = np.sqrt(0.001) * 1e-7
    assert change == pytest.approx(0.05 * root / (root + 1e-8), rel=1e-3)


def test_adam_with_a_shared_second_moment():
    """The mean of squares of a row stands in for the square of each number."""
    grads = gradients()
    found = run(adam(0.05, 0.9, 0.999, pool=lambda x: tf.reduce_mean(x, axis=-1, keepdims=True)), grads)
    m, v = np.zeros(grads.shape[1:]), np.zeros(grads.shape[1:])
    for t, g in enumerate(grads.astype(np.float64), start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * (g * g).mean(axis=-1, keepdims=True)
        expected = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(found[t - 1], expected, rtol=2e-4, atol=1e-9)


@pytest.mark.parametrize("options", [(0.05, 0.5, 0.9), (0.01, 0.9, 0.99)])
def test_lion_is_the_papers(options):
    grads = gradients()
    np.testing.assert_allclose(run(lion(*options), grads), lion_twin(grads, *options), rtol=1e-6)


def test_lions_steps_are_the_learning_rate_or_nothing():
    sizes = np.abs(run(lion(0.05), gradients()))
    assert set(np.unique(sizes)) == {np.float32(0.0), np.float32(0.05)}
    assert not sizes[:, 0, 0].any()  # no gradient, no step


@pytest.mark.parametrize("optimizer", [adam(), lion()], ids=["adam", "lion"])
def test_each_number_follows_its_own_gradient(optimizer):
    grads, others = gradients(), gradients(seed=1)
    mixed = np.stack([others[:, 0], grads[:, 1], 1e3 * others[:, 2]], axis=1)
    np.testing.assert_array_equal(run(optimizer, grads)[:, 1], run(optimizer, mixed)[:, 1])


@pytest.mark.parametrize("optimizer", [adam(), lion()], ids=["adam", "lion"])
def test_steps_go_downhill(optimizer):
    """What is subtracted has the sign of a steady gradient."""
    grads = np.tile(np.array([[2.0, -3.0, 0.5]], np.float32), (STEPS, 1))
    assert (np.sign(run(optimizer, grads)) == np.sign(grads)).all()


# ---- annealing


@pytest.mark.parametrize(
    ("start", "done", "rate"),
    [(0.5, 0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 0.75, 0.5), (0.5, 1.0, 0.0), (0.0, 0.25, 0.75), (0.8, 0.9, 0.5)],
)
def test_annealing_shrinks_steps_linearly_to_zero(start, done, rate):
    assert float(annealed(adam(), start).rate(tf.constant(done))) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize("optimizer", [adam(), lion(), annealed(adam(), 1.0)])
@pytest.mark.parametrize("done", [0.0, 0.5, 1.0])
def test_steps_do_not_shrink_by_default(optimizer, done):
    assert optimizer.rate(tf.constant(done)) == 1.0


def test_annealing_leaves_the_rule_alone():
    grads = gradients()
    np.testing.assert_array_equal(run(annealed(adam(), 0.5), grads), run(adam(), grads))
