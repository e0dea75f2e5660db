"""Renderers of a network that reads the colours of a picture, so that scores can be worked out by hand.

Its layer `conv` has the red and the blue of each pixel, and a channel of nothing; `wide` has the mean of
red over 5 x 5 pixels. Pictures are 12 pixels high and 20 wide.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fvcli.run import RunFolder
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.device import Device
from fvcli.worker.renderers import Renderer

CPU = Device("cpu", False, 1, whole_batches=False)
HEIGHT, WIDTH = 12, 20
RED, BLUE, NOTHING = 0, 1, 2
PLAIN = {"kind": "pixel", "decorrelate": False, "squash": "clip", "std": 1e-6}  # mid grey, but for noise
Made = tuple[Renderer, RunFolder]
Make = Callable[..., Made]  # of the fixture renderer


def by_signs(step: float) -> dict[str, Any]:
    """An optimizer that moves every number which matters by the same at each step."""
    return {"kind": "gradient", "step": "sign", "learning_rate": step}


def save_network(path: Path, nothing: float = 0.0) -> Path:
    """Save the network in a file; ``nothing`` is the weight of every colour in the third channel."""
    image = keras.Input((None, None, 3))
    conv = keras.layers.Conv2D(3, 1, name="conv", use_bias=False)
    wide = keras.layers.Conv2D(1, 5, padding="same", name="wide", use_bias=False)
    net = keras.Model(image, wide(conv(image)))
    weights = np.zeros((1, 1, 3, 3), np.float32)
    weights[..., NOTHING] = nothing
    weights[0, 0, 0, RED] = weights[0, 0, 2, BLUE] = 1.0
    conv.set_weights([weights])
    mean = np.zeros((5, 5, 3, 1), np.float32)
    mean[:, :, RED] = 1 / 25
    wide.set_weights([mean])
    net.save(path)
    return path


def save_of_one_pixel(path: Path) -> Path:
    """Save a network of 6 x 10 pixels and no other size; class 1 is the red in the upper left one."""
    image = keras.Input((6, 10, 3))
    dense = keras.layers.Dense(2, name="classes", use_bias=False)
    net = keras.Model(image, dense(keras.layers.Flatten()(image)))
    weights = np.zeros((6 * 10 * 3, 2), np.float32)
    weights[0, 1] = 1.0
    dense.set_weights([weights])
    net.save(path)
    return path


def channels(*numbers: int, **more: Any) -> dict[str, Any]:
    return {"name": "a", "layer": "conv", "channels": list(numbers), **more}


def rendered(
    made: Made, size: int = 1, stop_at: float = 2.0, program: int = 0
) -> tuple[list[Outcome] | None, list[float]]:
    """Return what becomes of the units of a program, and the shares that were reported."""
    renderer, run = made
    shares: list[float] = []
    units = [unit for unit in run.plan.units if unit.program == program]
    stopped = lambda: bool(shares) and shares[-1] >= stop_at  # noqa: E731
    return renderer.render(run.plan.programs[program], units, size, shares.append, stopped), shares


def outcomes_of(made: Made, size: int = 1, program: int = 0) -> list[Outcome]:
    """Return what becomes of the units of a program, which nothing stops."""
    outcomes, _ = rendered(made, size, program=program)
    assert outcomes is not None
    return outcomes


def mean(pixels: np.ndarray, channel: int) -> float:
    return float((pixels[..., 2 * channel] / 255).mean())
