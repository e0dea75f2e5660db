"""Keras files: the real ones pass, and every damaged, foreign or hostile one ends in a plain error."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import json
import marshal
import os
import pickle
import stat
import types
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files import hdf5_subprocess, keras_file, keras_hdf5
from fvcli.models.files.keras_config import KERAS_FUNCTIONS
from fvcli.models.files.keras_file import check_architecture, check_h5, check_keras_archive, check_weights
from fvcli.models.files.keras_hdf5 import Contents, Hdf5Error, look_into

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MODELS = ("bn_googlenet_abm.keras", "squeezenet_v10_dc.keras")
LONGEST = 500  # characters of a message
FLIPS = {"m.keras": 200, "m.json": 200, "m.h5": 8, "m.weights.h5": 8}  # places where a byte is flipped

Check = Callable[[Path], Any]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one small network in every form that Keras writes."""
    folder = tmp_path_factory.mktemp("saved")
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", activation=keras.activations.relu)(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten()(x * 2.0)
    model = keras.Model(image, keras.layers.Dense(2, name="top", kernel_regularizer="l2")(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.compile("adam", loss=own_loss, metrics=["accuracy"])
        model.save(folder / "m.keras")
        keras.Sequential([image, keras.layers.Conv2D(4, 3, name="conv")]).save(folder / "m.h5")
        model.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(model.to_json())
    return folder


def look_here(file: Any, what: str) -> Contents:
    """Look into an HDF5 file in this process, which is faster."""
    try:
        return look_into(file, os.fstat(file.fileno()).st_size)
    except Hdf5Error as problem:
        raise FvcliError(f"{what}: {problem.sentence}", problem.hint) from problem


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look into HDF5 files in this process."""
    monkeypatch.setattr(keras_file, "look_in_subprocess", look_here)


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(y_true - y_pred)


def members_of(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def write_archive(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refusal(check: Check, path: Path) -> str:
    """Return the message of a file's refusal, which is one line, and names the file."""
    with pytest.raises(FvcliError) as caught:
        check(path)
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith(f"{path}: ")
    assert len(text) < LONGEST + len(str(path))
    return text


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


def test_the_functions_of_this_keras_are_known() -> None:
    modules = (keras.activations, keras.losses, keras.metrics)
    names = [f.__name__ for module in modules for f in vars(module).values() if is_function(f)]
    assert len(names) > 50
    assert not [name for name in names if not KERAS_FUNCTIONS.fullmatch(name)]


def is_function(item: object) -> bool:
    return isinstance(item, types.FunctionType) and item.__name__ not in {"get", "serialize", "deserialize"}


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
    "a text file": b"layer { name: 'conv1' }\n",
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


def test_the_wrong_ending_is_said(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes((saved / "m.h5").read_bytes())
    (tmp_path / "m.h5").write_bytes((saved / "m.keras").read_bytes())
    assert "name it .h5" in refusal(check_keras_archive, tmp_path / "m.keras")
    assert "name it .keras" in refusal(check_h5, tmp_path / "m.h5")
    assert "an HDF5 file, not a JSON file" in refusal(check_architecture, tmp_path / "m.keras")


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


def test_a_file_with_which_the_library_comes_to_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = "x" * 16
    content = bytearray((tmp_path / "m.h5").read_bytes())
    rest = content.index(b"GCOL") + 2 * 16 + 16  # behind the heading of the heap, and its one object
    content[rest + 8 : rest + 16] = bytes(8)  # the size of what is free
    (tmp_path / "m.h5").write_bytes(content)
    monkeypatch.setattr(hdf5_subprocess, "MAX_SECONDS", 1)
    assert "does not come to an end" in refusal(check_h5, tmp_path / "m.h5")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes on it (SIGSEGV)"),
        ("import h5py_is_not_there", "(ModuleNotFoundError: No module named 'h5py_is_not_there')"),
    ],
)
def test_a_library_that_fails(
    script: str, words: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "look.py").write_text(script)
    monkeypatch.setattr(keras_hdf5, "__file__", str(tmp_path / "look.py"))
    assert words in refusal(check_h5, saved / "m.h5")
    assert words in refusal(check_keras_archive, saved / "m.keras")


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

NOT_KERAS = "which is not part of Keras"
NO_PART = "which is no part of a network"
FACTORY = "`factory: module:function`, with --allow-code"


def function(module: str | None, name: Any, registered: str | None = "function") -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered}


