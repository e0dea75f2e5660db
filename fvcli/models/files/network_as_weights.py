"""Refuse what can have no weights of a named network: a whole network, a packed file, another format."""

from __future__ import annotations

from pathlib import Path

from fvcli.errors import UsageError
from fvcli.models.files.graph_file import SAVED_MODEL
from fvcli.models.files.model_format import what_is
from fvcli.models.files.ways_out import CHECKPOINT, COPIES, ONNX, UNPACKED, way_out

KERAS, KERAS_HDF5 = "a Keras model", "a Keras model (HDF5)"
FOLDER = "a TensorFlow SavedModel"
FOLDERS_FILE = f"the {SAVED_MODEL} of {FOLDER}"
READERS_SAY_MORE = {"a damaged zip archive", "an empty file", "a zip archive", "a web page"}
FOREIGN = {
    *(ONNX, CHECKPOINT, UNPACKED, "a folder", "a TensorFlow Lite model", "a safetensors file"),
    *("a NumPy .npz archive", "a TensorFlow.js model", "a folder of TensorFlow.js"),
}


def refuse_network(path: Path, name: str, wanted: str) -> None:
    """Raise a UsageError if something can have no weights, or is a network that can be named as the model.

    Args:
        path: What a spec gives as weights.
        name: The network that a spec names.
        wanted: The kind of file that has weights of that network, such as ``a .pth file``.
    """
    kind = what_is(path) if path.exists() else ""
    if kind in COPIES and kind not in READERS_SAY_MORE:
        raise UsageError(f"{path}: {kind}, but weights of {name} are {wanted}", way_out(path, kind))
    if kind in FOREIGN:
        raise UsageError(f"{path}: {kind}, but weights of {name} are {wanted}", f"give {wanted}")
    if kind not in {KERAS, KERAS_HDF5, FOLDER, FOLDERS_FILE}:
        return
    network = path.parent if kind == FOLDERS_FILE else path
    hint = f"name it as the model, without weights: --set model={_as_model(network)}"
    if kind == KERAS_HDF5:
        hint = f"if the file has the network as well, {hint}; else load it in Keras and save the whole model"
    raise UsageError(f"{path}: {kind}, but weights of {name} are {wanted}", hint)


def _as_model(path: Path) -> str:
    """Write a path so that a spec does not take it for the name of a network."""
    return str(path) if path.suffix or len(path.parts) > 1 else f"./{path}"
