"""What TensorFlow computes on, set up once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """name: as sidecars record it. is_gpu: whether pictures are made on a GPU."""

    name: str
    is_gpu: bool


def set_up_device() -> Device:
    """Choose the first GPU if there is one: memory that grows as needed, kernels that repeat exactly."""
    tf.get_logger().setLevel("ERROR")  # each program has functions of its own; it warns of that
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return Device("cpu", False)
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    details = tf.config.experimental.get_device_details(gpus[0])
    return Device(f"gpu: {details.get('device_name', 'unknown')}", True)


def device_facts() -> dict[str, Any]:
    """Return every device that TensorFlow sees, and how it was built, for ``fvcli info``."""
    build = tf.sysconfig.get_build_info()
    return {
        "devices": [{"kind": d.device_type, "name": d.name} for d in tf.config.list_physical_devices()],
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
    }
