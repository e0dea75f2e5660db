"""What TensorFlow computes on, and how."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.run.cores import cores
from fvcli.worker import device
from fvcli.worker.device import Device, auto_precision, device_facts, set_up_device


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        (None, "float32"),
        ((6, 1), "float32"),
        ((7, 0), "float16"),
        ((7, 5), "float16"),
        ((8, 0), "float16"),
        ((12, 0), "float16"),
    ],
)
def test_a_gpu_computes_in_what_its_tensor_cores_take(
    capability: tuple[int, int] | None, precision: str
) -> None:
    assert auto_precision(capability) == precision


def test_a_cpu_has_a_lane_for_each_core_and_a_thread_more_for_what_comes_after() -> None:
    here = cores()
    assert set_up_device() == Device("cpu", False, here, whole_batches=False, precision="float32")
    threads = tf.config.threading
    assert threads.get_intra_op_parallelism_threads() == 1
    assert threads.get_inter_op_parallelism_threads() == here + 1


def test_fewer_lanes_than_at_first_change_nothing_in_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be set up once a process: the network may have been looked at before."""
    set_up_device()
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", None)
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", None)
    assert set_up_device(1).lanes == 1


@pytest.mark.parametrize("given", ["0", "3,4", "GPU-8932f937"])
def test_a_gpu_that_was_given_and_is_not_there_is_no_cpu(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    first = given.partition(",")[0]
    with pytest.raises(FvcliError, match=f"names GPU {first}, and TensorFlow finds none"):
        set_up_device()
    for nothing in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", nothing)
        assert not set_up_device().is_gpu


@pytest.mark.parametrize(
    ("details", "name", "precision"),
    [
        ({"device_name": "Tesla T4", "compute_capability": (7, 5)}, "gpu: Tesla T4", "float16"),
        ({"device_name": "Quadro", "compute_capability": (6, 1)}, "gpu: Quadro", "float32"),
        ({}, "gpu: unknown", "float32"),
    ],
)
def test_the_first_gpu_takes_whole_batches_and_shares_its_memory(
    monkeypatch: pytest.MonkeyPatch, details: dict[str, Any], name: str, precision: str
) -> None:
    """This machine may have none: what TensorFlow is asked and told is kept instead."""
    told: list[Any] = []
    asked = {"first": details, "second": {"device_name": "another"}}
    experimental = tf.config.experimental
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [*asked] if kind == "GPU" else [])
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, grows: told.append((gpu, grows)))
    monkeypatch.setattr(experimental, "enable_op_determinism", lambda: told.append("repeats"))
    monkeypatch.setattr(experimental, "get_device_details", asked.get)
    found = device.set_up_device()
    assert found == Device(name, True, 1, whole_batches=True, precision=precision)
    assert told == [("first", True), ("second", True), "repeats"]


def test_devices_are_listed_by_kind_and_name() -> None:
    facts = device_facts()
    assert {"kind": "CPU", "name": "/physical_device:CPU:0"} in facts["devices"]
    build = tf.sysconfig.get_build_info()
    assert (facts["cuda"], facts["cudnn"]) == (build.get("cuda_version"), build.get("cudnn_version"))
