"""Lucid 0.3.10's ``render_vis`` restated without any of fvcli's machinery, as the plain baseline.

One picture at a time, one step per call from a Python loop, the network as Keras has it. The step is
traced once, with sizes left open, as TensorFlow 1's graph was. The channels read are pre-activations whose
gradient never vanishes, so Lucid's redirection at ReLUs is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmark.export import network_at
from benchmark.peer_job import Job, Tool, serve

UPDATES = 513  # Lucid's threshold of 512 is reached after one more
LUCID_PI = 3.14
SCALES = [1 + (i - 5) / 50.0 for i in range(11)]
DEGREES = [float(angle) for angle in [*range(-10, 11), *5 * [0]]]
COLOURS = np.float32([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOURS /= np.max(np.linalg.norm(COLOURS, axis=0))


def spectrum_scale(size: int) -> np.ndarray:
    """Return one over frequency, [size, size // 2 + 1], for an even size."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, : size // 2 + 1]
    return np.float32(size / np.maximum(np.hypot(fx, fy), 1.0 / size))


def to_image(spectrum: tf.Tensor, scale: np.ndarray) -> tf.Tensor:
    """Turn [2, batch, 3, h, F] into RGB 0 to 1, [batch, h, w, 3]."""
    pixels = tf.signal.irfft2d(tf.complex(spectrum[0] * scale, spectrum[1] * scale)) / 4.0
    return tf.sigmoid(tf.transpose(pixels, [0, 2, 3, 1]) @ COLOURS.T)


def jitter(images: tf.Tensor, px: int) -> tf.Tensor:
    shape = tf.shape(images)
    return tf.image.random_crop(images, [shape[0], shape[1] - px, shape[2] - px, 3])


def choose(values: list[float]) -> tf.Tensor:
    return tf.gather(tf.constant(values), tf.random.uniform([], 0, len(values), tf.int32))


def rescale(images: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.cast(tf.shape(images)[1:3], tf.float32) * choose(SCALES), tf.int32)
    return tf.compat.v1.image.resize_bilinear(images, size)


def rotate(images: tf.Tensor) -> tf.Tensor:
    """Turn about the centre: nearest pixel, black corners."""
    angle = choose(DEGREES) * LUCID_PI / 180.0
    cos, sin = tf.cos(angle), tf.sin(angle)
    y, x = tf.unstack(tf.cast(tf.shape(images)[1:3] - 1, tf.float32) / 2.0)
    matrix = [cos, -sin, x - (cos * x - sin * y), sin, cos, y - (sin * x + cos * y), 0.0, 0.0]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(matrix)[None],
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="NEAREST",
    )


def transform(images: tf.Tensor) -> tf.Tensor:
    """Apply Lucid's standard transforms; one draw for the whole batch."""
    images = tf.pad(images, [[0, 0], [12, 12], [12, 12], [0, 0]], constant_values=0.5)
    return jitter(rotate(rescale(jitter(images, 8))), 4)


def make_step(
    network: keras.Model, spectrum: tf.Variable, optimizer: keras.Optimizer, scale: np.ndarray
) -> Callable[[tf.Tensor], None]:
    @tf.function(input_signature=[tf.TensorSpec([spectrum.shape[1]], tf.int32)])
    def step(channels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            acts = network(transform(to_image(spectrum, scale)) * 2.0 - 1.0, training=False)
            means = tf.reduce_mean(acts, axis=(1, 2))  # [batch, channels]
            loss = -tf.reduce_sum(tf.gather(means, channels, axis=1, batch_dims=1))
        optimizer.apply_gradients([(tape.gradient(loss, spectrum), spectrum)])

    return step


def open_tool(job: Job) -> Tool:
    network = network_at(job.layer)
    size = job.canvas_px or 224
    scale = spectrum_scale(size)
    spectrum = tf.Variable(tf.zeros([2, job.batch, 3, *scale.shape]))
    optimizer = keras.optimizers.Adam(0.05, epsilon=1e-8)
    optimizer.build([spectrum])
    step = make_step(network, spectrum, optimizer, scale)
    tf.random.set_seed(job.seed)

    def render(channels: Sequence[int], steps: int | None) -> np.ndarray:
        spectrum.assign(tf.random.normal(spectrum.shape, stddev=0.01))
        for variable in optimizer.variables:
            if variable.path.rpartition("/")[2] != "learning_rate":
                variable.assign(tf.zeros_like(variable))
        for _ in range(steps or UPDATES):
            step(tf.constant(channels))
        return to_image(spectrum, scale).numpy()

    return Tool(
        render=render,
        activations=lambda pixels: network(pixels.astype(np.float32) / 127.5 - 1.0).numpy(),
        steps=UPDATES,
        settings={
            "parameterization": "Fourier, std 0.01, decay 1, decorrelated colours",
            "transforms": "pad 12, jitter 8, scale 0.9-1.1, rotate 10, jitter 4",
            "optimizer": "Adam(0.05, epsilon 1e-8)",
            "batch": job.batch,
        },
        packages=("tensorflow", "keras"),
    )


if __name__ == "__main__":
    serve(open_tool)