def layer(class_name: Any, module: str | None = "keras.layers", **settings: Any) -> dict[str, Any]:
    config = {"name": "bad", **settings}
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


CODE = base64.b64encode(marshal.dumps(compile("lambda x: x", "x", "eval"))).decode()
HOSTILE = {
    "Lambda": (layer("Lambda", function={"class_name": "__lambda__"}), "never run", FACTORY),
    "a Lambda of Keras 2": (
        {"class_name": "Lambda", "config": {"name": "bad", "function": [CODE, None, None]}},
        *("'bad' is of the class Lambda", FACTORY),
    ),
    "code as an activation": (
        layer("Dense", activation={"class_name": "__lambda__", "config": {"value": CODE}}),
        *("'bad' uses the class __lambda__", "never run"),
    ),
    "a function of its own": (layer("Dense", activation=function("builtins", "my_act")), "'my_act'", FACTORY),
    "a function of Python": (layer("Dense", activation=function("os", "system")), "'os.system'", NOT_KERAS),
    "eval": (layer("Dense", activation=function("builtins", "eval")), "'eval'", NOT_KERAS),
    "a function without a name": (layer("Dense", activation=function("builtins", 3)), "'3'", NOT_KERAS),
    "a registered function": (
        layer("Dense", activation=function("builtins", "relu", "mine>relu")),
        *("'bad' uses the function 'relu'", NOT_KERAS),
    ),
    "a download": (layer("Dense", activation=function("keras.utils", "get_file")), "get_file", NO_PART),
    "a class that is a function": (layer("get_file", "keras.utils"), "'keras.utils.get_file'", NO_PART),
    "safety switched off": (
        layer("Dense", activation=function("keras.config", "enable_unsafe_deserialization")),
        *("'keras.config.enable_unsafe_deserialization'", NO_PART),
    ),
    "a class of its own": (
        layer("Mine", "my.layers"),
        "layer 'bad' is of the class 'my.layers.Mine'",
        FACTORY,
    ),
    "a class of a script": (layer("Mine", None), "layer 'bad' is of the class 'Mine'", NOT_KERAS),
    "a registered class": (layer("Mine") | {"registered_name": "my>Mine"}, "Mine", NOT_KERAS),
    "a registered class of Keras 2": (
        {"class_name": "my>Mine", "config": {}},
        "'keras.layers.my>Mine'",
        NOT_KERAS,
    ),
    "an extension of Keras": (layer("Mine", "keras_hub.layers"), "keras_hub", NOT_KERAS),
    "tools of Keras": (layer("KerasFileEditor", "keras.saving"), "KerasFileEditor", NO_PART),
    "insides of Keras": (layer("Anything", "keras.src.utils.torch_utils"), "torch_utils", NO_PART),
    "a module by path": (layer("Dense", "keras.layers/../x"), "keras.layers/../x", NO_PART),
    "a network of PyTorch": (layer("TorchModuleWrapper", module_="x"), "TorchModuleWrapper", "never run"),
    "a program of TensorFlow": (layer("TFSMLayer", filepath="/x"), "TFSMLayer", "reads"),
    "a file of words": (layer("StringLookup", vocabulary="/etc/passwd"), "'/etc/passwd'", "reads a file"),
    "any file": (layer("Dense", filepath="x.txt"), "layer 'bad'", "reads a file"),
    "a type of TensorFlow": (layer("Dense", x={"class_name": "__typespec__"}), "__typespec__", "TensorFlow"),
    "Keras 2": (layer("Functional", "keras.src.engine.functional"), "of Keras 2", "save it as .h5"),
    "no name": (layer(["Dense"]), "which is no name", "again"),
    "a long name": (layer("X" * 5000, "my"), "XXX...", NOT_KERAS),
}


def as_keras(folder: Path, saved: Path, text: str) -> tuple[Check, Path]:
    members = members_of(saved / "m.keras") | {CONFIG: text.encode()}
    return check_keras_archive, write_archive(folder / "m.keras", members)


