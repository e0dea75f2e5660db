"""Models as old versions of Keras and TensorFlow wrote them give the numbers that those versions computed."""

from __future__ import annotations

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
MORE = {"two-signatures-tf24-savedmodel": {"signature": "logits"}}
OUTPUTS = {
    "adam-trained-tf24-savedmodel": "dense/Softmax",
    "autoencoder-keras224.h5": "decoder/conv2d_transpose_1",
    "bidirectional-lstm-tf215.h5": "dense",
    "cifar-resnet-keras3.keras": "dense",
    "crnn-tf24.h5": "dense",
    "depthwise-transfer-tf24.h5": "dense",
    "dropout-tf115.pb": "y_conv",
    "flat-input-keras3.keras": "dense",
    "float16-keras3.keras": "dense",
    "grey-unet-keras3.keras": "mask",
    "hard-sigmoid-tf215.h5": "dense",
    "initializer-dtype-tf115.h5": "dense",
    "inner-called-with-dict-keras3.keras": "inner/concatenate",
    "int8-keras3.keras": "dense_1",
    "jpeg-bytes-input-tf115.pb": "final_result",
    "layernorm-axes-keras3.keras": "dense",
    "mixed-float16-tf24.h5": "dense",
    "mnist-cnn-keras224.h5": "dense_2",
    "mnist-tf115.pb": "y",
    "nested-keras224.h5": "dense_1",
    "normalization-keras3.keras": "dense",
    "normalization-per-pixel-keras3.keras": "dense",
    "normalization-tf24.h5": "dense",
    "permuted-input-keras3.keras": "fc",
    "plain-tf215.json": "dense",
    "plain-tf215.keras": "dense",
    "prelu-keras3.keras": "dense",
    "quantization-aware-tf115.pb": "out",
    "separable-tf215.h5": "dense",
    "sequential-in-sequential-tf215.h5": "dense",
    "sequential-tf215.keras": "dense",
    "transfer-tutorial-tf215-export": "dense/BiasAdd",
    "transfer-tutorial-tf215.keras": "dense",
    "transfer-tutorial-tf24.h5": "dense",
    "transpose-tf215.h5": "dense_1",
    "two-signatures-tf24-savedmodel": "MatMul",
    "uint8-input-tf24-savedmodel": "dense/BiasAdd",
    "vit-tf215-savedmodel": "dense/BiasAdd",
}


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


@pytest.mark.parametrize("name", OUTPUTS)
def test_numbers_are_those_of_the_version_that_wrote_the_file(name: str, data_dir: Path) -> None:
    folder = data_dir / "old-models"
    reference = np.load(folder / f"{name}.ref.npz")
    model = loaded(folder, name)
    pictures = tf.constant(as_pictures(reference["x"], model))
    made = Network(model.graph, (0.0, 1.0))(pictures, redirect=False)(OUTPUTS[name]).numpy()
    expected = reference["y0"]
    allowed = OF_HALF_PRECISION if "float16" in name else LARGEST_DIFFERENCE
    assert np.abs(made.reshape(expected.shape) - expected).max() <= allowed * np.abs(expected).max()
