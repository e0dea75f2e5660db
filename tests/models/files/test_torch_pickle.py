"""Pickles that mean harm: nothing that they name is called, and they change nothing."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from fvcli.models.files import torch_pickle
from fvcli.models.files.torch_file import read_tensors
from tests.helpers.torch_bytes import (
    STORAGES,
    ZIPPED,
    op,
    refusal,
    state,
    tensor,
    weights_file,
    zip_file,
    zipped,
)

# ---- what is hostile


class _Payload:
    def __init__(self, *what: object) -> None:
        self.what = what

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.what[0], self.what[1:]


def by_global(folder: str) -> bytes:
    return b"cos\nmkdir\n(" + op(folder) + b"tR"


def by_stack_global(folder: str) -> bytes:
    return op("os") + op("mkdir") + b"\x93(" + op(folder) + b"tR"


def by_instance(folder: str) -> bytes:
    return b"(" + op(folder) + b"ios\nmkdir\n"


def by_object(folder: str) -> bytes:
    return b"(cos\nmkdir\n" + op(folder) + b"o"


def by_attribute(folder: str) -> bytes:
    return b"ccollections\nOrderedDict.__init__\n(" + op(folder) + b"tR"


@pytest.mark.parametrize("way", [by_global, by_stack_global, by_instance, by_object, by_attribute])
def test_forbidden_global_does_not_act(way, tmp_path: Path) -> None:
    folder = tmp_path / "hacked"
    assert "which is not allowed" in refusal(weights_file(way(str(folder))))
    assert "which is not allowed" in refusal(zipped(way(str(folder))))
    assert not folder.exists()


@pytest.mark.parametrize("what", [(os.mkdir,), (eval, "1"), (exec, "1"), (getattr, "", "upper"), (print,)])
@pytest.mark.parametrize("protocol", range(6))
def test_pickled_call_does_not_act(what: tuple[object, ...], protocol: int, tmp_path: Path) -> None:
    arguments = (what[0], str(tmp_path / "hacked")) if len(what) == 1 else what
    payload = pickle.dumps(_Payload(*arguments), protocol)
    assert "which is not allowed" in refusal(payload)
    assert "which is not allowed" in refusal(zip_file({**ZIPPED, "data.pkl": payload}))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("storage", ["BFloat16Storage", "load", "hub.load", "serialization.load"])
def test_other_names_of_torch(storage: str) -> None:
    assert "which is not allowed" in refusal(weights_file(state(w=tensor(storage=storage))))


@pytest.mark.parametrize("name", ["_rebuild_tensor_v2", "_rebuild_parameter"])
def test_file_cannot_change_the_reader(name: str) -> None:
    """A pickle may set attributes of what it is given; what it is given must not be ours to keep."""
    change = op((None, {"__defaults__": (1, 2, 3), "__name__": "changed"}))
    function = torch_pickle.ALLOWED["torch._utils", name]
    kept = function.__name__
    try:
        refusal(weights_file(f"ctorch._utils\n{name}\n".encode() + change + b"b"))
        assert function.__name__ == kept
        assert function.__defaults__ is None
    finally:
        function.__name__, function.__defaults__ = kept, None


@pytest.mark.parametrize("change", [{"shape": (6,)}, (None, {"shape": (6,)}), ("0", 0, (6,), (1,))])
def test_file_cannot_change_its_tensors(change: object) -> None:
    """Nor may it set attributes of a tensor once that was found to be one."""
    refusal(weights_file(state(w=tensor() + op(change) + b"b")))


def test_file_may_set_attributes_of_its_dictionary() -> None:
    """As state_dict does, with its _metadata."""
    code = state(w=tensor()) + op({"_metadata": {"": {"version": 1}}}) + b"b"
    assert list(read_tensors(weights_file(code), "w.pth")) == ["w"]


@pytest.mark.parametrize("storage", STORAGES)
def test_file_cannot_change_numpy(storage: str) -> None:
    state_of_dtype = op((3, ">", None, None, None, -1, -1, 63))
    refusal(weights_file(f"ctorch\n{storage}\n".encode() + state_of_dtype + b"b"))
    assert np.dtype(STORAGES[storage]).isnative
    assert np.dtype(STORAGES[storage]).flags == 0
