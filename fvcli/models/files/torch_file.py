"""Read the tensors of a PyTorch weights file without PyTorch or trust.

Two containers have been in use, and no array is made that the file could not fill in either.

Before PyTorch 1.6 the file is: pickle(magic number), pickle(protocol version), pickle(system facts),
pickle(dictionary of tensors), pickle(list of storage keys), then for each key an int64 element count and the
raw little-endian data. Since then it is a zip archive with one folder, where `data.pkl` is the dictionary of
tensors, `data/<key>` the raw data of a storage, and `byteorder` says how those are to be read.
"""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fvcli.errors import FvcliError
from fvcli.models.files.file_kinds import HEAD_BYTES, kind_of
from fvcli.models.files.torch_pickle import Storage, Tensor, tensors_of, unpickle
from fvcli.models.files.words_of_others import reason_of

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
COUNT_BYTES = 8
OTHERS = {"an HDF5 file", "an ONNX model", "a TensorFlow Lite model", "a safetensors file", "a web page"}
ZIP_MAGIC = b"PK\x03\x04"
# Times the file's size: tensors may share numbers, and arrays do not; another zip program may compress.
MAX_GROWTH = 4
ENDS_EARLY = ("truncated", "ran out", "exhausted", "not enough data", "remain", "no newline", "not a zip")


def read_tensors(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a state dict by key.

    Args:
        data: The whole file; a checkpoint may hold the state dict as its "state_dict" or "model".
        name: What to call the file in messages.

    Raises:
        FvcliError: The file holds no such state dict, is cut short, or asks for anything else.
    """
    try:
        return _read_zip(data) if data.startswith(ZIP_MAGIC) else _read_legacy(data)
    except Exception as error:  # whatever a broken file raises, the file is what is wrong
        kind = kind_of(data[:HEAD_BYTES])
        reason = kind if kind in OTHERS else _reason(error)
        raise FvcliError(
            f"{name}: not a readable PyTorch weights file ({reason})",
            "give the unchanged .pth file of the model's state dict, or leave `weights` out",
        ) from error


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, EOFError) or any(words in text.lower() for words in ENDS_EARLY):
        return "it ends too early"
    return reason_of(error)


def _arrays(
    tensors: dict[str, Tensor], fetch: Callable[[Storage], np.ndarray], file_bytes: int
) -> dict[str, np.ndarray]:
    """Copy every tensor out of its storage, holding one storage at a time."""
    if sum(tensor.nbytes for tensor in tensors.values()) > MAX_GROWTH * file_bytes:
        raise ValueError("its tensors have more numbers than it could hold")
    sharing = defaultdict(list)
    for key, tensor in tensors.items():
        sharing[tensor.storage].append(key)
    found = {}
    for storage, keys in sharing.items():
        flat = fetch(storage)
        found.update({key: _view(tensors[key], flat).copy() for key in keys})
    return {key: found[key] for key in tensors}


def _flat(storage: Storage, data: bytes, start: int = 0) -> np.ndarray:
    if start + storage.nbytes > len(data):
        raise EOFError
    if storage.dtype == np.bool_:  # numpy takes any byte for a truth value, but reckons with 0 and 1 only
        return np.ndarray(storage.size, np.uint8, data, start).astype(np.bool_)
    return np.ndarray(storage.size, storage.dtype, data, start)


def _view(tensor: Tensor, flat: np.ndarray) -> np.ndarray:
    """Lay shape and strides over the raw numbers, never past their ends, and copy none."""
    reach = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
    if 0 not in tensor.shape and tensor.offset + reach >= flat.size:
        raise ValueError("a tensor reaches outside its data")
    strides = tuple(stride * flat.itemsize for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides)


# ---- before PyTorch 1.6


def _read_legacy(data: bytes) -> dict[str, np.ndarray]:
    file = io.BytesIO(data)
    if unpickle(file).value != MAGIC:
        raise ValueError("the magic number is missing")
    if unpickle(file).value != PROTOCOL_VERSION:
        raise ValueError("unknown protocol version")
    unpickle(file)  # facts of the system that wrote it
    saved = unpickle(file)
    tensors = tensors_of(saved.value)
    keys = unpickle(file).value
    raw = _legacy_storages(data, file.tell(), keys, saved.storages)
    return _arrays(tensors, lambda storage: raw[storage.key], len(data))


def _legacy_storages(
    data: bytes, start: int, keys: list[str], expected: dict[str, Storage]
) -> dict[str, np.ndarray]:
    if sorted(keys) != sorted(expected):
        raise ValueError("its list of data does not fit its tensors")
    raw = {}
    for key in keys:
        count = int.from_bytes(data[start : start + COUNT_BYTES], "little")
        start += COUNT_BYTES
        if count != expected[key].size:
            raise EOFError
        raw[key] = _flat(expected[key], data, start)
        start += expected[key].nbytes
    return raw


# ---- since PyTorch 1.6


@dataclass(frozen=True)
class _Archive:
    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    folder: str

    def content(self, name: str) -> bytes:
        info = self.members.get(self.folder + name)
        if info is None:
            raise ValueError(f"it has no member {name}")
        with self.file.open(info) as member:
            # Without a number, zipfile unpacks all there is before it looks at the size that was claimed.
            content = member.read(info.file_size)
        if len(content) != info.file_size:
            raise EOFError
        return content

    def numbers(self, storage: Storage) -> np.ndarray:
        content = self.content(f"data/{storage.key}")
        if len(content) != storage.nbytes:
            raise ValueError("the size of its data does not fit its tensors")
        return _flat(storage, content)


def _read_zip(data: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = _members(file, len(data))
        archive = _Archive(file, members, _folder(members))
        if archive.folder + "byteorder" in members and archive.content("byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        tensors = tensors_of(unpickle(io.BytesIO(archive.content("data.pkl"))).value)
        return _arrays(tensors, archive.numbers, len(data))


def _members(file: zipfile.ZipFile, file_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, none of which may lead elsewhere or grow out of proportion."""
    members = {info.filename: info for info in file.infolist()}
    if len(members) < len(file.infolist()):
        raise ValueError("two of its members have the same name")
    if any(_leads_out(name) for name in members):
        raise ValueError("a member has a path that leads out of the archive")
    stored = [info.file_size for info in members.values() if info.compress_type == zipfile.ZIP_STORED]
    packed = [info.file_size for info in members.values() if info.compress_type == zipfile.ZIP_DEFLATED]
    if len(stored) + len(packed) < len(members):
        raise ValueError("a member is compressed in an unknown way")
    if sum(stored) > file_bytes or sum(packed) > MAX_GROWTH * file_bytes:
        raise ValueError("its members claim to be larger than the file allows")
    return members


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or parts[0].endswith(":")


def _folder(members: dict[str, zipfile.ZipInfo]) -> str:
    """Return the folder of the archive, with its slash."""
    folders = {name.split("/")[0] + "/" for name in members}
    found = [folder for folder in folders if folder + "data.pkl" in members]
    if len(found) != 1:
        raise ValueError("it is a zip archive, but not one of torch.save")
    if any(name.startswith((found[0] + "code/", found[0] + "constants.pkl")) for name in members):
        raise ValueError("it is a TorchScript archive; what is wanted is a state dict")
    return found[0]
