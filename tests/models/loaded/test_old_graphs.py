"""SavedModels and frozen graphs that other versions wrote compute what those versions computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import ModelChoice, load
from fvcli.optvis.network import Network

# A file, which layer is its output, and what else a spec says.
FILES: list[tuple[str, str, dict[str, Any]]] = [
    ("adam-trained-tf24-savedmodel", "dense/Softmax", {}),
    ("vit-tf215-savedmodel", "dense/BiasAdd", {}),
    ("two-signatures-tf24-savedmodel", "MatMul", {"signature": "logits"}),
    ("uint8-input-tf24-savedmodel", "dense/BiasAdd", {}),
    ("transfer-tutorial-tf215-export", "dense/BiasAdd", {}),
    ("mnist-tf115.pb", "y", {}),
    ("dropout-tf115.pb", "y_conv", {}),
    ("jpeg-bytes-input-tf115.pb", "final_result", {}),
    ("quantization-aware-tf115.pb", "out", {}),
]


@pytest.mark.parametrize(("name", "output", "more"), FILES, ids=[name for name, _, _ in FILES])
def test_the_same_numbers(name: str, output: str, more: dict[str, Any], data_dir: Path) -> None:
    file = data_dir / "old-models" / name
    if not file.exists():
        pytest.skip(f"{file} is not there: no old model to test with")
    numbers = np.load(file.with_name(f"{name}.ref.npz"))
    model = load(ModelChoice(path=str(file), **more))
    given = tf.constant(numbers["x"].astype(np.float32))
    network = Network(model.graph, (0.0, 1.0))
    found = network(given, redirect=False)(output).numpy().reshape(numbers["y0"].shape)
    np.testing.assert_allclose(found, numbers["y0"], rtol=0, atol=1e-4 * np.abs(numbers["y0"]).max())
