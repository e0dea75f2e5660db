"""Read the tensors of a PyTorch weights file (the format before 1.6) without PyTorch or trust.

A pickle can run any code, so the unpickler knows the four names that a state dict needs and refuses
every other. A pickle can also ask for more memory than there is, so its opcodes are read before they run,
and no array is made that the file could not fill.

The file is: pickle(magic number), pickle(protocol version), pickle(system facts), pickle(ordered dict of
tensors), pickle(list of storage keys), then for each key an int64 element count and the raw little-endian
data.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fvcli.errors import FvcliError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
COUNT_BYTES = 8
MAX_SHARING = 4  # times the file's size: tensors may share numbers, and arrays do not
MEMO_WRITES = {"PUT", "BINPUT", "LONG_BINPUT"}
ENDS_EARLY = ("truncated", "ran out", "exhausted", "not enough data", "remain", "no newline")


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_gradient_facts: object,
) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(shape), tuple(strides))


ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
        allowed = ALLOWED[module, name]
        # The opcode BUILD sets attributes of whatever it is given: give it a wrapper to throw away.
        return partial(allowed) if allowed is _rebuild_tensor else allowed

    def persistent_load(self, saved_id: Any) -> _Storage:
        kind, dtype, key, _location, count, _view = saved_id
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"unknown stored object {kind!r}")
        return _Storage(str(key), dtype, int(count))


def read_tensors(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a state dict by key.

    Args:
        data: The whole file.
        name: What to call the file in messages.

    Raises:
        FvcliError: The file is no such state dict, is cut short, or asks for anything else.
    """
    try:
        return _read(io.BytesIO(data))
    except FvcliError:
        raise
    except Exception as error:  # whatever a broken pickle raises, the file is what is wrong
        raise FvcliError(
            f"{name}: not a readable PyTorch weights file ({_reason(error)})",
            "give the unchanged .pth file of the model, or leave `weights` out",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError) or any(words in str(error) for words in ENDS_EARLY):
        return "it ends too early"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _read(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _unpickle(file) != MAGIC:
        raise ValueError("the magic number is missing")
    if _unpickle(file) != PROTOCOL_VERSION:
        raise ValueError("unknown protocol version")
    _unpickle(file)  # facts of the system that wrote it
    tensors = _unpickle(file)
    if not isinstance(tensors, dict):
        raise ValueError("it holds no dictionary of tensors")
    expected = {t.storage.key: t.storage for t in tensors.values() if isinstance(t, _Tensor)}
    raw = _read_storages(file, _unpickle(file), expected)
    views = {key: _view(tensor, raw) for key, tensor in tensors.items() if isinstance(tensor, _Tensor)}
    if sum(view.nbytes for view in views.values()) > MAX_SHARING * file.getbuffer().nbytes:
        raise ValueError("its tensors share their numbers too often")
    return {key: view.copy() for key, view in views.items()}


def _unpickle(file: io.BytesIO) -> Any:
    """Load the next pickle, after a look at its opcodes that runs none and finds every length to be there."""
    start = file.tell()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name in MEMO_WRITES and (argument or 0) > count:  # a pickler numbers them from 0
            raise pickle.UnpicklingError(f"memo index {argument} is out of order")
    file.seek(start)
    return _RestrictedUnpickler(file).load()


def _read_storages(file: io.BytesIO, keys: list[str], expected: dict[str, _Storage]) -> dict[str, np.ndarray]:
    raw = {}
    for key in keys:
        storage = expected[key]
        count = int.from_bytes(file.read(COUNT_BYTES), "little")
        data = file.read(storage.count * storage.dtype.itemsize)
        if count != storage.count or len(data) != storage.count * storage.dtype.itemsize:
            raise EOFError
        raw[key] = np.frombuffer(data, storage.dtype)
    return raw


def _view(tensor: _Tensor, raw: dict[str, np.ndarray]) -> np.ndarray:
    """Lay shape and strides over the raw numbers, never past their ends, and copy none."""
    flat = raw[tensor.storage.key]
    reach = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
    negative = min((tensor.offset, *tensor.shape, *tensor.strides)) < 0
    if negative or (0 not in tensor.shape and tensor.offset + reach >= flat.size):
        raise ValueError("a tensor reaches outside its data")
    if math.prod(tensor.shape) > flat.size:
        raise ValueError("a tensor has more numbers than its data")
    strides = tuple(stride * flat.itemsize for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides)