def as_h5(folder: Path, saved: Path, text: str) -> tuple[Check, Path]:
    (folder / "m.h5").write_bytes((saved / "m.h5").read_bytes())
    with h5py.File(folder / "m.h5", "a") as file:
        file.attrs["model_config"] = text
    return check_h5, folder / "m.h5"


def as_json(folder: Path, saved: Path, text: str) -> tuple[Check, Path]:
    (folder / "m.json").write_text(text)
    return check_architecture, folder / "m.json"


Container = Callable[[Path, Path, str], tuple[Check, Path]]
CONTAINERS = [as_keras, as_h5, as_json]


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_description(case: str, container: Container, saved: Path, tmp_path: Path) -> None:
    bad, *words = HOSTILE[case]
    config = json.loads((saved / "m.json").read_text())
    config["config"]["layers"].insert(1, copy.deepcopy(bad))
    message = refusal(*container(tmp_path, saved, json.dumps(config)))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"class_name": ', "no JSON"),
        ("[1, 2]", "does not describe a Keras model"),
        ('{"class_name": "Dense"}', "does not describe a Keras model"),
        ('{"config": {"x": ' + "[" * 150 + "]" * 150 + "}}", "nested too deeply"),
        ("[" * 50_000, "nested too deeply"),
        ('{"config": {"x": ' + "1" * 10_000 + "}}", "no JSON"),
    ],
)
def test_a_broken_description(
    text: str, words: str, container: Container, saved: Path, tmp_path: Path
) -> None:
    assert words in refusal(*container(tmp_path, saved, text))


# Hostile HDF5


def linked_outside(file: h5py.File) -> None:
    file["layers/x"] = h5py.ExternalLink("/etc/passwd", "/")


def linked_softly(file: h5py.File) -> None:
    file["layers/x"] = h5py.SoftLink("/vars")


def linked_to_itself(file: h5py.File) -> None:
    file["layers/x"] = file


def linked_twice(file: h5py.File) -> None:
    file["first"] = np.ones(3)
    file["layers/x"] = file["first"]


def stored_outside(file: h5py.File) -> None:
    file.create_dataset("layers/x", (3,), "f4", external=[("/etc/passwd", 0, 12)])


def pieced_together(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("layers/x", layout)


def expanding(file: h5py.File) -> None:
    file.create_dataset("layers/x", data=np.zeros(8 * 2**20, "f4"), chunks=(2**20,), compression="gzip")


def expanding_over_the_edge(file: h5py.File) -> None:
    piece = (16 * 2**20,)
    numbers = file.create_dataset("layers/x", (3,), "f4", chunks=piece, maxshape=(None,), compression="gzip")
    numbers[:] = 0


def never_written(file: h5py.File) -> None:
    file.create_dataset("layers/x", (2**40, 2**20), "f4", chunks=(1, 8))


def full_of_words(file: h5py.File) -> None:
    file["layers/x"] = ["a", "b"]


def empty(file: h5py.File) -> None:
    file["layers/x"] = h5py.Empty("f4")


def a_type(file: h5py.File) -> None:
    file["layers/x"] = np.dtype("f4")


TRICKS = {
    linked_outside: "'layers/x' is a link to another file, '/etc/passwd'",
    linked_softly: "'layers/x' is a soft link",
    linked_to_itself: "'layers/x' is a second link to one object",
    linked_twice: "a second link to one object",
    stored_outside: "the numbers of 'layers/x' lie in another file",
    pieced_together: "the numbers of 'layers/x' lie in another file",
    expanding: "declare 33,554,432",
    expanding_over_the_edge: "declare 67,108,864",
    never_written: "the numbers of 'layers/x' (1099511627776, 1048576) are not there",
    full_of_words: "'layers/x' holds no numbers",
    empty: "'layers/x' holds no numbers",
    a_type: "'layers/x' holds no numbers",
}


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in an archive"])
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_hostile_hdf5(trick: Callable[[h5py.File], None], inside: bool, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        trick(file)
    check: Check = check_h5
    if inside:
        members = members_of(saved / "m.keras") | {WEIGHTS: path.read_bytes()}
        check, path = check_keras_archive, write_archive(tmp_path / "m.keras", members)
    assert TRICKS[trick] in refusal(check, path)
