"""Optimizers against NumPy twins, step by step."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.optimizers import Optimizer, adam, annealed, gradient, lion, nadam

STEPS = 20
# Those in which every number follows its own gradient, and those that look at the whole gradient of an image.
BY_NUMBER = {
    "adam": adam(),
    "nadam": nadam(),
    "lion": lion(),
    "plain": gradient(),
    "sign": gradient(step="sign"),
}
BY_IMAGE = {step: gradient(0.05, step=step) for step in ("unit", "mean", "progress")}
EVERY = {**BY_NUMBER, **BY_IMAGE, "momentum": gradient(0.05, 0.9, "mean")}


def gradients(shape: tuple[int, ...] = (3, 4), seed: int = 0) -> np.ndarray:
    """Return gradients of many sizes, some exactly zero throughout."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(STEPS, *shape)) * 10.0 ** rng.uniform(-9, 1, size=shape)
    found[:, 0, 0] = 0.0
    return found.astype(np.float32)


def run(optimizer: Optimizer, grads: np.ndarray) -> np.ndarray:
    """Return what is subtracted at each step."""
    return run_tuple(optimizer, (grads,))[0]


def run_tuple(optimizer: Optimizer, grads: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Do the same with numbers in several tensors, [steps, batch, ...] each."""
    slots = tuple(tuple(tf.zeros(part.shape[1:]) for part in grads) for _ in range(optimizer.slots))
    changes = []
    for i, parts in enumerate(zip(*grads, strict=True)):
        change, slots = optimizer.update(tuple(map(tf.constant, parts)), slots, tf.constant(i + 1))
        assert len(slots) == optimizer.slots
        changes.append([part.numpy() for part in change])
    return tuple(np.stack(parts) for parts in zip(*changes, strict=True))


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

    def rows(squares):
        return tuple(tf.reduce_mean(x, axis=-1, keepdims=True) for x in squares)

    grads = gradients()
    found = run(adam(0.05, 0.9, 0.999, pool=rows), grads)
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


@pytest.mark.parametrize("optimizer", BY_NUMBER.values(), ids=BY_NUMBER)
def test_each_number_follows_its_own_gradient(optimizer):
    grads, others = gradients(), gradients(seed=1)
    mixed = np.stack([others[:, 0], grads[:, 1], 1e3 * others[:, 2]], axis=1)
    np.testing.assert_array_equal(run(optimizer, grads)[:, 1], run(optimizer, mixed)[:, 1])


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_steps_go_downhill(optimizer):
    """What is subtracted has the sign of a steady gradient."""
    grads = np.tile(np.array([[2.0, -3.0, 0.5]], np.float32), (STEPS, 1))
    assert (np.sign(run(optimizer, grads)) == np.sign(grads)).all()


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_tensors_of_an_image_are_one_gradient(optimizer):
    """However the numbers are spread over tensors, what is subtracted from each is the same."""
    grads = gradients((3, 12))
    parts = grads[..., :2], grads[..., 2:5].reshape(STEPS, 3, 3, 1), grads[..., 5:]
    found = [part.reshape(STEPS, 3, -1) for part in run_tuple(optimizer, parts)]
    np.testing.assert_allclose(np.concatenate(found, axis=-1), run(optimizer, grads), rtol=2e-6)


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_each_image_follows_its_own_gradient(optimizer):
    """To the last bit, wherever in the batch it is and whatever its mates do; sizes that no register fits."""
    shape = (9, 41, 37)
    grads, others = gradients(shape)[:3], 1e6 * gradients(shape, seed=1)[:3]
    order = np.array([8, 0, 3, 1, 2, 7, 6, 4, 5])
    mixed = grads[:, order]
    mixed[:, ::2] = others[:, ::2]
    found, expected = run(optimizer, mixed), run(optimizer, grads)
    np.testing.assert_array_equal(found[:, 1::2], expected[:, order[1::2]])
    np.testing.assert_array_equal(run(optimizer, grads[:, 1:2])[:, 0], expected[:, 1])


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_without_a_gradient_nothing_is_subtracted(optimizer):
    """Of one image; its mate moves. Denormal gradients, too, give something finite."""
    grads = gradients((3, 4))
    grads[:, 1] = 0.0
    grads[:, 2] *= np.float32(1e-42)
    found = run(optimizer, grads)
    assert np.isfinite(found).all()
    assert not found[:, 1].any()
    assert found[:, 0].any()


# ---- Nadam


@pytest.mark.parametrize(
    ("options", "times"),
    [((0.05, 0.9, 0.999, 1e-7), 15), ((1.0, 0.9, 0.999, 1e-7), 2), ((0.3, 0.5, 0.9, 1e-4), 2)],
)
def test_nadam_is_keras(options, times):
    """Once for a few hundred steps, in which the momentum and both corrections settle."""
    grads = np.tile(gradients(), (times, 1, 1))
    rate, beta1, beta2, epsilon = options
    twin = keras.optimizers.Nadam(rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    variable = keras.Variable(np.zeros(grads.shape[1:], np.float32))
    found = run(nadam(*options), grads)
    for change, g in zip(found, grads, strict=True):
        variable.assign(np.zeros(variable.shape))  # so that no sum rounds what is subtracted away
        twin.apply([tf.constant(g)], [variable])
        np.testing.assert_allclose(change, -variable.numpy(), rtol=5e-4, atol=1e-9)


def test_nadams_momentum_can_warm_up_as_published():
    """Dozat's own pace; PyTorch's formula, in NumPy."""
    grads = gradients()
    m, v, product = np.zeros(grads.shape[1:]), np.zeros(grads.shape[1:]), 1.0
    found = run(nadam(0.05, 0.9, 0.999, 1e-8, momentum_decay=0.004), grads)
    for t, g in enumerate(grads.astype(np.float64), start=1):
        now, ahead = (0.9 * (1 - 0.5 * 0.96 ** (i * 0.004)) for i in (t, t + 1))
        product *= now
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        hat = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        expected = 0.05 * hat / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(found[t - 1], expected, rtol=5e-4, atol=1e-9)


# ---- plain gradients


def l2(grads: np.ndarray) -> np.ndarray:
    """Return the norm of each image, to broadcast: [..., batch, 1] of [..., batch, n]."""
    return np.linalg.norm(grads.astype(np.float64), axis=-1, keepdims=True)


def progress_twin(grads: np.ndarray, most: float, desired: float) -> np.ndarray:
    """Yosinski et al. 2015: the learning rate is min(max_lr, desired_prog / norm(grad) ** 2)."""
    return np.minimum(most, desired / l2(grads) ** 2) * grads


DIRECTIONS = {
    "plain": lambda g: 0.05 * g,
    "unit": lambda g: 0.05 * g / l2(g),
    "mean": lambda g: 0.05 * g / np.abs(g.astype(np.float64)).mean(axis=-1, keepdims=True),
    "sign": lambda g: 0.05 * np.sign(g),
    "progress": partial(progress_twin, most=0.05, desired=2.0),
}


@pytest.mark.parametrize("step", DIRECTIONS)
def test_directions_are_their_formulas(step):
    grads = gradients((3, 50)) * np.array([1.0, 1e3, 1e-3], np.float32)[:, None]
    found = run(gradient(0.05, step=step), grads)
    np.testing.assert_allclose(found, DIRECTIONS[step](grads), rtol=1e-5, atol=1e-12)


def test_progress_is_what_a_step_promises():
    """The product of step and gradient, which is what a linear score would rise by."""
    grads = gradients((3, 50)) * np.array([1.0, 1e3, 1e-3], np.float32)[:, None]
    promised = (run(gradient(0.05, step="progress", desired_progress=0.5), grads) * grads).sum(axis=-1)
    bounded = 0.05 * l2(grads)[..., 0] ** 2 > 0.5
    assert 0.1 < bounded.mean() < 0.9  # both sorts are there
    np.testing.assert_allclose(promised[bounded], 0.5, rtol=1e-5)
    assert (promised[~bounded] <= 0.5).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
@pytest.mark.parametrize("step", ["unit", "mean"])
def test_lengths_do_not_depend_on_that_of_the_gradient(step, scale):
    """Also where its square is beyond float32."""
    grads = np.random.default_rng(0).normal(size=(2, 3, 40)).astype(np.float32)
    found = run(gradient(0.05, step=step), grads * np.float32(scale))
    np.testing.assert_allclose(found, run(gradient(0.05, step=step), grads), rtol=1e-5)


@pytest.mark.parametrize("step", DIRECTIONS)
def test_momentum_adds_a_share_of_the_last_move(step):
    grads = gradients((3, 50))
    velocity = np.zeros(grads.shape[1:])
    for change, move in zip(run(gradient(0.05, 0.9, step), grads), DIRECTIONS[step](grads), strict=True):
        velocity = 0.9 * velocity + move
        np.testing.assert_allclose(change, velocity, rtol=1e-4, atol=1e-7)


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


@pytest.mark.parametrize("step", ["plain", "unit", "mean", "sign", "progress"])
def test_steps_along_the_gradient_can_be_compiled(step: str) -> None:
    """In a graph numbers and tensors of another type do not mix as they do eagerly."""
    update = tf.function(gradient(0.1, step=step).update)
    given = tf.constant([[3.0, -4.0], [0.0, 0.0]])
    ((moves,), _) = update((given,), (), tf.constant(1))
    ((expected,), _) = gradient(0.1, step=step).update((given,), (), tf.constant(1))
    np.testing.assert_allclose(moves, expected, rtol=1e-6)
