"""Say what a file is by its first bytes, for a message that it is not what was asked for."""

from __future__ import annotations

import re

HEAD_BYTES = 4096
HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
TORCH_MAGIC = (
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the pickled number that old torch.save began with
)
GRAPH, SAVED_MODEL_PB = "a TensorFlow graph", "the saved_model.pb of a TensorFlow SavedModel"
# Of two that fit, the longer is the more certain.
BEGINNINGS = {
    HDF5: "an HDF5 file",
    ZIP: "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    TORCH_MAGIC: "a PyTorch file",
    b"\x08\x01\x12": SAVED_MODEL_PB,
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a Git LFS pointer, not the file it stands for",
    b"GGUF": "a GGUF file",
    b"ftrt": "a TensorRT engine",
    b"\x12\x01" + bytes(14): "an MXNet weights file",
    b"\xa2\x06": "a Caffe file",  # field 100, a layer, of a network without a name
    b"7767517\n": "an ncnn model",
    **{bytes(4) + bytes([minor]) + bytes(7): "a Darknet weights file" for minor in (1, 2)},
}
TAR_AT, TAR = 257, b"ustar"
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
PADDLE_TENSOR = bytes(16)  # its version, level of detail, and version again
PROGRAM = b"\x08\x00\x10"  # a block's number 0, and the number of its parent
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<net ")
# What a text is by what stands in it, the more certain first.
TEXTS = {
    rb"\s*(#[^\n]*\s+)*node\s*\{": "a TensorFlow graph as text",
    rb"\s*(#[^\n]*\s+)*saved_model_schema_version:": "a TensorFlow SavedModel as text",
    rb"\s*model_checkpoint_path:": "the list of a TensorFlow checkpoint",
    rb"\s*([#;][^\n]*\s+)*\[net(work)?\]": "a Darknet network",
    rb"\s*(#[^\n]*\s+)*name:\s*\"[^\"]*\"\s+(input|layers?|force_backward|state)\b": "a Caffe file",
    rb"\s*(#[^\n]*\s+)*layers?\s*\{": "a Caffe file",
}
JSON_TEXTS = {
    rb"\"modelTopology\"": "a TensorFlow.js model",
    rb"\"weightsManifest\"": "a TensorFlow.js model",
    rb"\{\s*\"nodes\":\s*\[\s*\{\s*\"op\":": "an MXNet network",
    rb"\"nbformat\"|\"cells\":": "a notebook",
}


def kind_of(head: bytes) -> str:
    """Return what a file looks like, such as ``a PyTorch file``.

    Args:
        head: Its first ``HEAD_BYTES`` bytes.
    """
    if not head:
        return "an empty file"
    fits = [beginning for beginning in BEGINNINGS if head.startswith(beginning)]
    if fits:
        return BEGINNINGS[max(fits, key=len)]
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    if head[4:8] in {b"ET11", b"ET12", b"ET13"}:
        return "an ExecuTorch program"
    if head[TAR_AT:].startswith(TAR):
        return "a tar archive"
    if head[0] == 0x80 and head[1:2] <= b"\x05":
        return "a Python pickle"
    if head.startswith(ZLIB):
        return "a packed pickle of joblib"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    if (
        head.startswith(PADDLE_TENSOR)
        and int.from_bytes(head[16:20], "little") < 256
        and head[20:21] == b"\x08"
    ):
        return "PaddlePaddle weights"
    return _protobuf_kind(head) or _text_kind(head)


def _protobuf_kind(head: bytes) -> str | None:
    """Tell the formats of Protocol Buffers by their first field and what its content begins with."""
    if head[0] == 0x08:  # a version, and in field 2 who wrote it, or a description of the inputs
        second = re.match(rb"\x08[\x00-\x7f]([\x12\x3a])", head)
        if second is None:
            return "an ONNX model" if b"\x12" in head[2:16] else None
        inner = _content(head[2:])
        return "a Core ML model" if second[1] == b"\x12" and inner[:1] == b"\x0a" else "an ONNX model"
    if head[0] != 0x0A or len(head) < 2:
        return None
    inner = _content(head)
    if inner.startswith(PROGRAM):
        return "a PaddlePaddle model"
    if inner[:1] == b"\x0a" and re.match(rb"[A-Za-z0-9.][\w.\\/>-]*", _content(inner)):
        return GRAPH
    caffe = re.match(rb"\x0a([\x01-\x7f])", head)  # a name, then layers in field 2, 3 or 100
    behind = head[2 + caffe[1][0] :] if caffe else b""
    if behind.startswith((b"\x12", b"\x1a", b"\xa2\x06")) and inner[: caffe[1][0] if caffe else 0].isascii():
        return "a Caffe file"
    return None


def _content(field: bytes) -> bytes:
    """Return what follows the tag and the length of a field."""
    end = next((i for i in range(1, min(len(field), 11)) if field[i] < 0x80), 0)
    return field[end + 1 :]


def _text_kind(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    if b"\0" in head or not _is_text(head):
        return "a file of an unknown format"
    if start.startswith(MARKUP):
        return "an OpenVINO model" if re.search(rb"<net\s", head) else "a web page"
    if start[:1] in {b"{", b"["} and not start.startswith(b"[net"):
        known = (kind for pattern, kind in JSON_TEXTS.items() if re.search(pattern, head))
        return next(known, "JSON text")
    return next((kind for pattern, kind in TEXTS.items() if re.match(pattern, head)), "a text file")


def _is_text(head: bytes) -> bool:
    try:
        head[: HEAD_BYTES - 4].decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character cut through at the end
    return True
