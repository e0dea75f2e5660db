"""What becomes of a map's axes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from fvcli.models.loaded.keras_model.from_keras_2.tensorflow_layers import TensorFlowFunction
from fvcli.models.loaded.keras_model.permutations import order_of, turned

AXES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Permute": (layers.Permute((2, 3, 1)), (0, 2, 3, 1)),
    "transpose": (lambda x: ops.transpose(x, (0, 3, -3, 2)), (0, 3, 1, 2)),
    "transpose all": (ops.transpose, (3, 2, 1, 0)),
    "swapaxes": (lambda x: ops.swapaxes(x, 1, -1), (0, 3, 2, 1)),
    "moveaxis": (lambda x: ops.moveaxis(x, 1, -1), (0, 2, 3, 1)),
    "moveaxis of two": (lambda x: ops.moveaxis(x, (3, 1), (1, 2)), (0, 3, 1, 2)),
    "of TensorFlow": (TensorFlowFunction("transpose", {"perm": [0, 2, 1, 3]}), (0, 2, 1, 3)),
}


@pytest.mark.parametrize("name", AXES)
def test_axes_are_those_that_numpy_would_transpose_by(name: str) -> None:
    make, axes = AXES[name]
    operation = make(keras.Input((4, 5, 6)))._keras_history.operation
    assert order_of(operation, 4) == axes
    values = np.arange(360, dtype=np.float32).reshape(3, 4, 5, 6)
    np.testing.assert_array_equal(np.asarray(operation(values)), values.transpose(axes))


def test_other_layers_permute_nothing() -> None:
    assert order_of(layers.Reshape((4, 5)), 4) is None


@pytest.mark.parametrize(
    ("order", "source_first", "first", "same"),
    [
        ((0, 2, 3, 1), True, False, True),  # channels first to last
        ((0, 3, 1, 2), False, True, True),
        ((0, 1, 2, 3), True, True, True),
        ((0, 1, 3, 2), True, True, False),  # height and width change places
        ((0, 2, 1, 3), False, False, False),
        ((0, 3, 2, 1), False, True, False),
        ((0, 1, 3, 2), False, False, False),  # channels go between height and width
    ],
)
def test_maps_that_stay_as_they_are(
    order: tuple[int, ...], source_first: bool, first: bool, same: bool
) -> None:
    assert turned(order, source_first) == (first, same)
