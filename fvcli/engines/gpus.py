"""Which GPUs this machine has, without TensorFlow, and how they are given to processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from math import floor

VISIBLE = "CUDA_VISIBLE_DEVICES"  # CUDA C++ Programming Guide, environment variables


def gpus_here(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    given = environment.get(VISIBLE)
    if given is not None:  # CUDA heeds the names before the first that it cannot read
        names = [name.strip() for name in given.split(",")]
        return tuple(names[: next((i for i, name in enumerate(names) if name in {"", "-1"}), len(names))])
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]  # not the parts of one
    return tuple(map(str, range(len(lines))))


def workers_for(gpus: int, gpus_per_worker: float) -> int:
    """Return how many workers GPUs are enough for, at least one."""
    return max(1, floor(gpus / gpus_per_worker + 1e-9))


def environment_of(worker: int, gpus: tuple[str, ...], gpus_per_worker: float) -> dict[str, str]:
    """Return what makes a worker, counted from 0, use its GPUs alone; it must be set before it starts."""
    if not gpus:
        return {}
    first = floor(worker * gpus_per_worker + 1e-9)
    count = max(1, floor(gpus_per_worker + 1e-9))
    return {VISIBLE: ",".join(gpus[(first + i) % len(gpus)] for i in range(count))}
