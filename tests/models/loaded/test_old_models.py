"""Models as old versions of Keras and TensorFlow wrote them give the numbers that those versions computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models.choice import ModelChoice
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.registry import load
from fvcli.optvis.network import Network

LARGEST_DIFFERENCE = 1e-4  # of the largest number
OF_HALF_PRECISION = 1e-3  # where the reference itself was computed in half precision
LAST = 4  # layers, among which is the output: what is behind it may be a reshape
MORE = {"two-signatures-tf24-savedmodel": {"signature": "logits"}}
FILES = (
    *("adam-trained-tf24-savedmodel", "autoencoder-keras224.h5", "bidirectional-lstm-tf215.h5"),
    *("cifar-resnet-keras3.keras", "crnn-tf24.h5", "depthwise-transfer-tf24.h5", "dropout-tf115.pb"),
    *("flat-input-keras3.keras", "float16-keras3.keras", "grey-unet-keras3.keras", "hard-sigmoid-tf215.h5"),
    *("initializer-dtype-tf115.h5", "inner-called-with-dict-keras3.keras", "int8-keras3.keras"),
    *("layernorm-axes-keras3.keras", "mixed-float16-tf24.h5", "mnist-cnn-keras224.h5", "mnist-tf115.pb"),
    *("nested-keras224.h5", "normalization-keras3.keras", "normalization-per-pixel-keras3.keras"),
    *("normalization-tf24.h5", "permuted-input-keras3.keras", "plain-tf215.json", "plain-tf215.keras"),
    *("prelu-keras3.keras", "quantization-aware-tf115.pb", "separable-tf215.h5"),
    *("sequential-in-sequential-tf215.h5", "sequential-tf215.keras", "transfer-tutorial-tf215-export"),
    *("transfer-tutorial-tf215.keras", "transfer-tutorial-tf24.h5", "transpose-tf215.h5"),
    *("two-signatures-tf24-savedmodel", "uint8-input-tf24-savedmodel", "vit-tf215-savedmodel"),
    "jpeg-bytes-input-tf115.pb",
)


def loaded(folder: Path, name: str) -> LoadedModel:
    weights = folder / name.replace(".json", "-weights.h5") if name.endswith(".json") else None
    choice = ModelChoice(path=str(folder / name), weights=weights and str(weights), **MORE.get(name, {}))
    return load(choice)


def as_pictures(x: np.ndarray, model: LoadedModel) -> np.ndarray:
    """Return the input of a network as pictures with their channels last, as calls take them."""
    facts = model.facts
    shape = (len(x), *facts.native_size_px, facts.input_channels)
    first = x.ndim == 4 and x.shape != shape
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1) if first else x.reshape(shape), np.float32)


def last_outputs(model: LoadedModel, pictures: np.ndarray) -> Iterator[np.ndarray]:
    activations = Network(model.graph, (0.0, 1.0))(tf.constant(pictures), redirect=False)
    for name in list(model.graph.calls)[-LAST:]:
        yield activations(name).numpy()


@pytest.mark.parametrize("name", FILES)
def test_numbers_are_those_of_the_version_that_wrote_the_file(name: str, data_dir: Path) -> None:
    folder = data_dir / "old-models"
    reference = np.load(folder / f"{name}.ref.npz")
    model = loaded(folder, name)
    made = list(last_outputs(model, as_pictures(reference["x"], model)))
    allowed = OF_HALF_PRECISION if "float16" in name else LARGEST_DIFFERENCE
    for key in (key for key in reference.files if key != "x"):
        expected = reference[key]
        found = [
            np.abs(one.reshape(expected.shape) - expected).max() for one in made if one.size == expected.size
        ]
        assert min(found) <= allowed * np.abs(expected).max()
