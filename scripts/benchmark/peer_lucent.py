"""Render with Lucent's ``render_vis`` at its defaults: Lucid's recipe in PyTorch, 128 px enlarged to 224."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lucent.optvis import objectives, param, render

from benchmark.peer_job import Job, Tool, serve
from benchmark.torch_network import TorchNetwork


def open_tool(job: Job) -> Tool:
    network = TorchNetwork(Path(job.network)).eval()
    torch.manual_seed(job.seed)
    np.random.seed(job.seed)  # what its transforms draw from
    canvas = {} if job.canvas_px is None else {"param_f": lambda: param.image(job.canvas_px)}

    def draw(channels: Sequence[int], steps: int | None) -> np.ndarray:
        thresholds = {} if steps is None else {"thresholds": (steps,)}
        (channel,) = channels  # it optimises one objective at a time
        images = render.render_vis(
            network,
            objectives.channel(job.layer, channel),
            preprocess=False,  # the network takes 0 to 1 itself; ImageNet's mean and deviation would be wrong
            progress=False,
            show_image=False,
            **thresholds,
            **canvas,
        )
        return images[-1]

    defaults = inspect.signature(render.render_vis).parameters
    return Tool(
        render=draw,
        activations=network.activations,
        steps=max(defaults["thresholds"].default),
        settings={
            "param_f": f"param.image({job.canvas_px or 128})",
            "optimizer": "Adam(0.05)",
            "transforms": "pad 12, jitter 8, scale 0.9-1.1, rotate 10, jitter 4"
            + (", enlarged to 224" if job.canvas_px is None else ""),
            "thresholds": defaults["thresholds"].default,
            "preprocess": False,
        },
        packages=("torch-lucent", "torch", "kornia"),
    )


if __name__ == "__main__":
    serve(open_tool)
