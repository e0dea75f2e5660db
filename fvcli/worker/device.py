"""What TensorFlow computes on, set up once a process."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.run.cores import cores

FAST_FLOAT16 = (7, 0)  # the first CUDA compute capability with tensor cores for it


@dataclass(frozen=True)
class Device:
    """How pictures are made here.

    name: As sidecars record it.
    is_gpu: Whether they are made on a GPU.
    lanes: How many ascents run at a time.
    whole_batches: Whether an ascent takes a whole batch; else it takes one picture.
    precision: What ``precision: auto`` means here.
    """

    name: str
    is_gpu: bool
    lanes: int
    whole_batches: bool
    precision: str = "float32"


def set_up_device(lanes: int | None = None, threads: int = 1) -> Device:
    """Choose the first GPU if there is one, else the CPU.

    Args:
        lanes: How many ascents run at a time on a CPU; by default one a core.
        threads: How many threads one operation has on a CPU.

    On a GPU memory grows as needed, so that several workers can share it, and kernels repeat exactly. On a
    CPU every core ascends with a picture of its own: the activations of one picture fit into a core's
    caches, no operation waits for another thread, and neither the number of cores nor the size of a batch
    changes what is computed.
    """
    tf.get_logger().setLevel("ERROR")  # each program has functions of its own; it warns of that
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        _refuse_a_lost_gpu()
        lanes = lanes or cores()
        _compute_with_threads(lanes, threads)
        return Device("cpu", False, lanes, whole_batches=False)
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    details = tf.config.experimental.get_device_details(gpus[0])
    name = f"gpu: {details.get('device_name', 'unknown')}"
    precision = auto_precision(details.get("compute_capability"))
    return Device(name, True, 1, whole_batches=True, precision=precision)


def _refuse_a_lost_gpu() -> None:
    """Raise FvcliError if this process was given a GPU that it cannot use: pictures of a CPU differ."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if given not in {"", "-1", "NoDevFiles"}:
        message = f"CUDA_VISIBLE_DEVICES names GPU {given}, and TensorFlow finds none"
        raise FvcliError(message, "see nvidia-smi, or render on the CPU: CUDA_VISIBLE_DEVICES= fvcli ...")


def auto_precision(compute_capability: tuple[int, int] | None) -> str:
    """Return the fastest type that a GPU computes convolutions in without harm to pictures.

    bfloat16 is as fast, but has three bits less for the small differences that pictures are made of.
    """
    fast = compute_capability is not None and compute_capability >= FAST_FLOAT16
    return "float16" if fast else "float32"


def _compute_with_threads(lanes: int, threads: int) -> None:
    """Set how many threads compute.

    Raises:
        FvcliError: Each operation has another number of them, and TensorFlow was used already.
    """
    wanted = (threads, lanes + 1)  # one more, so that a picture is scored and saved while others are computed
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != wanted[0]:
        try:
            threading.set_intra_op_parallelism_threads(wanted[0])
        except RuntimeError as error:
            message = "TensorFlow was used in this process before, with threads that change pictures"
            hint = "render before it is used, or give a number of workers, which are processes of their own"
            raise FvcliError(message, hint) from error
    if threading.get_inter_op_parallelism_threads() < wanted[1]:  # more of these do no harm
        with contextlib.suppress(RuntimeError):  # fewer make it slower, and nothing else
            threading.set_inter_op_parallelism_threads(wanted[1])


def computing_facts(device: Device) -> dict[str, Any]:
    """Return what of this process may change the last digits of a result, for a fingerprint."""
    facts: dict[str, Any] = {
        "kind": "gpu" if device.is_gpu else "cpu",
        "name": device.name,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "onednn_isa": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
        "xla": os.environ.get("TF_XLA_FLAGS", ""),
    }
    for gpu in tf.config.list_physical_devices("GPU")[: int(device.is_gpu)]:  # the one that is used
        build = tf.sysconfig.get_build_info()
        details = tf.config.experimental.get_device_details(gpu)
        facts["compute_capability"] = details.get("compute_capability")
        facts |= {"cuda": build.get("cuda_version"), "cudnn": build.get("cudnn_version")}
        facts["tf32"] = tf.config.experimental.tensor_float_32_execution_enabled()
    return facts


def device_facts() -> dict[str, Any]:
    """Return every device that TensorFlow sees, and how it was built, for ``fvcli info``."""
    build = tf.sysconfig.get_build_info()
    return {
        "devices": [{"kind": d.device_type, "name": d.name} for d in tf.config.list_physical_devices()],
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
    }
