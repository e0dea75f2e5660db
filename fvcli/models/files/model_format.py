"""Say by its content how a model is written, or what else a file or folder is.

Names of files say little: an HDF5 file may be called ``.model``, and a PyTorch file ``.keras``.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
from pathlib import Path
from typing import IO, Any, Literal

from fvcli.errors import UsageError
from fvcli.models.files.file_kinds import GRAPH, HDF5, HEAD_BYTES, ZIP, kind_of
from fvcli.models.files.folder_kinds import kind_of_folder, refuse_folder
from fvcli.models.files.graph_file import FIRST_BYTE, SAVED_MODEL
from fvcli.models.files.ways_out import (
    CAFFE,
    CHECKPOINT,
    CORE_ML,
    KINDS,
    ONNX,
    PYTORCH,
    TORCHSCRIPT,
    way_out,
)

Format = Literal["keras", "hdf5", "json", "graph", "saved_model"]
MODEL_SUFFIXES = {".keras", ".h5", ".hdf5", ".pb", ".onnx", ".pt", ".pth", ".tflite", ".safetensors"}
SPEC_SUFFIXES = {".yaml", ".yml"}
CONFIG = "config.json"  # in a .keras file
BY_SUFFIX = {
    ".mlmodel": CORE_ML,
    ".mlpackage": CORE_ML,
    ".caffemodel": CAFFE,
    ".prototxt": CAFFE,
    ".onnx": ONNX,
    ".pdmodel": "a PaddlePaddle model",
    ".pdiparams": "PaddlePaddle weights",
    ".meta": "the graph of a TensorFlow checkpoint",
}
# Of files whose first bytes are those of numbers.
BY_NAME = {
    r"\.index$|\.data-\d+-of-\d+$": CHECKPOINT,
    r"^group\d+-shard\d+of\d+(\.bin)?$": "a shard of TensorFlow.js weights",
}
UNKNOWN = {"a file of an unknown format", GRAPH}
TORCH_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin"}
FOREIGN_MEMBERS = {  # of zip archives, by what a member's name ends with
    "constants.pkl": TORCHSCRIPT,
    "data.pkl": PYTORCH,
    SAVED_MODEL: "a zipped TensorFlow SavedModel",
    ".npy": "a NumPy .npz archive",
}
PACKINGS: dict[str, Any] = {"a gzip file": gzip.open, "a bzip2 file": bz2.open, "an xz file": lzma.open}


def format_of(path: Path) -> Format:
    """Return how a model is written.

    Raises:
        UsageError: Nothing is there, or no model that fvcli reads; the hint says what can be done.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file", meant_checkpoint(path) or f"give {KINDS}")
    if path.is_dir():
        if kind_of_folder(path) == "a TensorFlow SavedModel":
            return "saved_model"
        raise refuse_folder(path, MODEL_SUFFIXES)
    head = _head(path)
    if head.startswith(HDF5):
        return "hdf5"
    if head.startswith(ZIP) and (path.suffix.lower() == ".keras" or CONFIG in (_members(path) or ())):
        return "keras"
    kind, suffix = _kind(path, head), path.suffix.lower()
    if _is_graph(path, head, kind):
        return "graph"
    is_json = kind in {"JSON text", "an empty file"} if suffix == ".json" else kind == "JSON text"
    if is_json and (suffix == ".json" or b'"class_name"' in head):
        return "json"
    raise _refusal(path, kind)


def _is_graph(path: Path, head: bytes, kind: str) -> bool:
    """Tell whether a file is a graph, or one that its reader says more about."""
    if path.name == SAVED_MODEL:
        return False
    if kind == GRAPH:
        return True
    suffix = path.suffix.lower()
    unknown = kind in {"a file of an unknown format", "a text file"}
    if suffix == ".pb":
        return (head.startswith(FIRST_BYTE) and unknown) or kind in {"a text file", "an empty file"}
    return not suffix and head.startswith(FIRST_BYTE) and unknown


def meant_checkpoint(path: Path) -> str:
    """Say what to do with a checkpoint of which the name was given, which is only the beginning of names."""
    found = sorted(path.parent.glob(f"{path.name}.index")) if path.parent.is_dir() and path.name else []
    return f"{found[0]} is {CHECKPOINT}: {way_out(found[0], CHECKPOINT)}" if found else ""


def what_is(path: Path) -> str:
    """Say what a file or folder is, such as ``a PyTorch file`` or ``a Keras model``."""
    return kind_of_folder(path) if path.is_dir() else _kind(path, _head(path))


def _kind(path: Path, head: bytes) -> str:
    kind, suffix = kind_of(head), path.suffix.lower()
    if head.startswith(ZIP):
        return _kind_of_archive(path)
    if head.startswith(HDF5):
        return "a Keras model (HDF5)"
    if kind.endswith("picture"):
        return "a picture"
    if kind in UNKNOWN | {"a text file", ONNX} and suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if kind in {"a Python pickle", "a file of an unknown format"} and suffix in TORCH_SUFFIXES - {".bin"}:
        return PYTORCH
    if kind in UNKNOWN | {"an empty file"} and head:
        named = (found for pattern, found in BY_NAME.items() if re.search(pattern, path.name))
        return next(named, kind)
    if kind == "a TensorFlow.js model" and re.search(rb'"format":\s*"graph-model"', head):
        return "a TensorFlow.js graph"
    if kind in PACKINGS:
        return "a packed tar archive" if kind_of(_unpacked_head(path, kind)) == "a tar archive" else kind
    return "a spec" if kind == "a text file" and suffix in SPEC_SUFFIXES else kind


def _kind_of_archive(path: Path) -> str:
    names = _members(path)
    if names is None:
        return "a damaged zip archive"
    if CONFIG in names:
        return "a Keras model"
    found = (kind for end, kind in FOREIGN_MEMBERS.items() if any(name.endswith(end) for name in names))
    return next(found, "a zip archive")


def _refusal(path: Path, kind: str) -> UsageError:
    inside = _inside(path, kind)
    return UsageError(f"{path}: {kind}{inside}, which is no model that fvcli reads", way_out(path, kind))


def _inside(path: Path, kind: str) -> str:
    """Say what a packed file is, in brackets."""
    head = _unpacked_head(path, kind) if kind in PACKINGS else b""
    return f" ({kind_of(head)} is in it)" if head else ""


def _unpacked_head(path: Path, kind: str) -> bytes:
    try:
        with PACKINGS[kind](path, "rb") as file:
            return bytes(_first(file))
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return b""


def _first(file: IO[bytes]) -> bytes:
    return file.read(HEAD_BYTES)


def _members(path: Path) -> list[str] | None:
    """Return the names in a zip archive, or None if it has no list of them: that is at the end."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(f"{path}: not a file", f"give {KINDS}")
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give the path of a model's file") from error
