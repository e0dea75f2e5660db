"""Say by its content how a model is written, or what else a file is and what can be done with it.

Names of files say little: an HDF5 file may be called ``.model``, and a PyTorch file ``.keras``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from fvcli.errors import UsageError, command
from fvcli.models.files.file_kinds import HDF5, HEAD_BYTES, ZIP, kind_of
from fvcli.models.files.graph_file import FIRST_BYTE, SAVED_MODEL

Format = Literal["keras", "hdf5", "json", "graph", "saved_model"]
KINDS = "a .keras, .h5, .json (with weights: a .h5), .pb or SavedModel folder"
MODEL_SUFFIXES = {".keras", ".h5", ".hdf5", ".pb", ".onnx", ".pt", ".pth", ".tflite", ".safetensors"}
SPEC_SUFFIXES = {".yaml", ".yml"}
CONFIG = "config.json"  # in a .keras file
PYTORCH, ONNX, CORE_ML, CAFFE = "a PyTorch file", "an ONNX model", "a Core ML model", "a Caffe file"
BY_SUFFIX = {
    ".mlmodel": CORE_ML,
    ".mlpackage": CORE_ML,
    ".caffemodel": CAFFE,
    ".prototxt": CAFFE,
    ".onnx": ONNX,
}
MADE_FROM = "give the Keras or TensorFlow model that it was made from"
LOAD_THEM = "load them into a Keras model and save that as .keras"
WAYS_OUT = {
    PYTORCH: "export it with torch.onnx.export, convert that with onnx2tf and give the folder; weights of a "
    "network that fvcli knows are named so: model: {name: efficientnet-lite0, weights: FILE}",
    ONNX: "convert it with onnx2tf -i FILE -o FOLDER, and give that folder",
    CORE_ML: MADE_FROM,
    CAFFE: "weights of GoogLeNet are named so: model: {name: inception_v1, weights: FILE}",
    "a TensorFlow Lite model": f"gradients cannot go through it; {MADE_FROM}",
    "a safetensors file": f"it has weights and no network; {LOAD_THEM}",
    "the saved_model.pb of a TensorFlow SavedModel": "it needs the folder that it was in; give that folder",
    "a zipped TensorFlow SavedModel": "unpack it, and give the folder that holds saved_model.pb",
    "a zip archive": "unpack it, and give the model that is in it",
    "a NumPy .npz archive": f"it has arrays and no network; {LOAD_THEM}",
    "a Python pickle": "a pickle can run code when it is read; save the model with model.save()",
    "a web page": "download the file again, because this is not what was meant",
    "a Git LFS pointer, not the file it stands for": "fetch the file with: git lfs pull",
    "an empty file": "copy or download it again",
    "a folder": f"give {KINDS}",
    "a picture": "model names a network; pictures are named by a job: pictures: FILE",
    "a spec": "write the model that it names",
}
FOREIGN_MEMBERS = {
    "data.pkl": PYTORCH,
    SAVED_MODEL: "a zipped TensorFlow SavedModel",
    ".npy": "a NumPy .npz archive",
}


def format_of(path: Path) -> Format:
    """Return how a model is written.

    Raises:
        UsageError: Nothing is there, or no model that fvcli reads; the hint says what can be done.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file", f"give {KINDS}")
    if path.is_dir():
        return _of_folder(path)
    head = _head(path)
    if head.startswith(HDF5):
        return "hdf5"
    if head.startswith(ZIP) and (path.suffix.lower() == ".keras" or CONFIG in _members(path)):
        return "keras"
    suffix = path.suffix.lower()
    if suffix == ".pb" or (not suffix and head.startswith(FIRST_BYTE)):
        is_text = kind_of(head) == "a text file"  # as a graph may be, and of that its reader says more
        if path.name == SAVED_MODEL or not (head.startswith(FIRST_BYTE) or is_text or not head):
            raise _refusal(path, head)
        return "graph"
    if suffix == ".json" and kind_of(head) in {"JSON text", "an empty file"}:
        return "json"
    raise _refusal(path, head)


def what_is(path: Path) -> str:
    """Say what a file or folder is, such as ``a PyTorch file`` or ``a Keras model``."""
    if path.is_dir():
        return "a TensorFlow SavedModel" if (path / SAVED_MODEL).exists() else "a folder"
    return _kind(path, _head(path))


def _kind(path: Path, head: bytes) -> str:
    kind = kind_of(head)
    if head.startswith(ZIP):
        names = _members(path)
        if CONFIG in names:
            return "a Keras model"
        found = (kind for end, kind in FOREIGN_MEMBERS.items() if any(name.endswith(end) for name in names))
        return next(found, kind)
    if head.startswith(HDF5):
        return "a Keras model (HDF5)"
    if kind.endswith("picture"):
        return "a picture"
    if path.suffix.lower() in BY_SUFFIX and head:
        return BY_SUFFIX[path.suffix.lower()]
    if kind == "a PyTorch file" or (kind == "a Python pickle" and path.suffix.lower() in {".pt", ".pth"}):
        return PYTORCH
    return "a spec" if kind == "a text file" and path.suffix.lower() in SPEC_SUFFIXES else kind


def way_out(path: Path, kind: str) -> str:
    """Say what can be done with a file that is no model for fvcli."""
    if path.name == SAVED_MODEL:
        return f"give the folder that it is in: {path.parent}"
    return WAYS_OUT.get(kind, f"give {KINDS}").replace("FILE", str(path))


def _refusal(path: Path, head: bytes) -> UsageError:
    kind = _kind(path, head)
    return UsageError(f"{path}: {kind}, which is no model that fvcli reads", way_out(path, kind))


def _of_folder(path: Path) -> Format:
    if (path / SAVED_MODEL).exists():
        return "saved_model"
    if path.suffix.lower() in BY_SUFFIX:
        kind = BY_SUFFIX[path.suffix.lower()]
        raise UsageError(f"{path}: {kind}, which is no model that fvcli reads", way_out(path, kind))
    if (path / "plan.json").exists():
        raise UsageError(f"{path}: a run of fvcli, no model", f"see: {command('status', path)}")
    above = next((folder for folder in path.absolute().parents[:2] if (folder / SAVED_MODEL).exists()), None)
    if above is not None:
        raise UsageError(f"{path}: a part of a SavedModel", f"give the folder above: {above}")
    models = sorted(p for p in path.iterdir() if p.suffix.lower() in MODEL_SUFFIXES)
    hint = f"give the model in it: {models[0]}" if models else f"give {KINDS}"
    raise UsageError(f"{path}: a folder, and no SavedModel: there is no {SAVED_MODEL} in it", hint)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(f"{path}: not a file", f"give {KINDS}")
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give the path of a model's file") from error
