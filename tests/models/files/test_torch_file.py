"""Weights files of PyTorch: read the real one, and refuse every damaged one in a plain error."""

from __future__ import annotations

import copy
import io
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.errors import FvcliError
from fvcli.models import weights_in_use
from fvcli.models.files.torch_file import MAGIC, read_tensors
from tests.helpers.torch_bytes import (
    NUMBERS,
    STORAGES,
    ZIPPED,
    op,
    parameter,
    refusal,
    state,
    tensor,
    weights_file,
    zip_file,
    zip_tensor,
    zipped,
)

MAX_BYTES = 100_000_000  # what a file of a few hundred bytes may make the reader take


@pytest.fixture(scope="module")
def real() -> bytes:
    return Path(str(weights_in_use()["efficientnet-lite0"])).read_bytes()


# ---- what is right


def test_real_file(real: bytes) -> None:
    tensors = read_tensors(real, "w.pth")
    assert len(tensors) == 296
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert tensors["_bn0.num_batches_tracked"].dtype == np.int64
    assert "_blocks.0._expand_conv.weight" not in tensors
    floats = [array for array in tensors.values() if array.dtype == np.float32]
    assert len(floats) + sum(key.endswith("num_batches_tracked") for key in tensors) == 296
    assert all(np.isfinite(array).all() for array in floats)
    assert all((array >= 0).all() for key, array in tensors.items() if key.endswith("running_var"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (tensor(), [[0, 1, 2], [3, 4, 5]]),
        (tensor(shape=(3, 2), strides=(1, 3)), [[0, 3], [1, 4], [2, 5]]),
        (tensor(shape=(2,), strides=(2,), offset=1), [1, 3]),
        (tensor(shape=(2, 2), strides=(0, 5)), [[0, 5], [0, 5]]),
        (tensor(shape=(), strides=(), offset=5), 5),
        (tensor(shape=(0, 3)), np.zeros((0, 3))),
    ],
)
def test_shape_and_strides(code: bytes, expected: object) -> None:
    array = read_tensors(weights_file(state(w=code)), "w.pth")["w"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, expected)


def test_arrays_are_writable_copies() -> None:
    both = read_tensors(weights_file(state(a=tensor(), b=tensor())), "w.pth")
    both["a"][0, 0] = 9
    assert both["b"][0, 0] == 0


def test_storages_in_another_order() -> None:
    code = state(a=tensor(), b=tensor(key="1", shape=(2,), strides=(1,), count=2, storage="LongStorage"))
    integers = np.array([7, 8], "<i8")
    found = read_tensors(weights_file(code, ("1", "0"), integers, NUMBERS), "w.pth")
    assert found["b"].tolist() == [7, 8]
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("storage", STORAGES)
def test_types_of_numbers(storage: str) -> None:
    numbers = np.random.default_rng(0).normal(0, 9, 6).astype(STORAGES[storage])
    old = weights_file(state(w=tensor(storage=storage)), ("0",), numbers)
    for content in (old, zipped(state(w=zip_tensor(storage=storage)), numbers)):
        found = read_tensors(content, "w.pth")["w"]
        assert found.dtype == numbers.dtype
        np.testing.assert_array_equal(found, numbers.reshape(2, 3))


def test_truth_values_are_0_and_1() -> None:
    odd = np.array([0, 1, 2, 255, 0, 128], np.uint8)
    found = read_tensors(zipped(state(w=zip_tensor(storage="BoolStorage")), odd), "w.pth")["w"]
    assert found.view(np.uint8).tolist() == [[0, 1, 1], [1, 0, 1]]


def test_zip_file() -> None:
    integers = np.array([7, 8], "<i8")
    one = zip_tensor(key="1", shape=(2,), strides=(1,), count=2, storage="LongStorage")
    code = state(one=one, whole=zip_tensor(), turned=zip_tensor(shape=(3, 2), strides=(1, 3)))
    found = read_tensors(zipped(code, NUMBERS, integers, byteorder=b"little"), "w.pth")
    assert list(found) == ["one", "whole", "turned"]
    assert found["one"].tolist() == [7, 8]
    assert found["turned"].tolist() == found["whole"].T.tolist() == [[0, 3], [1, 4], [2, 5]]
    found["whole"][0, 0] = 9
    assert found["turned"][0, 0] == 0


