"""A network that kills or hangs the process that shows it certain pictures, and a spec that does.

The trap is armed where FVCLI_TEST_TRAP names a folder. There a black picture kills the process, every time,
as one does that needs too much memory. A white picture hangs it, the first time only, as a bad driver does.
Each look at a picture is slow there, so that whatever a test does meets workers at work, on a fast machine as
well; the processor is free meanwhile. Elsewhere nothing happens: a run of the same spec without the trap
shows what is right, in a moment.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np

TRAP = "FVCLI_TEST_TRAP"
PICTURES, BATCH_SIZE, STEPS = 32, 2, 8
BATCHES = PICTURES // BATCH_SIZE
POISON, HANGING = 11, 27  # numbers of pictures, at which neither of two workers begins
HUNG = "hung"  # the file in the folder of the trap that says that a process has hung, so that no other does
LOOK_S = 0.15  # a picture has ten or so: so that a test can do something while workers are at it
BLACK, WHITE = 0.02, 0.98  # means below and above which a picture counts as such
SIZE_PX = 32
POISONOUS = f"like/p{POISON}-caricature"
MOST_AGAIN = 4  # units that are rendered twice when a worker dies: two batches in flight
HEAD = f"""\
model: {{factory: "tests.helpers.trapped_network:build", value_range: [0, 1]}}
render: {{size_px: {SIZE_PX}, steps: {STEPS}, batch_size: {BATCH_SIZE}, transforms: [], early_stop: 0}}
jobs:
"""
SPEC = HEAD + "  - {name: like, layer: conv, objective: caricature, pictures: photos/}\n"


def write_trapped_spec(folder: Path) -> Path:
    """Write a spec whose pictures are like photos, one of them black and one white, and the photos."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        photo = rng.integers(60, 190, (SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
        if number in {POISON, HANGING}:
            photo[:] = 0 if number == POISON else 255
        iio.imwrite(photos / f"p{number:02d}.png", photo)
    spec = folder / "spec.yaml"
    spec.write_text(SPEC)
    return spec


def build() -> object:
    """Return the network: the factory that the spec names."""
    import keras
    import tensorflow as tf

    class Trap(keras.layers.Layer):
        def call(self, pictures: object) -> object:
            looked = tf.py_function(_look, [pictures], [])
            with tf.control_dependencies([looked]):
                return tf.identity(pictures)

    keras.utils.set_random_seed(0)
    pictures = keras.Input((None, None, 3))
    convolution = keras.layers.Conv2D(8, 3, padding="same", name="conv")
    return keras.Model(pictures, convolution(Trap(name="trap")(pictures)))


def _look(pictures: object) -> None:
    if TRAP not in os.environ:
        return
    time.sleep(LOOK_S)
    means = pictures.numpy().mean(axis=(1, 2, 3))  # type: ignore[attr-defined]
    if (means < BLACK).any():
        os.kill(os.getpid(), signal.SIGKILL)
    if (means > WHITE).any() and _is_first(Path(os.environ[TRAP]) / HUNG):
        time.sleep(3600)


def _is_first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
