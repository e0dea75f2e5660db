"""Weights files of PyTorch, written opcode by opcode, in both forms that torch.save has had."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files.torch_file import MAGIC, read_tensors

NUMBERS = np.arange(6, dtype="<f4")
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def op(value: object) -> bytes:
    """Return the pickle opcodes that push a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def tensor(
    key: str = "0",
    offset: object = 0,
    shape: object = (2, 3),
    strides: object = (3, 1),
    count: object = 6,
    storage: str = "FloatStorage",
    part: bytes = op(None),
) -> bytes:
    """Return the opcodes that push a tensor, as torch.save wrote them before 1.6; since then without part."""
    facts = op("storage") + f"ctorch\n{storage}\n".encode() + op(key) + op("cpu") + op(count) + part
    arguments = b"(" + facts + b"tQ" + op(offset) + op(shape) + op(strides) + op(False) + ORDERED_DICT
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def state(**tensors: bytes) -> bytes:
    return ORDERED_DICT + b"(" + b"".join(op(key) + code for key, code in tensors.items()) + b"u"


def weights_file(body: bytes, keys: object = ("0",), *storages: np.ndarray) -> bytes:
    """Write a file around the opcodes of its state dict."""
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, 1001, {"little_endian": True}))
    raw = [struct.pack("<q", array.size) + array.tobytes() for array in storages or (NUMBERS,)]
    listed = list(keys) if isinstance(keys, tuple) else keys
    return head + b"\x80\x02" + body + b"." + pickle.dumps(listed, 2) + b"".join(raw)


def zip_tensor(**facts: object) -> bytes:
    return tensor(**facts, part=b"")  # type: ignore[arg-type]


def parameter(code: bytes) -> bytes:
    return b"ctorch._utils\n_rebuild_parameter\n(" + code + op(True) + ORDERED_DICT + b"tR"


ZIPPED = {"data.pkl": b"\x80\x02" + state(w=zip_tensor()) + b".", "data/0": NUMBERS.tobytes()}


def zip_file(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED, folder: str = "net/") -> bytes:
    """Write an archive as torch.save does since 1.6."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(folder + name, content)
    return file.getvalue()


def zipped(code: bytes, *storages: np.ndarray, **further: bytes) -> bytes:
    """Write an archive around the opcodes of its state dict."""
    raw = {f"data/{i}": array.tobytes() for i, array in enumerate(storages or (NUMBERS,))}
    return zip_file({"data.pkl": b"\x80\x02" + code + b".", **raw, **further, "version": b"3\n"})


def write_pth(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    codes = {}
    for i, (key, array) in enumerate(tensors.items()):
        strides = tuple(step // array.itemsize for step in array.strides)
        codes[key] = tensor(str(i), 0, array.shape, strides, array.size)
    path.write_bytes(weights_file(state(**codes), tuple(map(str, range(len(codes)))), *tensors.values()))
    return path


STORAGES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "BoolStorage": "?",
}


def refusal(content: bytes) -> str:
    with pytest.raises(FvcliError) as caught:
        read_tensors(content, "w.pth")
    text = str(caught.value)
    assert text.startswith("w.pth: not a readable PyTorch weights file (")
    assert "\n" not in text
    return text
