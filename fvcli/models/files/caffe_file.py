"""Read the weights of a Caffe network (a .caffemodel) without Caffe.

The file is one binary protobuf message, NetParameter, whose layers are under `layer`, or under `layers` in
older files; only the fields that carry weights are declared here, and the rest is skipped. Nothing marks the
end of the file: one that was cut between two layers is a whole file of fewer layers, and whoever knows the
network has to miss them.
"""

from __future__ import annotations

import codecs
import functools
import math
from typing import Any

import numpy as np

from fvcli.errors import FvcliError
from fvcli.models.files.protobuf_types import Field, message_type, numbers_of, why_unreadable

MAX_LAYERS = 10_000  # an empty layer is two bytes of the file and some hundred of memory
MAX_BLOBS = 100
MAX_AXES = 32
AXES = ("num", "channels", "height", "width")
TEXT_BYTES = 1024
CONTROL_BYTES = {*range(32)} - set(b"\t\n\f\r")
INNER_PRODUCT = {"InnerProduct", 14}
HINT = "give the unchanged .caffemodel file that Caffe wrote of the trained network"
OTHER_KINDS = (
    (b"PK", "a zip archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80", "a pickle, as PyTorch writes them"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
)

MESSAGES = {
    "BlobShape": [Field("dim", 1, "INT64", True)],
    "BlobProto": [
        *(Field(axis, number, "INT32") for number, axis in enumerate(AXES, 1)),
        Field("data", 5, "FLOAT", True),
        Field("shape", 7, "BlobShape"),
        Field("double_data", 8, "DOUBLE", True),
    ],
    "V1LayerParameter": [
        Field("layer", 1, "BYTES"),
        Field("name", 4, "BYTES"),
        Field("type", 5, "INT32"),
        Field("blobs", 6, "BlobProto", True),
    ],
    "LayerParameter": [
        Field("name", 1, "BYTES"),
        Field("type", 2, "STRING"),
        Field("blobs", 7, "BlobProto", True),
    ],
    "NetParameter": [
        Field("layers", 2, "V1LayerParameter", True),
        Field("layer", 100, "LayerParameter", True),
    ],
}


def read_blobs(data: bytes, name: str) -> dict[str, list[np.ndarray]]:
    """Return the blobs of each layer that has any, by layer name, as float32 in Caffe's layout.

    Convolution weights are [out, in / groups, height, width], those of an inner product [out, in], and
    biases [out].

    Args:
        data: The whole file.
        name: What to call the file in messages.

    Raises:
        FvcliError: The file is something else, is damaged, or holds no weights.
    """
    try:
        _refuse_other_kinds(data)
        return _read(data)
    except Exception as error:  # whatever a broken message raises, the file is what is wrong
        reason = why_unreadable(error)
        raise FvcliError(f"{name}: not a readable Caffe weights file ({reason})", HINT) from error


def _refuse_other_kinds(data: bytes) -> None:
    for start, kind in OTHER_KINDS:
        if data.startswith(start):
            raise ValueError(f"it is {kind}")
    head = data[:TEXT_BYTES]
    if not head.strip():
        raise ValueError("it is empty")
    if CONTROL_BYTES.isdisjoint(head) and codecs.getincrementaldecoder("utf-8")().decode(head):
        raise ValueError("it is text, perhaps the .prototxt that goes with the weights")


def _read(data: bytes) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = {}
    for layer in _layers(data):
        name = layer.name.decode()
        if layer.blobs and name in found:
            raise ValueError(f"two of its layers are called {name}")
        if layer.blobs:
            found[name] = _arrays(layer, name)
    if not found:
        raise ValueError("its layers hold no weights")
    return found


def _layers(data: bytes) -> list[Any]:
    network = _network_type().FromString(data)
    count = len(network.layers) + len(network.layer)
    if not 0 < count <= MAX_LAYERS:
        raise ValueError(f"it holds {count} layers")
    if any(layer.HasField("layer") for layer in network.layers):
        raise ValueError("it is in Caffe's oldest form; convert it with Caffe's upgrade_net_proto_binary")
    return [*network.layers, *network.layer]


def _arrays(layer: Any, name: str) -> list[np.ndarray]:
    if len(layer.blobs) > MAX_BLOBS:
        raise ValueError(f"layer {name} has {len(layer.blobs)} blobs")
    arrays = []
    for index, blob in enumerate(layer.blobs):
        shape = _shape(blob, index, layer.type)
        values = numbers_of(blob.double_data or blob.data, np.float32)
        if len(shape) > MAX_AXES or min(shape, default=0) < 0 or math.prod(shape) != values.size:
            written = f"{values.size} numbers, its shape is {shape[:MAX_AXES]}"
            raise ValueError(f"blob {index} of layer {name} has {written}")
        arrays.append(values.reshape(shape))
    return arrays


def _shape(blob: Any, index: int, layer_type: str | int) -> tuple[int, ...]:
    if blob.HasField("shape") or not any(map(blob.HasField, AXES)):
        return tuple(blob.shape.dim)
    shape = (blob.num, blob.channels, blob.height, blob.width)  # older files give all blobs four axes
    if index > 0 and shape[:3] == (1, 1, 1):
        return shape[3:]
    if layer_type in INNER_PRODUCT and shape[:2] == (1, 1):
        return shape[2:]
    return shape


@functools.cache
def _network_type() -> Any:
    return message_type("fvcli.caffe", MESSAGES, "NetParameter")
