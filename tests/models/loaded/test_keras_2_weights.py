"""Weights of files that Keras 2 wrote: by their names, and never in a wrong place without a word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.models.choice import Preprocessing
from fvcli.models.files.keras_hdf5 import keras_3_paths
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.from_keras_2.weights import (
    UnfitWeightsError,
    assign_weights,
    with_keras_3_paths,
)
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.keras_model.load import load_keras
from fvcli.optvis.network import Network

FOUR = ("gamma", "beta", "moving_mean", "moving_variance")
Groups = Mapping[str, Mapping[str, np.ndarray]]


def write(path: Path, groups: Groups) -> Path:
    """Write weights in the layout of Keras 2: groups of layers, each with names in an order."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in groups]
        file.attrs["keras_version"] = b"2.4.0"
        for name, arrays in groups.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{key}:0".encode() for key in arrays]
            for key, array in arrays.items():
                group[f"{key}:0"] = array
    return path


def numbers(*shape: int, first: float = 1.0) -> np.ndarray:
    return (first + np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def network() -> keras.Model:
    """Two convolutions and a normalization in an inner model that is frozen."""
    image = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(2, 1, use_bias=False, name="a")(image)
    x = keras.layers.Conv2D(2, 1, use_bias=False, name="b")(keras.layers.BatchNormalization(name="norm")(x))
    inner = keras.Model(image, x, name="inner")
    inner.trainable = False
    outer = keras.Input((4, 4, 2))
    return keras.Model(outer, keras.layers.DepthwiseConv2D(1, use_bias=False, name="top")(inner(outer)))


INNER = {
    "a/kernel": numbers(1, 1, 2, 2),
    **{f"norm/{name}": numbers(2, first=10.0 * i) for i, name in enumerate(FOUR, 1)},
    "b/kernel": numbers(1, 1, 2, 2, first=5.0),
}
TOP = {"top/depthwise_kernel": numbers(1, 1, 2, 1)}


@pytest.mark.parametrize("order", [[*INNER], ["b/kernel", *reversed(INNER)], sorted(INNER)])
def test_weights_go_by_their_names(order: list[str], tmp_path: Path) -> None:
    inner = {name: INNER[name] for name in dict.fromkeys(order)}
    assign_weights(model := network(), write(tmp_path / "w.h5", {"inner": inner, "top": TOP}))
    parts = model.get_layer("inner")
    assert parts.get_layer("a").get_weights()[0].ravel().tolist() == [1, 2, 3, 4]
    assert parts.get_layer("b").get_weights()[0].ravel().tolist() == [5, 6, 7, 8]
    found = [weight.tolist() for weight in parts.get_layer("norm").get_weights()]
    assert found == [[10, 11], [20, 21], [30, 31], [40, 41]]
    assert model.get_layer("top").get_weights()[0].ravel().tolist() == [1, 2]


def test_layers_with_other_names_go_by_their_order(tmp_path: Path) -> None:
    groups = {
        "x": {f"scope/{name}": array for name, array in INNER.items()},
        "y": {"y_1/depthwise_kernel": TOP["top/depthwise_kernel"]},
    }
    assign_weights(model := network(), write(tmp_path / "w.h5", groups))
    assert model.get_layer("top").get_weights()[0].ravel().tolist() == [1, 2]
    assert model.get_layer("inner").get_layer("norm").get_weights()[2].tolist() == [30, 31]


def test_names_from_before_keras_2(tmp_path: Path) -> None:
    image = keras.Input((2, 2, 2))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(2, 1, name="a_conv")(image))
    stored = {
        "a_conv": {"a_conv_b_1": numbers(2), "a_conv_W_1": numbers(1, 1, 2, 2)},
        "norm": {
            f"norm_{name}_1": numbers(2, first=10.0 * i)
            for i, name in enumerate(("running_std", "running_mean", "beta", "gamma"), 1)
        },
    }
    assign_weights(model := keras.Model(image, x), write(tmp_path / "w.h5", stored))
    assert [w.ravel().tolist() for w in model.get_weights()] == [
        *([1, 2, 3, 4], [1, 2]),
        *([40, 41], [30, 31], [20, 21], [10, 11]),
    ]


def test_unknown_names_go_by_their_order(tmp_path: Path) -> None:
    image = keras.Input((2, 2, 2))
    model = keras.Model(image, keras.layers.Dense(3, name="top")(image))
    assign_weights(
        model, write(tmp_path / "w.h5", {"top": {"param_0": numbers(2, 3), "param_1": numbers(3)}})
    )
    assert model.get_weights()[1].tolist() == [1, 2, 3]
    with pytest.raises(UnfitWeightsError, match=r"its kernel is \(2, 3\), but \(3,\) in the file"):
        assign_weights(model, write(tmp_path / "v.h5", {"top": {"a": numbers(3), "b": numbers(2, 3)}}))