@pytest.mark.parametrize("folder", ["archive/", "a.b c/", "\N{SNOWMAN}/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_written_by_another_program(folder: str, compression: int) -> None:
    found = read_tensors(zip_file(ZIPPED, compression, folder), "w.pth")
    np.testing.assert_array_equal(found["w"], NUMBERS.reshape(2, 3))


def test_parameters_and_the_oldest_tensors() -> None:
    oldest = tensor().replace(b"_rebuild_tensor_v2", b"_rebuild_tensor")
    found = read_tensors(weights_file(state(a=parameter(tensor()), b=oldest)), "w.pth")
    assert found["a"].tolist() == found["b"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_checkpoint(key: str) -> None:
    """A checkpoint holds other tensors and facts beside its state dict."""
    optimizer = state(momentum=zip_tensor(key="1", count=2, shape=(2,), strides=(1,)))
    code = state(epoch=op(3), **{key: state(w=zip_tensor())}, optimizer=optimizer)
    assert list(read_tensors(zipped(code, NUMBERS, NUMBERS[:2]), "w.pth")) == ["w"]
    code = code.replace(op("cpu") + op(6), op("cpu") + op(6) + op(None))
    old = weights_file(
        code.replace(op("cpu") + op(2), op("cpu") + op(2) + op(None)), ("1", "0"), NUMBERS[:2], NUMBERS
    )
    assert read_tensors(old, "w.pth")["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


# ---- what is damaged


@pytest.mark.parametrize("share", [0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 2e-3, 0.01, 0.1, 0.5, 0.9, 0.999999])
def test_real_file_cut_short(real: bytes, share: float) -> None:
    assert "it ends too early" in refusal(real[: int(len(real) * share)])


def test_real_file_without_its_last_byte(real: bytes) -> None:
    assert "it ends too early" in refusal(real[:-1])


def test_small_file_cut_anywhere() -> None:
    whole = weights_file(state(a=tensor(), b=tensor()))
    read_tensors(whole, "w.pth")
    for end in range(len(whole)):
        refusal(whole[:end])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it ends too early"),
        (b"PK\x03\x04" + b"x" * 100, ""),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, ""),
        (b"<html>", ""),
        (pickle.dumps({"a": 1}), "the magic number is missing"),
        (pickle.dumps(MAGIC) + pickle.dumps(1002), "unknown protocol version"),
        (weights_file(op([1, 2])), "it holds no dictionary of tensors"),
        (weights_file(state()), "it holds no tensors by name"),
        (weights_file(state(w=tensor(part=op(("1", 0, 6))))), "it stores an unknown kind of object"),
        (weights_file(state(w=tensor(), v=tensor(count=5))), "it describes the same numbers in two ways"),
        (weights_file(state(w=parameter(op(1)))), "a parameter is no tensor"),
        (weights_file(state(w=tensor(count=7))), "it ends too early"),
        (weights_file(state(w=tensor(key="1"))), ""),
        (weights_file(state(w=tensor()), ()), ""),
        (weights_file(state(w=tensor()), 3), ""),
        (weights_file(state(w=tensor()), ([],)), ""),
        (weights_file(state(w=tensor(count="6"), v=tensor(count=-6))), ""),
    ],
)
def test_not_a_weights_file(content: bytes, reason: str) -> None:
    assert reason in refusal(content)


@pytest.mark.parametrize(
    "facts",
    [
        {"offset": 1},
        {"offset": -1},
        {"offset": 1 << 70},
        {"shape": (3, 3)},
        {"shape": (2, 4)},
        {"shape": (1 << 40, 1 << 40), "strides": (0, 0)},
        {"shape": (-1, 3)},
        {"strides": (3, 2)},
        {"strides": (-3, 1)},
        {"strides": (1 << 62, 1 << 62)},
        {"shape": (6,)},
        {"shape": (2.5, 3)},
        {"shape": None},
    ],
)
def test_tensor_outside_its_data(facts: dict[str, object]) -> None:
    refusal(weights_file(state(w=tensor(**facts))))  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.integers(-2, 8), st.lists(st.tuples(st.integers(-1, 4), st.integers(-2, 6)), max_size=3))
