"""Weights files: read the real one, and end every damaged or hostile one in a plain error."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.errors import FvcliError
from fvcli.models import torch_file, weights_in_use
from fvcli.models.torch_file import MAGIC, read_tensors

NUMBERS = np.arange(6, dtype="<f4")
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
MAX_BYTES = 100_000_000  # what a file of a few hundred bytes may make the reader take


def op(value: object) -> bytes:
    """Return the pickle opcodes that push a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def tensor(
    key: str = "0",
    offset: object = 0,
    shape: object = (2, 3),
    strides: object = (3, 1),
    count: object = 6,
    storage: str = "FloatStorage",
) -> bytes:
    """Return the opcodes that push a tensor, as torch.save wrote them before 1.6."""
    facts = op("storage") + f"ctorch\n{storage}\n".encode() + op(key) + op("cpu") + op(count) + op(None)
    arguments = b"(" + facts + b"tQ" + op(offset) + op(shape) + op(strides) + op(False) + ORDERED_DICT
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def state(**tensors: bytes) -> bytes:
    return ORDERED_DICT + b"(" + b"".join(op(key) + code for key, code in tensors.items()) + b"u"


def weights_file(body: bytes, keys: object = ("0",), *storages: np.ndarray) -> bytes:
    """Write a file around the opcodes of its state dict."""
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, 1001, {"little_endian": True}))
    raw = [struct.pack("<q", array.size) + array.tobytes() for array in storages or (NUMBERS,)]
    listed = list(keys) if isinstance(keys, tuple) else keys
    return head + b"\x80\x02" + body + b"." + pickle.dumps(listed, 2) + b"".join(raw)


def refusal(content: bytes) -> str:
    with pytest.raises(FvcliError) as caught:
        read_tensors(content, "w.pth")
    text = str(caught.value)
    assert text.startswith("w.pth: not a readable PyTorch weights file (")
    assert "\n" not in text
    return text


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


# ---- what is hostile


class _Payload:
    def __init__(self, *what: object) -> None:
        self.what = what

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.what[0], self.what[1:]


def by_global(folder: str) -> bytes:
    return b"cos\nmkdir\n(" + op(folder) + b"tR"


def by_stack_global(folder: str) -> bytes:
    return op("os") + op("mkdir") + b"\x93(" + op(folder) + b"tR"


def by_instance(folder: str) -> bytes:
    return b"(" + op(folder) + b"ios\nmkdir\n"


def by_object(folder: str) -> bytes:
    return b"(cos\nmkdir\n" + op(folder) + b"o"


def by_attribute(folder: str) -> bytes:
    return b"ccollections\nOrderedDict.__init__\n(" + op(folder) + b"tR"


@pytest.mark.parametrize("way", [by_global, by_stack_global, by_instance, by_object, by_attribute])
def test_forbidden_global_does_not_act(way, tmp_path: Path) -> None:
    folder = tmp_path / "hacked"
    assert "which is not allowed" in refusal(weights_file(way(str(folder))))
    assert not folder.exists()


@pytest.mark.parametrize("what", [(os.mkdir,), (eval, "1"), (exec, "1"), (getattr, "", "upper"), (print,)])
@pytest.mark.parametrize("protocol", range(6))
def test_pickled_call_does_not_act(what: tuple[object, ...], protocol: int, tmp_path: Path) -> None:
    arguments = (what[0], str(tmp_path / "hacked")) if len(what) == 1 else what
    assert "which is not allowed" in refusal(pickle.dumps(_Payload(*arguments), protocol))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("storage", ["HalfStorage", "load", "hub.load", "serialization.load"])
def test_other_names_of_torch(storage: str) -> None:
    assert "which is not allowed" in refusal(weights_file(state(w=tensor(storage=storage))))


def test_file_cannot_change_the_reader() -> None:
    """A pickle may set attributes of what it is given; what it is given must not be ours to keep."""
    change = op((None, {"__defaults__": (1, 2, 3), "__name__": "changed"}))
    try:
        refusal(weights_file(b"ctorch._utils\n_rebuild_tensor_v2\n" + change + b"b"))
        assert torch_file._rebuild_tensor.__name__ != "changed"
        assert torch_file._rebuild_tensor.__defaults__ is None
    finally:
        torch_file._rebuild_tensor.__name__ = "_rebuild_tensor"
        torch_file._rebuild_tensor.__defaults__ = None


def test_file_may_set_attributes_of_its_dictionary() -> None:
    """As state_dict does, with its _metadata."""
    code = state(w=tensor()) + op({"_metadata": {"": {"version": 1}}}) + b"b"
    assert list(read_tensors(weights_file(code), "w.pth")) == ["w"]


def test_file_cannot_change_numpy() -> None:
    state_of_dtype = op((3, ">", None, None, None, -1, -1, 63))
    refusal(weights_file(b"ctorch\nFloatStorage\n" + state_of_dtype + b"b"))
    assert np.dtype("f4").isnative
    assert np.dtype("f4").flags == 0


LARGE = tensor(shape=(1 << 17,), strides=(1,), count=1 << 17)
SHARING = {f"w{i}": LARGE for i in range(1000)}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(weights_file(op(1) + b"r" + struct.pack("<I", 1 << 25)), id="memo"),
        pytest.param(weights_file(state(w=tensor(shape=(1 << 27,), strides=(0,)))), id="strides"),
        pytest.param(weights_file(state(**SHARING), ("0",), np.zeros(1 << 17, "<f4")), id="sharing"),
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
    code = f"""
import os, random
from fvcli.errors import FvcliError
from fvcli.models.torch_file import read_tensors
os.chdir({str(tmp_path)!r})
draw = random.Random(0)
counts = dict(read=0, refused=0)
for path, head, rounds in (({str(small)!r}, 600, 2500), ({real!r}, 60_000, 60)):
    content = open(path, "rb").read()
    whole = content if head == 600 else content[:200_000]
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
    assert read + refused == 2560
    assert read > 50
    assert refused > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["small.pth"]
