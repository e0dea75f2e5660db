"""Who may render a part of a run that was begun, perhaps elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fvcli.errors import UsageError
from fvcli.run import join_run, joining
from fvcli.run.fingerprint import fingerprints_of

Data = dict[str, Any]
CPU: Data = {
    "versions": {
        **{"fvcli": "1.0", "tensorflow": "2.20.0", "keras": "3.1", "numpy": "2.0", "pillow": "11.0"},
        "python": "3.11",
    },
    "cpu": {"machine": "x86_64", "name": "Xeon", "instructions": ["avx2", "fma"]},
    "device": {"kind": "cpu", "name": "cpu", "onednn": True, "onednn_isa": "", "xla": ""},
}
ON_GPU: Data = {
    **{"kind": "gpu", "name": "gpu: T4", "compute_capability": [7, 5], "cuda": "12.5", "cudnn": "9"},
    **{"tf32": False, "onednn": True, "onednn_isa": "", "xla": ""},
}
GPU: Data = CPU | {"device": ON_GPU}


def with_fact(begun: Data, part: str, name: str, value: Any) -> Data:
    changed = deepcopy(begun)
    changed[part][name] = value
    return changed


@pytest.mark.parametrize(
    ("begun", "part", "name", "value", "told"),
    [
        (CPU, "versions", "tensorflow", "2.21.0", "TensorFlow 2.20.0, here 2.21.0"),
        (CPU, "versions", "keras", "3.2", "Keras 3.1, here 3.2"),
        (CPU, "versions", "numpy", "2.1", "NumPy 2.0, here 2.1"),
        (CPU, "versions", "pillow", "12.0", "Pillow 11.0, here 12.0"),
        (CPU, "device", "name", "tpu", "device cpu, here tpu"),
        (CPU, "device", "onednn", False, "oneDNN True, here False"),
        (CPU, "device", "onednn_isa", "AVX2", "onednn_isa , here AVX2"),
        (CPU, "device", "xla", "--tf_xla_auto_jit=2", "xla , here --tf_xla_auto_jit=2"),
        (CPU, "cpu", "machine", "aarch64", "machine x86_64, here aarch64"),
        (CPU, "cpu", "instructions", ["avx2"], "CPU instructions avx2+fma, here avx2"),
        (GPU, "versions", "fvcli", "1.1", "fvcli 1.0, here 1.1"),
        (GPU, "versions", "tensorflow", "2.21.0", "TensorFlow 2.20.0, here 2.21.0"),
        (GPU, "device", "name", "gpu: A100", "device gpu: T4, here gpu: A100"),
        (GPU, "device", "compute_capability", [8, 0], "compute_capability 7+5, here 8+0"),
        (GPU, "device", "cuda", "12.6", "cuda 12.5, here 12.6"),
        (GPU, "device", "cudnn", "8", "cudnn 9, here 8"),
        (GPU, "device", "tf32", True, "tf32 False, here True"),
    ],
)
def test_what_decides_a_picture_is_heeded(
    tmp_path: Path, begun: Data, part: str, name: str, value: Any, told: str
) -> None:
    first = join_run(tmp_path, begun)
    with pytest.raises(UsageError) as raised:
        join_run(tmp_path, with_fact(begun, part, name, value))
    hint = "go on there, give another folder, or allow other pictures with --mixed"
    assert str(raised.value) == f"{tmp_path} was begun with {told}: {hint}"
    assert list(fingerprints_of(tmp_path)) == [first]


@pytest.mark.parametrize(
    ("begun", "part", "name", "value"),
    [
        (CPU, "versions", "fvcli", "1.1"),
        (CPU, "versions", "python", "3.12"),
        (CPU, "cpu", "name", "EPYC"),
        (GPU, "cpu", "instructions", ["avx2"]),
        (GPU, "cpu", "machine", "aarch64"),
        (GPU, "versions", "python", "3.12"),
    ],
)
def test_what_does_not_decide_is_not(tmp_path: Path, begun: Data, part: str, name: str, value: Any) -> None:
    names = {join_run(tmp_path, begun), join_run(tmp_path, with_fact(begun, part, name, value))}
    assert set(fingerprints_of(tmp_path)) == names
    assert len(names) == 2


def test_all_that_differs_is_told(tmp_path: Path) -> None:
    join_run(tmp_path, CPU)
    other = GPU | {"versions": CPU["versions"] | {"keras": "3.2", "numpy": "2.1"}}
    with pytest.raises(
        UsageError,
        match=r"Keras 3.1, here 3.2, NumPy 2.0, here 2.1, device cpu, here gpu and 1 more difference",
    ):
        join_run(tmp_path, other)


def test_the_nearest_of_several_is_told(tmp_path: Path) -> None:
    join_run(tmp_path, CPU)
    join_run(tmp_path, GPU, mixed=True)
    for nearest, told in (
        (with_fact(GPU, "device", "cudnn", "8"), "was begun with cudnn 9, here 8: "),
        (with_fact(CPU, "versions", "numpy", "2.1"), r"was begun with NumPy 2\.0, here 2\.1: "),
    ):
        with pytest.raises(UsageError, match=told):
            join_run(tmp_path, nearest)


def test_mixed_lets_anybody_join_and_whoever_was_there_again(tmp_path: Path) -> None:
    names = [join_run(tmp_path, CPU), join_run(tmp_path, GPU, mixed=True)]
    assert sorted(fingerprints_of(tmp_path)) == sorted(names)
    assert [join_run(tmp_path, one) for one in (CPU, GPU)] == names
    join_run(tmp_path, with_fact(CPU, "cpu", "name", "EPYC"))  # as the first computes


def test_of_what_an_old_version_did_not_say_nothing_is_known(tmp_path: Path) -> None:
    join_run(tmp_path, {"versions": {"tensorflow": "2.20.0"}, "device": "cpu"})
    join_run(tmp_path, CPU)
    with pytest.raises(UsageError, match=r"TensorFlow 2\.20\.0, here 2\.21\.0"):
        join_run(tmp_path, with_fact(CPU, "versions", "tensorflow", "2.21.0"))


def test_a_run_without_fingerprints_may_be_joined(tmp_path: Path) -> None:
    assert list(fingerprints_of(tmp_path)) == []
    assert list(fingerprints_of(tmp_path)) != [join_run(tmp_path, GPU)]


@pytest.mark.parametrize("locks", [True, False])
def test_of_two_kinds_that_join_together_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:  # as in an object store
        monkeypatch.setattr(joining, "hold_while_preparing", lambda _: nullcontext())

    def slowly(run: Path) -> Mapping[str, Any]:
        found = fingerprints_of(run)
        time.sleep(0.1)
        return found

    def join(one: Data) -> bool:
        try:
            join_run(tmp_path, one)
        except UsageError:
            return False
        return True

    monkeypatch.setattr(joining, "fingerprints_of", slowly)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(join, [CPU, GPU])) == [False, True]