def test_any_view_stays_within_the_data(offset: int, dimensions: list[tuple[int, int]]) -> None:
    """Every element that is read is one of the six numbers, at the place that torch would read."""
    shape, strides = tuple(n for n, _ in dimensions), tuple(s for _, s in dimensions)
    try:
        found = read_tensors(weights_file(state(w=tensor("0", offset, shape, strides))), "w.pth")["w"]
    except FvcliError:
        return
    assert found.shape == shape
    for place in np.ndindex(*shape):
        assert found[place] == offset + sum(i * stride for i, stride in zip(place, strides, strict=True))


CODE = ZIPPED["data.pkl"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "it is a zip archive, but not one of torch.save"),
        ({"config.json": b"{}", "model.weights.h5": b""}, "it is a zip archive, but not one of torch.save"),
        ({"deep/data.pkl": CODE}, "it is a zip archive, but not one of torch.save"),
        ({**ZIPPED, "constants.pkl": b""}, "it is a TorchScript archive"),
        ({**ZIPPED, "code/__torch__/net.py": b""}, "it is a TorchScript archive"),
        ({**ZIPPED, "byteorder": b"big"}, "its numbers are big-endian"),
        ({"data.pkl": CODE}, "it has no member data/0"),
        ({**ZIPPED, "data/0": b"1234"}, "the size of its data does not fit its tensors"),
        ({**ZIPPED, "data/0": bytes(28)}, "the size of its data does not fit its tensors"),
        ({**ZIPPED, "data.pkl": CODE[:-9]}, "it ends too early"),
        ({**ZIPPED, "data.pkl": b""}, "it ends too early"),
        ({**ZIPPED, "data.pkl": b"."}, ""),
        ({**ZIPPED, "data.pkl": pickle.dumps({})}, "it holds no tensors by name"),
        ({**ZIPPED, "../w": b""}, "a path that leads out of the archive"),
        ({**ZIPPED, "a\\..\\w": b""}, "a path that leads out of the archive"),
    ],
)
def test_not_a_zip_of_tensors(members: dict[str, bytes], reason: str) -> None:
    assert reason in refusal(zip_file(members or {"": b""}))


@pytest.mark.parametrize("folder", ["/net/", "../", "C:\\net/", "\\net/", "net/../net/"])
def test_zip_that_leads_elsewhere(folder: str) -> None:
    assert "a path that leads out of the archive" in refusal(zip_file(ZIPPED, folder=folder))


def test_zip_cut_anywhere() -> None:
    whole = zipped(state(a=zip_tensor(), b=zip_tensor()))
    for end in range(4, len(whole)):
        assert "it ends too early" in refusal(whole[:end])


def test_zip_with_wrong_numbers() -> None:
    content = zipped(state(w=zip_tensor()))
    damaged = content.replace(NUMBERS.tobytes(), NUMBERS[::-1].tobytes())
    assert "Bad CRC-32 for file 'net/data/0'" in refusal(damaged)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_with_two_members_of_one_name() -> None:
    file = io.BytesIO(zipped(state(w=zip_tensor())))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("net/data/0", bytes(24))
    assert "two of its members have the same name" in refusal(file.getvalue())


# ---- what is hostile


LARGE = tensor(shape=(1 << 17,), strides=(1,), count=1 << 17)
SHARING = {f"w{i}": LARGE for i in range(1000)}
ZEROS = bytes(200_000_000)


def claiming(content: bytes, size: int, claimed: int) -> bytes:
    """Return an archive whose headers give another size for the member of that size."""
    return content.replace(struct.pack("<I", size), struct.pack("<I", claimed))


