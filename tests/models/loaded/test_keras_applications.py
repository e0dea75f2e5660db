"""The networks of keras.applications: the table of them against Keras, and loading some."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer
from keras.src.backend import config as keras_config
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from fvcli.errors import FvcliError, UsageError
from fvcli.models import ModelChoice, list_models, load
from fvcli.models.loaded.keras_model.kinds import kind_of
from fvcli.models.zoo.applications import APPLICATIONS, Application
from tests.helpers.running import fvcli

FUNCTIONS = {name for name in dir(keras.applications) if name[0].isupper()}
LOADED = ("mobilenet", "mobilenetv3small", "efficientnetb0")


class _AskedError(Exception):
    """Raised in the place of a download, with what Keras asked for."""


def test_the_table_has_all_of_them() -> None:
    assert {entry.function for entry in APPLICATIONS.values()} == FUNCTIONS
    assert {entry.name for entry in APPLICATIONS.values()} <= {model.name for model in list_models()}


@pytest.mark.parametrize("name", LOADED)
def test_weights_are_where_keras_looks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(fname: str, origin: str, **_more: object) -> None:
        raise _AskedError(fname, origin)

    monkeypatch.setattr(file_utils, "get_file", ask)
    entry = APPLICATIONS[name]
    with pytest.raises(_AskedError) as asked:
        getattr(keras.applications, entry.function)((224, 224, 3), weights="imagenet")
    assert asked.value.args == (entry.weights_file, entry.url)


@pytest.mark.parametrize("entry", APPLICATIONS.values(), ids=lambda entry: entry.name)
def test_preprocessing_is_keras_s(entry: Application) -> None:
    """What Keras makes of black, white and a colour, as it says in the network's own module."""
    module = inspect.getmodule(getattr(keras.applications, entry.function))
    picture = np.array([0.0, 1.0, 0.25, 0.5, 0.75, 0.125]).reshape(1, 1, 2, 3)
    expected = module.preprocess_input(picture * 255)
    low, high = map(np.array, entry.preprocessing.ends)
    ordered = picture[..., ::-1] if entry.preprocessing.channel_order == "BGR" else picture
    np.testing.assert_allclose(low + ordered * (high - low), expected, atol=1e-4)


@pytest.mark.parametrize("name", LOADED)
def test_random_weights_give_a_network_that_computes_what_keras_does(name: str) -> None:
    loaded = load(ModelChoice(name, weights="random"))
    side = APPLICATIONS[name].native_size_px
    assert loaded.facts.native_size_px == (side, side)
    assert len(loaded.facts.labels) == 1000
    pictures = np.random.default_rng(1).random((1, side, side, 3), np.float32)
    low, high = map(np.array, loaded.facts.preprocessing.ends)
    expected = loaded.keras_model(low + pictures * (high - low), training=False)
    found = loaded.activations(pictures, loaded.facts.logits)[:, 0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    again = load(ModelChoice(name, weights="random")).facts
    assert again.weights_sha256 == loaded.facts.weights_sha256
    assert not [node.name for node in loaded.facts.nodes if node.bound]


def test_every_layer_of_keras_s_networks_is_known() -> None:
    """InceptionResNetV2 has a layer class of its own."""
    assert kind_of(CustomScaleLayer(0.2)) == "add"


# ---- Keras's cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in the place of Keras's."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras_config, "_KERAS_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_without_a_network_the_error_says_what_to_copy_where(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fname: str, origin: str, **_more: object) -> None:
        raise Exception(f"URL fetch failure on {origin}: None -- [Errno -2] Name or service not known")

    monkeypatch.setattr(file_utils, "get_file", fail)
    spec = tmp_path / "spec.yaml"
    spec.write_text("model: mobilenet\njobs: [{name: a, layer: conv1}]\n")
    result = fvcli("plan", spec)
    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith(f"Error: {spec}:1: model: the ImageNet weights of mobilenet are not in {cache}")
    assert "Name or service not known" in line
    assert APPLICATIONS["mobilenet"].url in line


def test_weights_in_the_cache_are_used(cache: Path) -> None:
    entry = APPLICATIONS["mobilenet"]
    assert entry.cached_weights() is None
    seeded = load(ModelChoice("mobilenet", weights="random")).keras_model
    import h5py

    with h5py.File(cache / entry.weights_file, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, seeded)
    assert entry.cached_weights() == cache / entry.weights_file
    loaded = load(ModelChoice("mobilenet"))
    assert loaded.facts.weights == "imagenet"
    for found, expected in zip(loaded.keras_model.get_weights(), seeded.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_broken_file_in_the_cache_is_named(cache: Path) -> None:
    entry = APPLICATIONS["mobilenet"]
    (cache / entry.weights_file).write_bytes(b"not HDF5")
    with pytest.raises(FvcliError, match=entry.weights_file) as error:
        load(ModelChoice("mobilenet"))
    assert "remove it" in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_of_another_network_name_the_first_layer(tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    keras.applications.MobileNet(alpha=0.25, weights=None).save_weights(path)
    with pytest.raises(FvcliError) as error:
        load(ModelChoice("mobilenet", weights=str(path)))
    assert "conv1" in str(error.value)
    assert "(3, 3, 3, 8)" in str(error.value)
    assert "(3, 3, 3, 32)" in str(error.value)


def test_the_sum_of_weights_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SHA-256"):
        load(ModelChoice("mobilenet", weights="random", sha256="0" * 64))
