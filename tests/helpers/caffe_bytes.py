"""Weights files of Caffe, written byte by byte, so that readers are held against the wire format."""

from __future__ import annotations

import struct

import numpy as np

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
V1_TYPES = {"Convolution": 4, "InnerProduct": 14, "ReLU": 18, "Deconvolution": 39}


def varint(number: int) -> bytes:
    """Return seven bits a byte, lowest first; negative numbers as 64 bits."""
    number %= 1 << 64
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3 | VARINT) + varint(content)
    return varint(number << 3 | LENGTH) + varint(len(content)) + content


def numbers(array: np.ndarray, number: int = 5) -> bytes:
    return field(number, np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())


def blob(array: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """Return a BlobProto with a BlobShape."""
    dims = b"".join(varint(n) for n in (array.shape if shape is None else shape))
    return field(7, field(1, dims)) + numbers(array)


def old_blob(array: np.ndarray) -> bytes:
    """Return a BlobProto with the four axes of old, and with its gradients."""
    axes = (1, 1, 1, 1, *array.shape)[-4:]
    return b"".join(field(i, n) for i, n in enumerate(axes, 1)) + numbers(array) + numbers(array * 0, 6)


def layer(name: str, kind: str, *blobs: bytes) -> bytes:
    """Return a LayerParameter as a field of the network, with fields that are not read."""
    parts = [field(1, name.encode()), field(2, kind.encode()), field(3, b"data"), field(4, name.encode())]
    return field(100, b"".join(parts + [field(7, b) for b in blobs]) + field(106, field(1, 64)))


def old_layer(name: str, kind: str, *blobs: bytes) -> bytes:
    """Return a V1LayerParameter as a field of the network."""
    parts = [field(2, b"data"), field(3, name.encode()), field(4, name.encode()), field(5, V1_TYPES[kind])]
    return field(2, b"".join(parts + [field(6, b) for b in blobs]) + field(7, struct.pack("<f", 1.0)))


def network(*layers: bytes) -> bytes:
    return field(1, b"net") + field(3, b"data") + b"".join(layers)
