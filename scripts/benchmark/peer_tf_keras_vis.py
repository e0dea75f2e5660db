"""Render with tf-keras-vis's ``ActivationMaximization`` at its defaults: pixels, RMSprop, 200 steps."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tf_keras_vis.activation_maximization import ActivationMaximization
from tf_keras_vis.utils.scores import CategoricalScore

from benchmark.peer_job import Job, Tool, serve


def open_tool(job: Job) -> Tool:
    model = tf.keras.models.load_model(Path(job.network) / "bytes.keras")
    maximize = ActivationMaximization(model, clone=False)
    tf.random.set_seed(job.seed)
    np.random.seed(job.seed)  # what its modifiers draw from

    def render(channels: Sequence[int], steps: int | None) -> np.ndarray:
        score = CategoricalScore(list(channels))
        images = maximize(score, **({} if steps is None else {"steps": steps}))
        return np.asarray(images) / 255.0

    parameters = inspect.signature(ActivationMaximization.__call__).parameters
    return Tool(
        render=render,
        activations=lambda pixels: np.asarray(model(pixels.astype(np.float32))),
        steps=parameters["steps"].default,
        settings={
            "input_range": parameters["input_range"].default,
            "input_modifiers": "Jitter(4), Rotate2D(1)",
            "regularizers": "TotalVariation2D(1.0), Norm(0.3, p=1)",
            "optimizer": "None: RMSprop(1.0, rho 0.999)",
            "steps": parameters["steps"].default,
        },
        packages=("tf-keras-vis", "tensorflow", "keras"),
    )


if __name__ == "__main__":
    serve(open_tool)
