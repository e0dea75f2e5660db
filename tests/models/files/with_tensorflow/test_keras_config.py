"""Descriptions of networks that name other code, or are broken, are refused."""

from __future__ import annotations

import base64
import copy
import json
import marshal
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest

from fvcli.models.files.keras_config import KERAS_FUNCTIONS
from fvcli.models.files.keras_file import check_architecture, check_h5, check_keras_archive
from tests.helpers.keras_archives import (
    CONFIG,
    Check,
    members_of,
    refusal,
    write_archive,
)

# What Keras writes


def test_the_functions_of_this_keras_are_known() -> None:
    modules = (keras.activations, keras.losses, keras.metrics)
    names = [f.__name__ for module in modules for f in vars(module).values() if is_function(f)]
    assert len(names) > 50
    assert not [name for name in names if not KERAS_FUNCTIONS.fullmatch(name)]


def is_function(item: object) -> bool:
    return isinstance(item, types.FunctionType) and item.__name__ not in {"get", "serialize", "deserialize"}


# Hostile descriptions

NOT_KERAS = "which is not part of Keras"
NO_PART = "which is no part of a network"
FACTORY = "write `model: {factory: module:function}` in a spec, and add --allow-code"


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


def as_json_of_keras_2(folder: Path, saved: Path, text: str) -> tuple[Check, Path]:
    """Put the second layer of a model into one that Keras 2 wrote."""
    bad = json.loads(text)["config"]["layers"][1]
    image = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8, 8, 3], "name": "image"}}
    config = {"name": "model", "layers": [image, bad]}
    model = {"class_name": "Sequential", "config": config, "keras_version": "2.15.0"}
    return as_json(folder, saved, json.dumps(model))


Container = Callable[[Path, Path, str], tuple[Check, Path]]
CONTAINERS = [as_keras, as_h5, as_json]


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("container", [*CONTAINERS, as_json_of_keras_2])
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
