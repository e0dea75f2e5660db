"""Unpickle the state dict of a PyTorch file without running or trusting any of it.

A pickle can run any code, so the unpickler knows the few names that a state dict needs and refuses every
other. A pickle can also ask for more memory than there is, so its opcodes are read before they run. What
comes out are descriptions of tensors; the numbers are elsewhere in the file.
"""

from __future__ import annotations

import math
import pickle
import pickletools
from collections import OrderedDict
from functools import partial
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MEMO_WRITES = {"PUT", "BINPUT", "LONG_BINPUT"}
NESTED_UNDER = ("state_dict", "model")  # where training scripts put the state dict in a checkpoint
MAX_OPCODES = 1_000_000  # a tensor takes some forty, and each may make an object far larger than itself
MAX_SIZE = 1 << 63
MAX_AXES = 64


class Storage(NamedTuple):  # a tuple, as the opcode BUILD can change a dataclass, frozen or not
    """A run of numbers somewhere in the file."""

    key: str
    dtype: np.dtype[Any]
    size: int

    @property
    def nbytes(self) -> int:
        """Return how many bytes of the file it takes."""
        return self.size * self.dtype.itemsize


class Tensor(NamedTuple):
    """A view of a storage, in elements and not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Return how many bytes an array of its own would take."""
        return math.prod(self.shape) * self.storage.dtype.itemsize


class Unpickled(NamedTuple):
    """What one pickle holds, and every storage that it speaks of, by key."""

    value: Any
    storages: dict[str, Storage]


def _rebuild_tensor(
    storage: Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_gradient_facts: object,
) -> Tensor:
    shape, strides = tuple(shape), tuple(strides)
    if not isinstance(storage, Storage) or len(shape) > MAX_AXES or len(shape) != len(strides):
        raise pickle.UnpicklingError("a tensor is not described as one")
    if not all(_is_size(n) for n in (offset, *shape, *strides)):
        raise pickle.UnpicklingError("a tensor has an impossible size")
    return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor: Tensor, *_gradient_facts: object) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise pickle.UnpicklingError("a parameter is no tensor")
    return tensor


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_SIZE


ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,  # before 0.4
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch", "HalfStorage"): np.dtype("<f2"),
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "DoubleStorage"): np.dtype("<f8"),
    ("torch", "IntStorage"): np.dtype("<i4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
    ("torch", "BoolStorage"): np.dtype("?"),
}


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
        allowed = ALLOWED[module, name]
        # The opcode BUILD sets attributes of whatever it is given: give it a wrapper to throw away.
        return partial(allowed) if allowed in (_rebuild_tensor, _rebuild_parameter) else allowed

    def persistent_load(self, saved_id: Any) -> Storage:
        # Before 1.6 there is a sixth entry: the part that is meant of a larger storage, or None for all.
        kind, dtype, key, _location, count, *part = saved_id
        known = kind == "storage" and isinstance(dtype, np.dtype) and type(key) is str and _is_size(count)
        if not known or part not in ([], [None]):
            raise pickle.UnpicklingError("it stores an unknown kind of object")
        storage = Storage(key, dtype, count)
        if self.storages.setdefault(key, storage) != storage:
            raise pickle.UnpicklingError("it describes the same numbers in two ways")
        return storage


def unpickle(file: BinaryIO) -> Unpickled:
    """Load the next pickle, after a look at its opcodes that runs none and finds every length to be there."""
    start = file.tell()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count == MAX_OPCODES:
            raise pickle.UnpicklingError("it is too long for a state dict")
        if opcode.name in MEMO_WRITES and (argument or 0) > count:  # a pickler numbers them from 0
            raise pickle.UnpicklingError(f"memo index {argument} is out of order")
    file.seek(start)
    unpickler = _RestrictedUnpickler(file)
    return Unpickled(unpickler.load(), unpickler.storages)


def tensors_of(saved: object) -> dict[str, Tensor]:
    """Return the tensors of a state dict, or of the one that a checkpoint holds.

    Raises:
        ValueError: There is no dictionary, or no tensor in it.
    """
    if not isinstance(saved, dict):
        raise ValueError("it holds no dictionary of tensors")
    inner = [saved[key] for key in NESTED_UNDER if isinstance(saved.get(key), dict)]
    state = inner[0] if inner else saved
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    if not tensors or not all(isinstance(key, str) for key in tensors):
        raise ValueError("it holds no tensors by name")
    return tensors
