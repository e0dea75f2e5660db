"""Keras files: what Keras writes passes; foreign, damaged and hostile archives are refused in one line."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files import keras_file
from fvcli.models.files.keras_file import check_architecture, check_h5, check_keras_archive, check_weights
from tests.helpers.keras_archives import CONFIG, WEIGHTS, Check, members_of, refusal, write_archive

MODELS = ("bn_googlenet_abm.keras", "squeezenet_v10_dc.keras")
FLIPS = {"m.keras": 200, "m.json": 200, "m.h5": 8, "m.weights.h5": 8}  # places where a byte is flipped


def outcome(check: Check, path: Path) -> str:
    """Return the message of a refusal, or nothing if the file passes."""
    try:
        check(path)
    except FvcliError as error:
        return str(error)
    return ""


# What Keras writes


def test_what_keras_writes_passes(saved: Path) -> None:
    assert check_keras_archive(saved / "m.keras")["class_name"] == "Functional"
    assert check_h5(saved / "m.h5")["class_name"] == "Sequential"
    assert check_h5(saved / "m.weights.h5") is None
    assert check_architecture(saved / "m.json")["config"]["layers"]


def test_what_is_for_training_is_not_looked_at(saved: Path) -> None:
    """The model's loss is a function of its own."""
    assert "own_loss" in members_of(saved / "m.keras")[CONFIG].decode()
    assert "compile_config" not in check_keras_archive(saved / "m.keras")
    assert "compile_config" not in check_architecture(saved / "m.json")


@pytest.mark.parametrize("name", MODELS)
def test_real_models_pass(name: str, data_dir: Path) -> None:
    config = check_keras_archive(data_dir / "models" / name)
    weights = check_weights(data_dir / "models" / name).by_path
    kinds = [layer["class_name"] for layer in config["config"]["layers"]]
    assert len(weights) == 2 * sum(kind in {"Conv2D", "Dense"} for kind in kinds)


def test_a_packed_archive_with_assets_passes(saved: Path, tmp_path: Path) -> None:
    members = members_of(saved / "m.keras") | {"assets/": b"", "assets/layers/x/vocabulary.txt": b"a\nb\n"}
    assert check_keras_archive(write_archive(tmp_path / "m.keras", members, zipfile.ZIP_DEFLATED))


def test_weights_are_found_alike_wherever_they_are(saved: Path) -> None:
    weights = check_weights(saved / "m.keras")
    assert weights == check_weights(saved / "m.weights.h5")
    assert weights.by_path["layers/conv2d/vars/0"] == (3, 3, 3, 4)
    assert check_weights(saved / "m.h5").by_layer == [("conv", [(3, 3, 3, 4), (4,)])]


# Files of other kinds


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return content.getvalue()


FOREIGN = {
    "an empty file": b"",
    "a Python pickle": pickle.dumps({"weights": [1.0]}),
    "a PyTorch file": pickle.dumps(0x1950A86A20F9469CFC6C, 2),
    "an ONNX model": b"\x08\x07\x12\x07pytorch\x1a\x051.9.0",
    "the saved_model.pb": b"\x08\x01\x12\xa4\x01",
    "a TensorFlow Lite model": b"\x1c\0\0\0TFL3\x14\0\x20\0",
    "a safetensors file": (64).to_bytes(8, "little") + b'{"w":{}}',
    "a gzip file": gzip.compress(b"x"),
    "a text file": b"Weights\n",
    "a Caffe file": b"layer { name: 'conv1' }\n",
    "JSON text": b'{"class_name": "Functional"}',
    "a web page": b"<!DOCTYPE html><html>404</html>",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\n",
    "an unknown format": bytes(range(256)),
}
FOREIGN_ZIPS = {
    "a PyTorch file": zipped("archive/data.pkl", "archive/data/0"),
    "a zipped TensorFlow SavedModel": zipped("model/saved_model.pb"),
    "a NumPy .npz archive": zipped("arr_0.npy"),
    "without config.json": zipped("metadata.json", WEIGHTS),
    "without model.weights.h5": zipped("metadata.json", CONFIG),
}


@pytest.mark.parametrize("check", [check_keras_archive, check_h5, check_weights])
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_called_what_it_looks_like(kind: str, check: Check, tmp_path: Path) -> None:
    path = tmp_path / ("m.h5" if check is check_h5 else "m.keras")
    path.write_bytes(FOREIGN[kind])
    assert kind in refusal(check, path)


