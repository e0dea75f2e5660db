"""Archives of Keras taken apart and put together again, and how a reader refuses them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files.keras_hdf5 import Contents, Hdf5Error, look_into

CONFIG = "config.json"


WEIGHTS = "model.weights.h5"


LONGEST = 500  # characters of a message


Check = Callable[[Path], Any]


def members_of(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def write_archive(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refusal(check: Check, path: Path) -> str:
    """Return the message of a file's refusal, which is one line, and names the file."""
    with pytest.raises(FvcliError) as caught:
        check(path)
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith(f"{path}: ")
    assert len(text) < LONGEST + len(str(path))
    return text


def look_here(file: Any, what: str) -> Contents:
    """Look into an HDF5 file in this process, which is faster."""
    try:
        return look_into(file, os.fstat(file.fileno()).st_size)
    except Hdf5Error as problem:
        raise FvcliError(f"{what}: {problem.sentence}", problem.hint) from problem


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(y_true - y_pred)
