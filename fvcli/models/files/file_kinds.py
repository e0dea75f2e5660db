"""Say what a file is by its first bytes, for a message that it is not what was asked for."""

from __future__ import annotations

HEAD_BYTES = 4096
HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
TORCH_MAGIC = (
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the pickled number that old torch.save began with
)
# Of two that fit, the longer is the more certain.
BEGINNINGS = {
    HDF5: "an HDF5 file",
    ZIP: "a zip archive",
    TORCH_MAGIC: "a PyTorch file",
    b"\x08\x01\x12": "the saved_model.pb of a TensorFlow SavedModel",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a Git LFS pointer, not the file it stands for",
}
MARKUP = (b"<!doctype", b"<html", b"<?xml")


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
    if head[0] == 0x80 and head[1:2] <= b"\x05":
        return "a Python pickle"
    if head[0] == 0x08 and b"\x12" in head[2:16]:  # field 1 is a version, field 2 who wrote it
        return "an ONNX model"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    return _text_kind(head)


def _text_kind(head: bytes) -> str:
    start = head.lstrip()[:16].lower()
    if b"\0" in head or not _is_text(head):
        return "a file of an unknown format"
    if start.startswith(MARKUP):
        return "a web page"
    return "JSON text" if start[:1] in {b"{", b"["} else "a text file"


def _is_text(head: bytes) -> bool:
    try:
        head[: HEAD_BYTES - 4].decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character cut through at the end
    return True