def overlapping() -> bytes:
    """Return an archive whose directory lists the same 100 kB a thousand times."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data/0000", bytes(100_000))
        only = archive.infolist()[0]
        for i in range(1, 1000):
            archive.filelist.append(copy.copy(only))
            archive.filelist[i].filename = f"net/data/{i:04}"
    return file.getvalue()


@pytest.fixture(params=["packed", "lying", "bzip2", "stored", "overlapping"])
def bomb(request: pytest.FixtureRequest) -> bytes:
    """Return an archive of at most 200 kB that says or does hold far more."""
    if request.param == "overlapping":
        return overlapping()
    if request.param == "stored":
        return claiming(zip_file({**ZIPPED, "data/0": bytes(100_001)}), 100_001, 1 << 30)
    compression = zipfile.ZIP_BZIP2 if request.param == "bzip2" else zipfile.ZIP_DEFLATED
    content = zip_file({**ZIPPED, "data/0": ZEROS}, compression)
    return claiming(content, len(ZEROS), 24) if request.param == "lying" else content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(weights_file(op(1) + b"r" + struct.pack("<I", 1 << 25)), id="memo"),
        pytest.param(weights_file(state(w=tensor(shape=(1 << 27,), strides=(0,)))), id="strides"),
        pytest.param(weights_file(state(**SHARING), ("0",), np.zeros(1 << 17, "<f4")), id="sharing"),
        pytest.param(weights_file(b"(" + b"]" * 4_000_000), id="opcodes"),
        pytest.param(weights_file(b"\x95" + struct.pack("<Q", 1 << 29) + b"x"), id="frame"),
        pytest.param(weights_file(b"\x8e" + struct.pack("<Q", 1 << 29) + b"x"), id="bytes"),
        pytest.param(weights_file(b"\x96" + struct.pack("<Q", 1 << 29) + b"x"), id="bytearray"),
    ],
)
def test_small_file_takes_little_memory(content: bytes) -> None:
    tracemalloc.start()
    try:
        read_tensors(content, "w.pth")
    except FvcliError:
        pass
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < MAX_BYTES


def test_zip_bomb(bomb: bytes) -> None:
    assert len(bomb) < 210_000
    tracemalloc.start()
    try:
        refusal(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3_000_000


def run_limited(code: str) -> str:
    """Run code in a process of its own that may take 2 GB, and return what it prints."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_flipped_bytes(tmp_path: Path) -> None:
    """Random damage gives arrays or FvcliError: no other error, no crash, no new file."""
    small, real = tmp_path / "small.pth", str(weights_in_use()["efficientnet-lite0"])
    small.write_bytes(weights_file(state(a=tensor(), b=tensor(shape=(3, 2), strides=(1, 3)))))
    archive = tmp_path / "zip.pth"
    archive.write_bytes(zipped(state(a=zip_tensor(), b=zip_tensor(shape=(3, 2), strides=(1, 3)))))
    code = f"""
import os, random
from fvcli.errors import FvcliError
from fvcli.models.files.torch_file import read_tensors
os.chdir({str(tmp_path)!r})
draw = random.Random(0)
counts = dict(read=0, refused=0)
files = (({str(small)!r}, 600, 2500), ({str(archive)!r}, 900, 2500), ({real!r}, 60_000, 60))
for path, head, rounds in files:
    content = open(path, "rb").read()
    whole = content if head < 1000 else content[:200_000]
    for _ in range(rounds):
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 1, 2, 8))):
            damaged[draw.randrange(min(head, len(damaged)))] = draw.randrange(256)
        try:
            read_tensors(bytes(damaged), "w.pth")
            counts["read"] += 1
        except FvcliError as error:
            assert len(str(error).splitlines()) == 1, str(error)
            counts["refused"] += 1
print(counts["read"], counts["refused"])
"""
    read, refused = map(int, run_limited(code).split())
    assert read + refused == 5060
    assert read > 50
    assert refused > 1000
    assert {path.name for path in tmp_path.iterdir()} == {"small.pth", "zip.pth"}
