"""What all tools' scripts share: read a job, render its units one after the other, note what each took.

A script gives ``serve`` a function that opens the network and returns how to render. It runs in the
environment of its tool, so nothing but NumPy and Pillow is needed here.

    job.json --> open network, check it on the test picture, warm up --> render, render, ... --> result.json
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WARM_STEPS = 2
TOLERANCE = 1e-3  # of the largest activation; float32 in another order of sums

BEGAN = time.perf_counter()


@dataclass(frozen=True)
class Job:
    """What a script is asked for.

    canvas_px: Side of the picture; None: the tool's own default.
    steps: None: the tool's own default.
    batch: Units rendered at once.
    network: Folder of the exported network.
    """

    layer: str
    channels: tuple[int, ...]
    canvas_px: int | None
    steps: int | None
    batch: int
    seed: int
    network: str
    out: str


@dataclass(frozen=True)
class Tool:
    """An opened tool.

    render: (channels, steps or None for the tool's own) -> pictures as floats 0 to 1, [n, h, w, 3].
    activations: uint8 pictures [n, h, w, 3] -> the layer's activations, in Keras's layout.
    steps: Its own number of steps.
    settings: Its defaults, for the record.
    packages: Whose versions are recorded.
    """

    render: Callable[[Sequence[int], int | None], np.ndarray]
    activations: Callable[[np.ndarray], np.ndarray]
    steps: int
    settings: Mapping[str, Any]
    packages: Sequence[str]


def serve(open_tool: Callable[[Job], Tool]) -> None:
    """Do the job that the command line names, and write pictures and result.json."""
    fields = json.loads(Path(sys.argv[1]).read_text())
    job = Job(**{**fields, "channels": tuple(fields["channels"])})
    tool = open_tool(job)
    error = _check(tool, Path(job.network))
    tool.render(job.channels[: job.batch], WARM_STEPS)
    startup = time.perf_counter() - BEGAN
    units = []
    for start in range(0, len(job.channels), job.batch):
        units += _render(tool, job, job.channels[start : start + job.batch])
    result = {
        "settings": tool.settings,
        "versions": {name: version(name) for name in tool.packages},
        "startup_seconds": startup,
        "largest_activation_error": error,
        "units": units,
    }
    (Path(job.out) / "result.json").write_text(json.dumps(result, indent=1))


def _check(tool: Tool, network: Path) -> float:
    """Compare the network with fvcli's on the test picture; return the error as a share."""
    test = np.load(network / "test.npz")
    expected, found = test["activations"], tool.activations(test["pixels"])
    if found.shape != expected.shape:
        raise ValueError(f"the network gives {found.shape}, expected {expected.shape}")
    error = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
    if not error < TOLERANCE:
        raise ValueError(f"the network's activations are off by {error:.2g} of the largest")
    return error


def _render(tool: Tool, job: Job, channels: Sequence[int]) -> list[dict[str, Any]]:
    wall, cpu = time.perf_counter(), _cpu_seconds()
    pictures = tool.render(channels, job.steps)
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    units = []
    for channel, picture in zip(channels, pictures, strict=True):
        name = f"channel-{channel:04}.png"
        pixels = np.clip(picture * 255.0 + 0.5, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(Path(job.out) / name)
        units.append(
            {
                "channel": channel,
                "steps": job.steps or tool.steps,
                "canvas_px": pixels.shape[0],
                "cpu_seconds": cpu / len(channels),
                "wall_seconds": wall / len(channels),
                "picture": name,
            }
        )
    return units


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