@pytest.mark.parametrize("kind", FOREIGN_ZIPS)
def test_a_foreign_zip_is_called_what_it_holds(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(FOREIGN_ZIPS[kind])
    assert kind in refusal(check_keras_archive, path)


def test_each_is_told_from_the_other(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes((saved / "m.h5").read_bytes())
    (tmp_path / "m.h5").write_bytes((saved / "m.keras").read_bytes())
    assert "a Keras model (HDF5), not a zip archive" in refusal(check_keras_archive, tmp_path / "m.keras")
    assert "a Keras model, not an HDF5 file" in refusal(check_h5, tmp_path / "m.h5")
    assert "a Keras model (HDF5), not a JSON file" in refusal(check_architecture, tmp_path / "m.keras")


@pytest.mark.parametrize("check", [check_keras_archive, check_h5, check_weights, check_architecture])
def test_no_file(check: Check, tmp_path: Path) -> None:
    assert "No such file" in refusal(check, tmp_path / "m.keras")
    (tmp_path / "folder").mkdir()
    assert "a folder" in refusal(check, tmp_path / "folder")
    (tmp_path / "folder" / "saved_model.pb").touch()
    assert "SavedModel" in refusal(check, tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refusal(check, tmp_path / "pipe")


def test_an_hdf5_file_of_something_else(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["table"] = np.ones(3)
    assert "neither a Keras model nor weights" in refusal(check_h5, tmp_path / "m.h5")


# Damage

FORMS = {
    "m.keras": check_keras_archive,
    "m.h5": check_h5,
    "m.weights.h5": check_h5,
    "m.json": check_architecture,
}


@pytest.mark.parametrize("kept", [1, 5, 40, 0.3, 0.5, 0.9, -1])
@pytest.mark.parametrize("name", FORMS)
def test_a_file_cut_short(name: str, kept: float, saved: Path, tmp_path: Path) -> None:
    content = (saved / name).read_bytes()
    cut = int(kept * len(content)) if isinstance(kept, float) else kept
    (tmp_path / name).write_bytes(content[:cut])
    assert refusal(FORMS[name], tmp_path / name)


@pytest.mark.parametrize("name", FORMS)
def test_flipped_bytes_pass_or_are_refused(name: str, saved: Path, tmp_path: Path) -> None:
    content = (saved / name).read_bytes()
    for place in range(0, len(content), len(content) // FLIPS[name]):
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        (tmp_path / name).write_bytes(flipped)
        assert outcome(FORMS[name], tmp_path / name).isprintable()


@pytest.mark.parametrize("name", [CONFIG, "metadata.json", WEIGHTS])
def test_a_flipped_byte_in_any_member_of_an_archive_is_found(name: str, saved: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved / "m.keras") as file:
        start = file.getinfo(name).header_offset + 30 + len(name)
    content = bytearray((saved / "m.keras").read_bytes())
    content[start + 40] ^= 1
    (tmp_path / "m.keras").write_bytes(content)
    assert f"Bad CRC-32 for file '{name}'" in refusal(check_keras_archive, tmp_path / "m.keras")


# Hostile archives


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../../tmp/x", "unpacked to another place"),
        ("assets/../../x", "unpacked to another place"),
        ("assets\\..\\..\\x", "unpacked to another place"),
        ("/etc/x", "unpacked to another place"),
        ("c:x", "unpacked to another place"),
        ("code.py", "is none of a Keras file's"),
        ("a\nb", r"'a\nb' is none of a Keras file's"),
    ],
)
def test_members_of_no_keras_file(name: str, words: str, saved: Path, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", members_of(saved / "m.keras") | {name: b"x"})
    assert words in refusal(check_keras_archive, path)


def test_a_link_in_an_archive(saved: Path, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", members_of(saved / "m.keras"))
    link = zipfile.ZipInfo("assets/x")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    assert "'assets/x' is a symbolic link" in refusal(check_keras_archive, path)


def test_two_members_of_one_name(saved: Path, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", members_of(saved / "m.keras"))
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(CONFIG, "{}")
    assert "one name" in refusal(check_keras_archive, path)


def test_another_packing(saved: Path, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", members_of(saved / "m.keras"), zipfile.ZIP_BZIP2)
    assert "packed as Keras never does" in refusal(check_keras_archive, path)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "metadata.json"])
def test_a_bomb_in_one_member(name: str, saved: Path, tmp_path: Path) -> None:
    members = members_of(saved / "m.keras") | {name: bytes(20 * 2**20)}
    path = write_archive(tmp_path / "m.keras", members, zipfile.ZIP_DEFLATED)
    assert f"bytes of '{name}' would unpack to 20,971,520" in refusal(check_keras_archive, path)


def test_a_bomb_in_many_members(saved: Path, tmp_path: Path) -> None:
    members = {f"assets/{n}": bytes(10 * 2**20) for n in range(2)} | members_of(saved / "m.keras")
    path = write_archive(tmp_path / "m.keras", members, zipfile.ZIP_DEFLATED)
    assert "it would unpack to 21," in refusal(check_keras_archive, path)


def test_a_member_that_holds_more_than_it_declares(saved: Path, tmp_path: Path) -> None:
    members = members_of(saved / "m.keras") | {WEIGHTS: bytes(2**20)}
    path = write_archive(tmp_path / "m.keras", members, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace((2**20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "Bad CRC-32" in refusal(check_keras_archive, path)


def test_too_long_a_description(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_file, "MAX_CONFIG_BYTES", 100)
    assert "larger than 100 bytes" in refusal(check_keras_archive, saved / "m.keras")
    assert "larger than 100 bytes" in refusal(check_architecture, saved / "m.json")


# Hostile descriptions


def layer(class_name: Any, module: str | None = "keras.layers", **settings: Any) -> dict[str, Any]:
    config = {"name": "bad", **settings}
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


# Hostile HDF5


def empty(file: h5py.File) -> None:
    file["layers/x"] = h5py.Empty("f4")


def test_folders_in_the_place_of_weights_say_what_to_give(tmp_path: Path) -> None:
    for name in (CONFIG, "metadata.json", WEIGHTS):
        (tmp_path / name).touch()
    assert f"an unpacked .keras file: give the weights in it: {tmp_path / WEIGHTS}" in refusal(
        check_weights, tmp_path
    )
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "cp.ckpt.index").touch()
    for given in ("training", "training/cp.ckpt"):
        assert f"model.load_weights('{tmp_path}/training/cp.ckpt')" in refusal(
            check_weights, tmp_path / given
        )
