"""Networks built for one number of pictures, and what makes pictures of a batch depend on others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network
from tests.helpers.running import fvcli, write_spec

layers, ops = keras.layers, keras.ops
Function = Callable[[Any], Any]
BUILT = 4
CONSTANT = np.full((BUILT, 6, 4, 2), 0.3, "float32")
TAKEN: dict[str, Function] = {
    "reshaped by a layer": layers.Reshape((24, 2)),
    "reshaped": lambda x: ops.reshape(x, (BUILT, -1)),
    "joined": lambda x: ops.concatenate([x, ops.zeros((BUILT, 6, 4, 1))], axis=-1),
    "one constant": lambda x: x + CONSTANT,
    "stateful": lambda x: layers.LSTM(3, stateful=True)(layers.Reshape((6, 8))(x)),
}
REFUSED: dict[str, tuple[Function, str]] = {
    "another constant for each": (
        lambda x: x + np.arange(BUILT * 48, dtype="float32").reshape(CONSTANT.shape),
        "layer last has another constant for each of the 4 pictures of a batch",
    ),
    "folded": (
        lambda x: ops.reshape(ops.relu(ops.reshape(x, (BUILT * 6, 4, 2))), (BUILT, 6, 4, 2)),
        "does not keep the pictures of a batch apart (the model was built for 4)",
    ),
    "less the mean": (lambda x: x - ops.mean(x, axis=0, keepdims=True), "works along axis 0"),
    "softmax": (layers.Softmax(axis=0), "works along axis 0"),
    "sorted": (lambda x: ops.sort(x, axis=-4), "works along axis 0"),
    "mean of all": (lambda x: x - ops.mean(x), "works along axis 0"),
}


def built(function: Function, batch: int | None = BUILT) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input(batch_shape=(batch, 6, 4, 3))
    x = function(layers.Conv2D(2, 3, padding="same", name="before")(image))
    model = keras.Model(image, x)
    model.operations[-1].name = "last"
    return model


@pytest.mark.parametrize("what", TAKEN)
def test_any_number_of_pictures(what: str) -> None:
    """Six pictures are as four and two are, and one is as the first of them."""
    model = built(TAKEN[what])
    network = lay_open(model)
    pictures = tf.random.stateless_uniform((6, 6, 4, 3), (1, 2))
    parts = [Network(network.graph, (0.0, 1.0))(pictures[:n], False)(network.outputs[0]) for n in (1, 4, 6)]
    expected = np.asarray(model(pictures[:BUILT], training=False))
    for made, count in zip(parts, (1, 4, 4), strict=True):
        np.testing.assert_allclose(
            np.reshape(made[:count], (count, -1)), expected[:count].reshape(count, -1), atol=1e-5
        )
    assert parts[2].shape[0] == 6
    np.testing.assert_allclose(parts[2][5], Network(network.graph, (0.0, 1.0))(pictures[5:], False)(
        network.outputs[0])[0], atol=1e-5)  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_pictures_that_depend_on_others_are_refused(what: str) -> None:
    function, message = REFUSED[what]
    with pytest.raises(UsageError) as error:
        lay_open(built(function))
    assert message in str(error.value)


@pytest.mark.parametrize("what", ["less the mean", "softmax", "mean of all"])
def test_of_any_number_of_pictures_as_well(what: str) -> None:
    with pytest.raises(UsageError, match="works along axis 0"):
        lay_open(built(REFUSED[what][0], batch=None))


def test_an_axis_that_is_no_batch() -> None:
    """Two maps on an axis of their own in front, of a network for any number of pictures."""
    image = keras.Input((6, 4, 3))
    model = keras.Model(image, ops.max(ops.stack([image, 1.0 - image], axis=0), axis=0))
    network = lay_open(model)
    pictures = tf.random.stateless_uniform((3, 6, 4, 3), (1, 2))
    found = Network(network.graph, (0.0, 1.0))(pictures, False)(network.outputs[0])
    np.testing.assert_allclose(found, model(pictures))


def test_states_do_not_last() -> None:
    """What a recurrent layer keeps from one batch to the next would change the next picture."""
    model = built(TAKEN["stateful"])
    network = lay_open(model)
    assert network.remarks == ("recurrent layers begin each picture with empty states: last",)
    assert lay_open(model).remarks == network.remarks
    pictures = tf.random.stateless_uniform((2, 6, 4, 3), (1, 2))
    first, second = (Network(network.graph)(pictures, False)("last").numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_other_numbers_and_sizes_of_pictures_are_rendered(tmp_path: Path) -> None:
    """Three pictures of a network for four, at another size than the slopes of its PReLU have."""
    model = built(lambda x: layers.Dense(3)(ops.reshape(layers.PReLU()(x), (BUILT, -1))))
    model.save(tmp_path / "four.keras")
    spec = write_spec(
        tmp_path,
        f"model: {{path: {tmp_path}/four.keras, value_range: [0, 1]}}\n"
        "render: {steps: 2, size_px: [9, 8]}\njobs:\n  - {name: late, layer: last, channels: 0-2}\n",
    )
    result = fvcli("render", spec, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "3 done" in result.output