def test_an_activation_that_is_a_layer_has_weights(tmp_path: Path) -> None:
    prelu = {"class_name": "PReLU", "config": {"name": "prelu", "shared_axes": [1]}}
    conv = {"name": "conv", "filters": 2, "kernel_size": [1, 1], "activation": prelu}
    first = {"class_name": "Conv2D", "config": {**conv, "batch_input_shape": [None, 2, 2, 1]}}
    description = {"class_name": "Sequential", "config": {"name": "m", "layers": [first]}}
    (tmp_path / "m.json").write_text(json.dumps({**description, "keras_version": "2.2.4"}))
    stored = {
        "conv/kernel": numbers(1, 1, 1, 2),
        "conv/bias": numbers(2),
        "conv/prelu/alpha": numbers(1, 2, 2),
    }
    model = load_keras(tmp_path / "m.json", write(tmp_path / "w.h5", {"conv": stored}))
    network = lay_open(model)
    assert [(node.name, node.bound) for node in network.nodes] == [
        ("conv_pre_activation", False),
        ("conv", True),
    ]
    assert compare_with_keras(network, (2, 2), Preprocessing(), "m") is None
    pictures = tf.constant(np.full((1, 2, 2, 1), -2.0, np.float32))
    made = Network(network.graph, (0.0, 1.0))(pictures, redirect=False)("conv").numpy()
    assert made[0, 0].tolist() == [[-1, -4], [-3, -8]]  # -2 * [1, 2] + [1, 2] = [-1, -2], times alpha


RENAMED = {name.replace("a/", "c/").replace("norm/", "n/"): array for name, array in INNER.items()}
SWAPPED = dict(sorted(RENAMED.items(), reverse=True))


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"inner": SWAPPED, "top": TOP}, "layer 'inner': its weights are 'a/kernel', 'norm/gamma'"),
        ({"inner": INNER}, "layer 'top': its weights are not in the file"),
        ({"inner": INNER, "top": TOP, "more": TOP}, "the file has a layer 'more', and the model has none"),
        ({"inner": TOP, "top": TOP}, "layer 'inner': it has 6 weights, and layer 'inner' of the file 1"),
        (
            {"inner": INNER, "top": {"top/depthwise_kernel": numbers(1, 1, 3, 1)}},
            "its kernel is (1, 1, 2, 1), but (1, 1, 3, 1)",
        ),
    ],
)
def test_weights_that_do_not_fit(groups: Groups, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnfitWeightsError) as refused:
        assign_weights(network(), write(tmp_path / "w.h5", groups))
    assert words in str(refused.value)


@pytest.mark.parametrize("group", ["/", "model_weights"])
def test_kernels_of_theano_are_refused(group: str, tmp_path: Path) -> None:
    write(tmp_path / "w.h5", {"inner": INNER, "top": TOP})
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file.require_group(group).attrs["backend"] = "theano"
    with pytest.raises(UnfitWeightsError, match="written with Theano"):
        assign_weights(network(), tmp_path / "w.h5")


def test_what_only_training_reads_is_left_out(tmp_path: Path) -> None:
    image = keras.Input((2, 2, 2))
    model = keras.Model(image, keras.layers.BatchNormalization(name="norm")(image))
    stored = {f"norm/{name}": numbers(2) for name in (*FOUR, "moving_stddev", "renorm_mean")}
    assign_weights(model, write(tmp_path / "w.h5", {"norm": stored}))
    assert model.get_weights()[3].tolist() == [1, 2]


def test_a_normalization_works_out_what_it_subtracts(tmp_path: Path) -> None:
    image = keras.Input((1, 1, 2))
    model = keras.Model(image, keras.layers.Normalization(name="norm")(image))
    stored = {
        "norm/mean": np.array([1, 2], "f4"),
        "norm/variance": np.array([4, 16], "f4"),
        "norm/count": np.array(9),
    }
    assign_weights(model, write(tmp_path / "w.h5", {"norm": stored}))
    assert np.allclose(model(np.full((1, 1, 1, 2), 5.0)), [2.0, 0.75])


# ---- Keras 2.13 and 2.14


def test_layers_are_numbered_without_gaps(tmp_path: Path) -> None:
    old = "_layer_checkpoint_dependencies"
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for number, name in enumerate(("conv2d", "conv2d_2", "conv2d_10")):
            file[f"{old}/{name}/vars/0"] = np.array([number], "f4")
        file[f"{old}/functional/{old}/dense_3/vars/0"] = np.array([7], "f4")
        found = {a: b for a, b in keras_3_paths(file) if b.endswith("vars/0")}
    assert found == {
        f"{old}/conv2d/vars/0": "layers/conv2d/vars/0",
        f"{old}/conv2d_2/vars/0": "layers/conv2d_1/vars/0",
        f"{old}/conv2d_10/vars/0": "layers/conv2d_2/vars/0",
        f"{old}/functional/{old}/dense_3/vars/0": "layers/functional/layers/dense/vars/0",
    }
    with h5py.File(with_keras_3_paths(tmp_path / "w.h5")) as moved:
        assert moved["layers/conv2d_2/vars/0"][()].tolist() == [2]
        assert moved["layers/functional/layers/dense/vars/0"][()].tolist() == [7]
