"""Weights of Caffe: written byte by byte here, so that the reader is held against the wire format."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files.caffe_file import read_blobs
from tests.helpers.caffe_bytes import (
    EIGHT_BYTES,
    FOUR_BYTES,
    blob,
    field,
    layer,
    network,
    numbers,
    old_blob,
    old_layer,
    varint,
)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


WEIGHTS = {
    "conv1": ("Convolution", [drawn(8, 3, 5, 7), drawn(8)]),
    "conv1/one": ("Convolution", [drawn(1, 1, 3, 2), drawn(1)]),
    "up": ("Deconvolution", [drawn(1, 1, 4, 4)]),
    "fc": ("InnerProduct", [drawn(10, 24), drawn(10)]),
    "fc/one": ("InnerProduct", [drawn(1, 6), drawn(1)]),
}
ONE = layer("fc", "InnerProduct", blob(drawn(2, 3)))


def refusal(content: bytes) -> str:
    with pytest.raises(FvcliError) as caught:
        read_blobs(content, "w.caffemodel")
    text = str(caught.value)
    assert text.startswith("w.caffemodel: not a readable Caffe weights file (")
    assert len(text.splitlines()) == 1
    return text


# ---- what is right


@pytest.mark.parametrize(
    ("write_layer", "write_blob"),
    [(layer, blob), (layer, old_blob), (old_layer, old_blob), (old_layer, blob)],
)
def test_both_forms_of_layers_and_shapes(write_layer, write_blob) -> None:
    layers = [write_layer(name, kind, *map(write_blob, arrays)) for name, (kind, arrays) in WEIGHTS.items()]
    found = read_blobs(network(write_layer("relu", "ReLU"), *layers), "w.caffemodel")
    assert list(found) == list(WEIGHTS)
    for name, (_, arrays) in WEIGHTS.items():
        assert [array.shape for array in found[name]] == [array.shape for array in arrays]
        for array, expected in zip(found[name], arrays, strict=True):
            assert array.dtype == np.float32
            assert array.tobytes() == expected.tobytes()
            assert array.flags.writeable


def test_both_forms_in_one_file() -> None:
    old = old_layer("a", "Convolution", old_blob(drawn(1, 1, 1, 3)))
    assert list(read_blobs(network(old, ONE), "w.caffemodel")) == ["a", "fc"]


def test_double_numbers() -> None:
    doubles = np.array([[1 / 3, 1e300], [-0.0, 5]])
    content = field(7, field(1, b"\x02\x02")) + numbers(doubles, 8)
    (found,) = read_blobs(network(layer("fc", "InnerProduct", content)), "w.caffemodel")["fc"]
    assert found.dtype == np.float32
    assert found.tolist() == [[np.float32(1 / 3), np.inf], [0, 5]]


def test_lists_that_are_not_packed() -> None:
    """A reader of protobuf has to take a list in any number of parts, packed or one by one."""
    one_by_one = b"".join(varint(5 << 3 | FOUR_BYTES) + struct.pack("<f", n) for n in (1, 2))
    shape = field(7, field(1, 2) + field(1, b"\x02"))
    content = one_by_one + shape + numbers(np.array([3, 4], np.float32))
    (found,) = read_blobs(network(layer("fc", "InnerProduct", content)), "w.caffemodel")["fc"]
    assert found.tolist() == [[1, 2], [3, 4]]


def test_fields_that_nobody_knows() -> None:
    unknown = varint(5000 << 3 | EIGHT_BYTES) + bytes(8) + varint(5001 << 3 | FOUR_BYTES) + bytes(4)
    assert list(read_blobs(unknown + network(ONE) + unknown, "w.caffemodel")) == ["fc"]


def test_numbers_that_are_not_finite_are_kept() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1e-40], np.float32)
    (found,) = read_blobs(network(layer("a", "Scale", blob(odd))), "w.caffemodel")["a"]
    assert found.tobytes() == odd.tobytes()


def test_scalar_and_empty_blobs() -> None:
    scalar, empty = np.float32(3).reshape(()), np.zeros((0, 3), np.float32)
    found = read_blobs(network(layer("a", "BatchNorm", blob(scalar), blob(empty))), "w.caffemodel")["a"]
    assert [array.shape for array in found] == [(), (0, 3)]


def test_large_file_is_read_in_seconds() -> None:
    large = drawn(7_000_000)
    content = network(layer("fc", "InnerProduct", blob(large, (1000, 7000))))
    started = time.monotonic()
    (found,) = read_blobs(content, "w.caffemodel")["fc"]
    assert time.monotonic() - started < 10
    np.testing.assert_array_equal(found, large.reshape(1000, 7000))


# ---- what is damaged, or something else


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data.pkl", b"")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (zipped(), "it is a zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
        (pickle.dumps({}, 2), "it is a pickle"),
        (b"\x1f\x8b\x08" + bytes(20), "it is a gzip archive"),
        (b'name: "Caf\xc3\xa9"\nlayer {\r\n\tname: "conv1"\n}\n' * 99, "it is text"),
        (b"<!DOCTYPE html>\n<html>", "it is text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is cut short or damaged"),
        (bytes(100), "it is cut short or damaged"),
        (b"\xff" * 100, "it is cut short or damaged"),
        (network(), "it holds 0 layers"),
        (blob(drawn(3)), "it holds 0 layers"),
        (network(layer("relu", "ReLU")), "its layers hold no weights"),
        (network(field(2, field(1, b"\x0a\x01a"))), "it is in Caffe's oldest form"),
        (network(*[ONE] * 10_001), "it holds 10001 layers"),
        (network(layer("a", "ReLU", *[b""] * 101)), "layer a has 101 blobs"),
        (network(ONE, ONE), "two of its layers are called fc"),
        (network(layer("\x1b[31m\n", "ReLU", blob(drawn(3), (4,)))), "blob 0 of layer ?[31m? has 3 numbers"),
        (network(field(100, field(1, b"\xff\xfe") + field(7, blob(drawn(3))))), "it is cut short or damaged"),
        (network(layer("a", "ReLU", field(5, b"12345"))), "it is cut short or damaged"),
    ],
)
def test_not_weights_of_caffe(content: bytes, reason: str) -> None:
    assert reason in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        blob(drawn(6), (2, 4)),
        blob(drawn(6), (2, 2)),
        blob(drawn(6), ()),
        blob(drawn(6), (-2, -3)),
        blob(drawn(6), (1 << 32, 1 << 32)),
        blob(drawn(0), (0, 1 << 62, 1 << 62)),
        blob(drawn(0), (2, 3)),
        blob(drawn(1), (1,) * 100),
        blob(drawn(1), ((1 << 63) - 1,) * 100_000),
        old_blob(drawn(6)) + field(4, 7),
        old_blob(drawn(6)) + field(4, -6) + field(3, -1),
        b"",
        numbers(drawn(6)),
        field(7, field(1, b"\x06")) + numbers(drawn(6), 9),
    ],
)
def test_numbers_that_do_not_fill_their_shape(content: bytes) -> None:
    refusal(network(layer("fc", "InnerProduct", content)))


def test_file_cut_anywhere() -> None:
    """Between two layers a cut leaves a whole file; anywhere else it is seen."""
    parts = [ONE, old_layer("a", "Convolution", old_blob(drawn(2, 2, 1, 1)), old_blob(drawn(2)))]
    whole = network(*parts)
    borders = {len(whole) - len(parts[1]): ["fc"], len(whole): ["a", "fc"]}
    for end in range(len(whole) + 1):
        if end in borders:
            assert sorted(read_blobs(whole[:end], "w.caffemodel")) == borders[end]
        else:
            refusal(whole[:end])


def test_flipped_bytes() -> None:
    """Random damage gives arrays or FvcliError: no other error."""
    layers = [layer(name, kind, *map(blob, arrays)) for name, (kind, arrays) in WEIGHTS.items()]
    whole, draw = network(*layers), random.Random(0)
    refusals = []
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 1, 2, 8))):
            damaged[draw.randrange(draw.choice((60, len(whole))))] = draw.randrange(256)
        with contextlib.suppress(FvcliError):
            read_blobs(bytes(damaged), "w.caffemodel")
            continue
        refusals.append(bytes(damaged))
    assert 300 < len(refusals) < 2700
    for content in refusals:
        refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        field(2, b"") * 1_000_000,
        field(100, field(7, b"") * 1_000_000),
        network(layer("a", "ReLU", field(7, field(1, bytes(2_000_000))))),
        b"\x13" * 1_000_000,
    ],
    ids=["layers", "blobs", "axes", "groups"],
)
def test_small_file_takes_little_memory(content: bytes) -> None:
    """A message takes more memory than its two bytes, yet not out of all proportion."""
    code = """
import resource, sys
from fvcli.models.files.caffe_file import read_blobs, _network_type
_network_type()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_blobs(sys.stdin.buffer.read(), "w.caffemodel")
except Exception as error:
    print(type(error).__name__, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, check=True, timeout=60
    )
    name, more_kib = done.stdout.decode().split()
    assert name == "FvcliError"
    assert int(more_kib) < 200_000


def test_memory_of_a_large_file() -> None:
    content = network(layer("fc", "InnerProduct", blob(drawn(1_000_000))))
    tracemalloc.start()
    try:
        read_blobs(content, "w.caffemodel")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * len(content)
