"""What tests of parameterizations share: streams, pictures and gradients as arrays, NumPy twins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fvcli.optvis.optimizers import adam
from fvcli.optvis.parameterizations import Parameterization
from fvcli.optvis.streams import stream

Arrays = Sequence[np.ndarray]

# The published numbers of Lucid 0.3.10: K / 0.4619524, one row a colour.
LUCID_COLOURS = np.array(
    [
        [0.56282854, 0.19482528, 0.04329450],
        [0.58447580, 0.0, -0.10823626],
        [0.58447580, -0.19482528, 0.06494176],
    ]
)


def streams(*names: str) -> list[np.random.Generator]:
    return [stream(0, name) for name in names]


def tensors(numbers: Arrays) -> tuple[tf.Tensor, ...]:
    return tuple(tf.constant(array) for array in numbers)


def picture(parameterization: Parameterization, numbers: Arrays) -> np.ndarray:
    return parameterization.to_image(tensors(numbers)).numpy()


def gradients(parameterization: Parameterization, numbers: Arrays, upstream: np.ndarray) -> list[np.ndarray]:
    """Return the gradient of the sum of upstream * picture, an array for each of the numbers'."""
    watched = tensors(numbers)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        images = parameterization.to_image(watched)
    return [g.numpy() for g in tape.gradient(images, watched, tf.constant(upstream, tf.float32))]


def part(numbers: Arrays, of: slice) -> tuple[np.ndarray, ...]:
    """Return the numbers of some images of a batch."""
    return tuple(array[of] for array in numbers)


def numbers_like(numbers: Arrays, seed: int, std: float = 1.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple((std * rng.normal(size=array.shape)).astype(np.float32) for array in numbers)


def assert_images_stand_alone(parameterization: Parameterization, numbers: Arrays, group: int = 1) -> None:
    """Check that no image sees its batch mates, and that a batch is what its images are one by one.

    Args:
        parameterization: Which.
        numbers: Of a batch.
        group: How many images belong together.
    """
    together = picture(parameterization, numbers)
    upstream = np.random.default_rng(0).normal(size=together.shape)
    back = gradients(parameterization, numbers, upstream)
    for start in range(0, len(together), group):
        mine = slice(start, start + group)
        others = [-7.0 * array for array in numbers]
        for array, changed in zip(numbers, others, strict=True):
            changed[mine] = array[mine]
        np.testing.assert_array_equal(picture(parameterization, others)[mine], together[mine])
        alone = part(numbers, mine)
        # the last elements of an array are not computed by vector instructions: another last bit
        np.testing.assert_allclose(picture(parameterization, alone), together[mine], rtol=1e-6)
        for found, whole in zip(gradients(parameterization, alone, upstream[mine]), back, strict=True):
            np.testing.assert_allclose(found, whole[mine], rtol=1e-6, atol=1e-6 * np.abs(whole).max())


def assert_gradients_are_finite(parameterization: Parameterization, numbers: Arrays) -> None:
    """Check pictures and gradients at zero, at one constant, and at huge numbers of both signs."""
    signs = [np.sign(array) for array in numbers_like(numbers, 0)]
    for of in (0.0, 3.0, 1e4):
        at = [
            np.full_like(array, of) if of < 1e4 else of * s for array, s in zip(numbers, signs, strict=True)
        ]
        found = picture(parameterization, at)
        assert found.min() >= 0.0
        assert found.max() <= 1.0
        for gradient in gradients(parameterization, at, np.ones_like(found)):
            assert np.isfinite(gradient).all()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def resized(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample [..., h, w, channels] bilinearly in float64: centre of pixel i at (i + 0.5) / side."""

    def weights(new: int, old: int) -> np.ndarray:
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old)))

    down, along = weights(height, maps.shape[-3]), weights(width, maps.shape[-2])
    return np.einsum("yj,xi,...jic->...yxc", down, along, maps.astype(np.float64))


def fit(
    parameterization: Parameterization,
    target: np.ndarray,
    learning_rate: float,
    steps: int,
    weight: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Return what a compiled loop of Adam makes of the initial pictures to come near target.

    Args:
        parameterization: Which.
        target: Pictures [batch, h, w, channels] in [0, 1].
        learning_rate: Of Adam.
        steps: How many.
        weight: Of each squared difference.
    """
    optimizer = adam(learning_rate)

    def body(i, numbers, slots):
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            loss = tf.reduce_sum(weight * (parameterization.to_image(numbers) - target) ** 2)
        changes, slots = optimizer.update(tape.gradient(loss, numbers), slots, i + 1)
        return i + 1, tuple(n - c for n, c in zip(numbers, changes, strict=True)), slots

    @tf.function(autograph=False)
    def run(numbers):
        slots = (tuple(map(tf.zeros_like, numbers)),) * optimizer.slots
        return tf.while_loop(lambda i, *_: i < steps, body, (tf.constant(0), numbers, slots))[1]

    start = parameterization.initial(streams(*map(str, range(len(target)))))
    return parameterization.to_image(run(tensors(start))).numpy()
