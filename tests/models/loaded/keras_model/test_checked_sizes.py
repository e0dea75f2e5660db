"""Sizes of maps are derived as Keras has them, or taken from Keras, or the network is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import keras
import pytest
from keras import layers, ops

from fvcli.errors import FvcliError
from fvcli.models.choice import Preprocessing
from fvcli.models.graph import Node, Window, layer_facts
from fvcli.models.loaded.keras_model.checked_sizes import with_sizes_of_keras
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from tests.helpers.odd_models import Tensor


def coordinates(x: Tensor) -> Tensor:
    """Gate a map by its rows and its columns, as coordinate attention does."""
    rows = layers.Conv2D(4, 1)(ops.mean(x, axis=2, keepdims=True))
    columns = layers.Conv2D(4, 1)(ops.mean(x, axis=1, keepdims=True))
    return layers.Multiply(name="gated")([x, rows, columns])


GATES = {
    "rows and columns": coordinates,
    "pooled rows": lambda x: layers.Add(name="gated")([x, layers.AveragePooling2D((12, 1))(x)]),
    "pooled whole": lambda x: layers.Multiply(name="gated")([x, layers.AveragePooling2D((12, 10))(x)]),
    "row and column": lambda x: layers.Add(name="gated")([x[:, :1], x[:, :, :1]]),
    "choice": lambda x: layers.Identity(name="gated")(
        ops.where(x > ops.mean(x, axis=1, keepdims=True), x, 0.0)
    ),
}


@pytest.mark.parametrize("gate", GATES)
def test_maps_are_spread_over_others(gate: str) -> None:
    image = keras.Input((14, 12, 3))
    x = layers.Conv2D(4, 3, name="first")(image)
    x = layers.Conv2D(6, 3, name="behind")(GATES[gate](x))
    network = lay_open(keras.Model(image, x))
    facts = layer_facts(network.nodes, (14, 12))
    assert [(facts[n].height, facts[n].width) for n in ("first", "gated", "behind")] == [
        (12, 10),
        (12, 10),
        (10, 8),
    ]
    assert facts["behind"].receptive_field_px is None
    assert compare_with_keras(network, (14, 12), Preprocessing((0.0, 1.0)), "m") is None


def test_a_window_that_is_wrong_gives_way_to_what_keras_says() -> None:
    nodes = [Node("a", "conv", ("input",), 2), Node("b", "conv", ("a",), 2, Window((3, 3), padding="valid"))]
    found = with_sizes_of_keras(nodes, {"a": (4, 4), "b": (2, 2)}, (8, 8))
    assert found == (replace(nodes[0], window=None, size=(4, 4), bound=True), nodes[1])
    assert with_sizes_of_keras(nodes, {"a": (8, 8), "b": (6, 6)}, (8, 8)) == tuple(nodes)


def test_what_is_derived_wrongly_is_refused_where_keras_leaves_sizes_open() -> None:
    image = keras.Input((None, None, 3))
    network = lay_open(keras.Model(image, layers.Conv2D(2, 3, name="c")(image)))
    wrong = replace(network, nodes=(replace(network.nodes[0], window=Window((3, 3))),))
    with pytest.raises(
        FvcliError, match=r"^m: fvcli takes layer c for 9 x 8, and its map is 7 x 6: fvcli re"
    ):
        compare_with_keras(wrong, (9, 8), Preprocessing((0.0, 1.0)), "m")


SLICES: dict[str, tuple[Callable[[Tensor], Tensor], Window | None]] = {
    "channels": (lambda x: x[..., 1:], Window()),
    "channels turned around": (lambda x: x[..., ::-1], Window()),
    "rows turned around": (lambda x: x[:, ::-1], None),
    "columns turned around": (lambda x: x[:, :, ::-1, :2], None),
    "an edge": (lambda x: x[:, 1:], None),
}


@pytest.mark.parametrize("name", SLICES)
@pytest.mark.parametrize("first", [False, True])
def test_only_a_slice_of_channels_leaves_places_alone(name: str, first: bool) -> None:
    make, window = SLICES[name]
    image = keras.Input((3, 8, 6) if first else (8, 6, 3))
    formats = {"data_format": "channels_first" if first else "channels_last"}
    x = layers.Conv2D(4, 3, name="first", padding="same", **formats)(image)
    if first:
        whole = ops.transpose(x, (0, 2, 3, 1))
        x = ops.transpose(make(whole), (0, 3, 1, 2))
    else:
        x = make(x)
    network = lay_open(keras.Model(image, x))
    [found] = [node for node in network.nodes if node.kind == "slice"]
    assert found.window == window


@pytest.mark.parametrize(("axis", "field"), [(1, None), (2, None), (3, (3, 3))])
def test_an_activation_may_look_along_the_map(axis: int, field: tuple[int, int] | None) -> None:
    image = keras.Input((8, 6, 3))
    x = layers.Conv2D(4, 3, activation=layers.Softmax(axis=axis), name="first")(image)
    facts = layer_facts(lay_open(keras.Model(image, x)).nodes, (8, 6))
    assert facts["first_pre_activation"].receptive_field_px == (3, 3)
    assert facts["first"].receptive_field_px == field
