"""Render with xplique's ``optimize`` at its defaults: Fourier, 256 steps, strong zoom, values 0 to 1."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from xplique.features_visualizations import Objective, optimize

from benchmark.peer_job import Job, Tool, serve


def open_tool(job: Job) -> Tool:
    model = tf.keras.models.load_model(Path(job.network) / "unit.keras")
    canvas = {} if job.canvas_px is None else {"custom_shape": (job.canvas_px, job.canvas_px)}
    tf.random.set_seed(job.seed)

    def render(channels: Sequence[int], steps: int | None) -> np.ndarray:
        objective = Objective.channel(model, job.layer, list(channels))
        images, _ = optimize(objective, **canvas, **({} if steps is None else {"nb_steps": steps}))
        return np.asarray(images[-1])

    defaults = {name: p.default for name, p in inspect.signature(optimize).parameters.items()}
    del defaults["objective"]
    return Tool(
        render=render,
        activations=lambda pixels: np.asarray(model(pixels / np.float32(255))),
        steps=defaults["nb_steps"],
        settings={
            **{name: repr(value) for name, value in {**defaults, **canvas}.items()},
            "optimizer": "None: Adam(0.05)",
            "transformations": "standard: pad size/4, five jitters, scale 0.92-0.96, blur, two jitters, flip",
        },
        packages=("xplique", "tensorflow", "keras"),
    )


if __name__ == "__main__":
    serve(open_tool)
