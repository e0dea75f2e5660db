"""What a file is by its content, and what can be done with one that is no model."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from fvcli.errors import UsageError
from fvcli.models.files.file_kinds import HDF5
from fvcli.models.files.model_format import KINDS, WAYS_OUT, format_of, what_is


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(folder: Path, name: str, *members: str) -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return folder / name


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("m.h5", HDF5, "hdf5"),
        ("m.model", HDF5, "hdf5"),
        ("m", HDF5, "hdf5"),
        ("m.keras", HDF5, "hdf5"),
        ("m.pb", b"\x0a\x03", "graph"),
        ("m", b"\x0a\x03", "graph"),
        ("m.json", b"{}", "json"),
    ],
)
def test_format(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert format_of(written(tmp_path, name, content)) == expected


def test_format_of_archives_and_folders(tmp_path: Path) -> None:
    assert format_of(zipped(tmp_path, "m.model", "config.json")) == "keras"
    assert format_of(zipped(tmp_path, "m.keras", "anything")) == "keras"  # whose check says more
    (tmp_path / "saved_model.pb").touch()
    assert format_of(tmp_path) == "saved_model"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.pt", pickle.dumps({}, 2), "a PyTorch file, which is no model that fvcli reads: export it"),
        (
            "m.onnx",
            b"\x08\x07\x12\x07pytorch" + bytes(9),
            "an ONNX model, .*: convert it with onnx2tf -i .*m.onnx",
        ),
        (
            "m.mlmodel",
            b"\x08\x04\x12\x20" + bytes(9),
            "a Core ML model, .*: give the Keras or TensorFlow model",
        ),
        (
            "m.tflite",
            b"\x1c\0\0\0TFL3" + bytes(9),
            "a TensorFlow Lite model, .*: gradients cannot go through",
        ),
        ("m.safetensors", (9).to_bytes(8, "little") + b"{}", "a safetensors file, .*: it has weights and no"),
        ("m.pkl", pickle.dumps({}), "a Python pickle, .*: a pickle can run code"),
        ("cat.keras", b"\x89PNG\r\n", "a picture, .*pictures are named by a job: pictures: .*cat.keras"),
        ("m.keras", b"", "an empty file, .*: copy or download it again"),
        ("m.h5", b"<!doctype html>", "a web page, .*: download the file again"),
        ("m.h5", b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer.*git lfs pull"),
        ("spec.yaml", b"model: x\njobs: []\n", "a spec, .*: write the model that it names"),
        ("m.txt", b"hello", "a text file, .*: give a .keras"),
        ("saved_model.pb", b"\x08\x01\x12\x03", "the saved_model.pb .*: give the folder that it is in: /"),
        ("m.pb", b"\x08\x01\x12\x03", "the saved_model.pb .*: it needs the folder that it was in"),
        ("m.prototxt", b"layer {}", "a Caffe file, .*inception_v1"),
    ],
)
def test_refusal(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(UsageError, match=words) as caught:
        format_of(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("archive/data.pkl", "a PyTorch file"),
        ("sm/saved_model.pb", "a zipped TensorFlow SavedModel, .*: unpack it"),
        ("a.npy", "a NumPy .npz archive"),
        ("a.txt", "a zip archive, .*: unpack it"),
    ],
)
def test_refusal_of_archives(tmp_path: Path, member: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        format_of(zipped(tmp_path, "m.zip", member))


def test_refusal_of_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a folder, and no SavedModel: .*: give a .keras"):
        format_of(tmp_path)
    written(tmp_path, "m.keras", b"x")
    with pytest.raises(UsageError, match=r"give the model in it: .*m.keras"):
        format_of(tmp_path)
    (tmp_path / "sm" / "variables").mkdir(parents=True)
    (tmp_path / "sm" / "saved_model.pb").touch()
    with pytest.raises(UsageError, match=r"a part of a SavedModel: give the folder above: .*sm$"):
        format_of(tmp_path / "sm" / "variables")
    (tmp_path / "plan.json").touch()
    with pytest.raises(UsageError, match=r"a run of fvcli, no model: see: fvcli status"):
        format_of(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no such file"):
        format_of(tmp_path / "no.keras")


def test_ways_out_are_sentences_for_a_line() -> None:
    assert all("\n" not in way and not way.endswith(".") for way in [*WAYS_OUT.values(), KINDS])


def test_what_is(tmp_path: Path) -> None:
    assert what_is(written(tmp_path, "a", HDF5)) == "a Keras model (HDF5)"
    assert what_is(zipped(tmp_path, "b", "config.json")) == "a Keras model"
    assert what_is(tmp_path) == "a folder"
