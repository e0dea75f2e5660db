"""These tests need TensorFlow."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import pytest

from fvcli.models.files import keras_file
from tests.helpers.keras_archives import (
    look_here,
    own_loss,
)
from tests.helpers.tensorflow_setup import model  # noqa: F401


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one small network in every form that Keras writes."""
    folder = tmp_path_factory.mktemp("saved")
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", activation=keras.activations.relu)(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten()(x * 2.0)
    made = keras.Model(image, keras.layers.Dense(2, name="top", kernel_regularizer="l2")(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.compile("adam", loss=own_loss, metrics=["accuracy"])
        made.save(folder / "m.keras")
        keras.Sequential([image, keras.layers.Conv2D(4, 3, name="conv")]).save(folder / "m.h5")
        made.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(made.to_json())
    return folder


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look into HDF5 files in this process."""
    monkeypatch.setattr(keras_file, "look_in_subprocess", look_here)
