"""What a file is by its content, and what can be done with one that is no model."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fvcli.errors import UsageError
from fvcli.models.files.file_kinds import HDF5
from fvcli.models.files.model_format import format_of, what_is
from fvcli.models.files.network_as_weights import refuse_network
from fvcli.models.files.ways_out import KINDS, WAYS_OUT

GRAPH = b"\x0a\x1b\x0a\x05image\x12\x0bPlaceholder" + bytes(9)  # the beginning of a GraphDef


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
        ("m.txt", b'{"class_name": "Sequential"}', "json"),
        ("m.h5", GRAPH, "graph"),
        ("m.keras", GRAPH, "graph"),
        ("m.bin", GRAPH, "graph"),
        ("m.pb", HDF5, "hdf5"),
        ("m.pb", b"\x0a\xfe" + bytes(20), "graph"),  # damaged, of which its reader says more
    ],
)
def test_format(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert format_of(written(tmp_path, name, content)) == expected


def test_format_of_archives_and_folders(tmp_path: Path) -> None:
    assert format_of(zipped(tmp_path, "m.model", "config.json")) == "keras"
    assert format_of(zipped(tmp_path, "m.h5", "config.json")) == "keras"
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
        (
            "saved_model.pb",
            b"\x08\x01\x12\x03",
            "the saved_model.pb .*: give the folder that it is in, with variables/ beside",
        ),
        ("m.pb", b"\x08\x01\x12\x03", "the saved_model.pb .*: it needs the folder that it was in"),
        ("m.prototxt", b"layer {}", "a Caffe file, .*inceptionv1"),
        ("m", b"\x08\x07\x12\x07pytorch" + bytes(9), "an ONNX model, .*-i .*m -o .*m-saved-model"),
        ("m.keras", b"\x08\x07\x3a\x10" + bytes(9), "an ONNX model"),
        ("m", b"\x08\x04\x12\x20\x0a\x1e" + bytes(9), "a Core ML model"),
        ("m", b"\x0a\x09GoogleNet\xa2\x06\x10" + bytes(9), "a Caffe file, .*caffe2onnx"),
        ("m.txt", b'# c\nname: "AlexNet"\ninput: "data"\n', "a Caffe file"),
        ("m", b"\x0a\xff\x05\x08\x00\x10\xff\xff" + bytes(9), "a PaddlePaddle model, .*--model_filename m "),
        ("m", bytes(16) + b"\x0a\0\0\0\x08\x05\x10" + bytes(9), "PaddlePaddle weights, .*paddle2onnx"),
        ("m.keras", b"\0\0\0\0\x02\0\0\0\0\0\0\0" + bytes(range(99)), "a Darknet weights file"),
        ("m.cfg", b"# a comment\n[net]\nbatch=1\n", "a Darknet network"),
        ("m", b"\x12\x01" + bytes(18), "an MXNet weights file, .*export_model"),
        ("m.json", b'{\n "nodes": [\n {\n "op": "null"', "an MXNet network, .*export_model"),
        ("m.json", b'{"format": "layers-model", "modelTopology": {', "a TensorFlow.js model, .*layers_model"),
        ("m.json", b'{"format": "graph-model", "modelTopology": {', "a TensorFlow.js graph, .*tfjs_graph"),
        ("group1-shard1of2.bin", b"\xfe\x9a\0\1", "a shard of TensorFlow.js weights, .*/model.json my.h5"),
        ("m.gguf", b"GGUF\x03\0\0\0", "a GGUF file"),
        ("m.xml", b'<?xml version="1.0"?>\n<net name="m">', "an OpenVINO model, .*openvino2tensorflow"),
        ("m.engine", b"ftrt" + bytes(9), "a TensorRT engine"),
        ("m.joblib", b"\x78\x9c" + bytes(9), "a packed pickle of joblib"),
        ("m.pte", b"\x10\0\0\0ET12" + bytes(9), "an ExecuTorch program"),
        ("m.ipynb", b'{"cells": [], "nbformat": 4}', "a notebook"),
        (
            "m.pbtxt",
            b'node {\n  name: "x"\n}\n',
            r"a TensorFlow graph as text, .*python -c .*/m-new.pb'",
        ),
        ("checkpoint", b'model_checkpoint_path: "m"\n', "the list of a TensorFlow checkpoint"),
        ("m.index", b"\0\0\x0d\x08", "a TensorFlow checkpoint, .*load_weights\\('/.*/m'\\)"),
        ("m.data-00000-of-00001", b"\xfe\x9a\0", "a TensorFlow checkpoint, .*load_weights\\('/.*/m'\\)"),
        (
            "m.ckpt.meta",
            b"\x0a\xfe\0",
            r"the graph of a TensorFlow checkpoint, .*restore\(.*/m.ckpt'",
        ),
        ("m.h5", b"PK\x03\x04" + bytes(60), "a damaged zip archive, .*it ends too early"),
        (
            "m.h5.gz",
            gzip.compress(HDF5, mtime=0),
            r"a gzip file \(an HDF5 file is in it\), .*gunzip -k .*m.h5.gz",
        ),
        ("m.h5.xz", lzma.compress(HDF5), r"an xz file \(an HDF5 file is in it\), .*unxz -k"),
        ("m.h5.bz2", bz2.compress(HDF5), r"a bzip2 file \(an HDF5 file is in it\), .*bunzip2 -k"),
        (
            "m.tgz",
            gzip.compress(bytes(257) + b"ustar" + bytes(99), mtime=0),
            "a packed tar.*: tar -xf .*m.tgz -C /",
        ),
        ("m.tar", bytes(257) + b"ustar" + bytes(99), "a tar archive, .*: tar -xf"),
    ],
)
def test_refusal(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(UsageError, match=words) as caught:
        format_of(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_path_in_a_command_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    path = written(tmp_path, "it's a FILE.onnx", b"\x08\x07\x12\x07pytorch" + bytes(9))
    with pytest.raises(UsageError) as caught:
        format_of(path)
    command = str(caught.value.hint).removeprefix("convert it with ").partition(", and")[0]
    stem = str(path.with_suffix(""))
    assert shlex.split(command) == ["onnx2tf", "-i", str(path), "-o", f"{stem}-saved-model"]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("archive/data.pkl", "a PyTorch file, .*torch.onnx.export"),
        ("archive/constants.pkl", r"a TorchScript file, .*torch.jit.load\('/.*/m.zip'\)"),
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


def test_folders_that_are_something_else(tmp_path: Path) -> None:
    unpacked = tmp_path / "my model"
    unpacked.mkdir()
    for name in ("config.json", "metadata.json", "model.weights.h5"):
        (unpacked / name).write_text("{}")
    with pytest.raises(UsageError, match=r"an unpacked \.keras file") as caught:
        format_of(unpacked)
    command = str(caught.value.hint).removeprefix("pack it again: ").partition(", and")[0]
    _, *words = shlex.split(command)
    assert subprocess.run([sys.executable, *words], check=False).returncode == 0
    assert format_of(tmp_path / "my model.keras") == "keras"

    checkpoint = tmp_path / "training"
    checkpoint.mkdir()
    (checkpoint / "cp-0010.ckpt.index").touch()
    with pytest.raises(UsageError, match=r"a TensorFlow checkpoint, .*load_weights\('.*/cp-0010.ckpt'\)"):
        format_of(checkpoint)
    with pytest.raises(UsageError, match=r"no such file: .*/cp-0010.ckpt.index is a TensorFlow check"):
        format_of(checkpoint / "cp-0010.ckpt")
    (checkpoint / "cp-0010.ckpt.meta").touch()
    with pytest.raises(UsageError, match=r"import_meta_graph\('.*/cp-0010.ckpt.meta'\)"):
        format_of(checkpoint)

    web = tmp_path / "web"
    web.mkdir()
    (web / "model.json").touch()
    (web / "group1-shard1of1.bin").touch()
    with pytest.raises(UsageError, match=r"a folder of TensorFlow.js: .*=keras .*/model.json .*/model.h5"):
        format_of(web)


def test_a_folder_of_several_models_lists_them(tmp_path: Path) -> None:
    for name in ("b.keras", "a.h5"):
        (tmp_path / name).touch()
    (tmp_path / "sm").mkdir()
    (tmp_path / "sm" / "saved_model.pb").touch()
    with pytest.raises(UsageError, match=r"give one of the 3 models in it: .*/a.h5, .*/b.keras, .*/sm$"):
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


# ---- in the place of weights


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "m.pth",
            b"version https://git-lfs.github.com/spec/v1",
            "a Git LFS .*: fetch the file: cd /.* && git",
        ),
        (
            "m.pth.gz",
            gzip.compress(b"x", mtime=0),
            "a gzip file, but weights of net are .*: gunzip",
        ),
        (
            "m.pth",
            b"\x08\x07\x12\x07pytorch" + bytes(9),
            "an ONNX model, but .*: give a .pth",
        ),
        ("m.pth", HDF5, r"a Keras model \(HDF5\), but .*--set model=/.*/m.pth"),
    ],
)
def test_what_has_no_weights_of_a_network(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        refuse_network(written(tmp_path, name, content), "net", "a .pth file")


def test_what_may_have_weights_is_left_to_its_reader(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04" + bytes(60), pickle.dumps({}, 2), b"<html>"):
        refuse_network(written(tmp_path, "m.pth", content), "net", "a .pth file")
    refuse_network(tmp_path / "nothing.pth", "net", "a .pth file")
