"""Frozen TensorFlow graphs: every layer is what TensorFlow makes of it, and what cannot be is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.calls import Linear
from fvcli.optvis.fold import fold
from tests.helpers.running import fvcli, write_spec
from tests.helpers.tensorflow_graphs import (
    PLACES,
    RARER,
    computed,
    frozen,
    graph_of,
    in_either_format,
    keras_network,
    loaded,
    lucids_network,
    photos,
    raw,
    v1,
    weights,
    write,
)

CLOSE = 2e-6  # of a layer's largest value
ONE_PICTURE = {"shapes"}  # graphs that TensorFlow itself runs for one picture at a time only


def as_map(values: np.ndarray) -> np.ndarray:
    axes = {2: (1, 2), 3: (2,), 4: ()}
    return np.expand_dims(values, axes[values.ndim])


def assert_layers_are_the_graphs(model: LoadedModel, graph: Any, image: str, pictures: np.ndarray) -> None:
    names = [node.name for node in model.facts.nodes]
    expected = computed(graph, {image: 2.0 * pictures - 1.0}, names)
    shapes = model.facts.layers_at(*pictures.shape[1:3])
    for name, values in zip(names, map(as_map, expected), strict=True):
        found = model.activations(pictures, name)
        fact = shapes[name]
        assert found.shape == values.shape == (len(pictures), fact.height, fact.width, fact.channels), name
        np.testing.assert_allclose(
            found, values, rtol=0, atol=CLOSE * max(np.abs(values).max(), 1), err_msg=name
        )


# ---- values


@pytest.fixture(scope="module")
def keras_graph() -> Any:
    return frozen(keras_network())


@pytest.fixture(scope="module")
def lucid_graph() -> Any:
    return lucids_network()


def test_a_frozen_keras_model(keras_graph: Any, tmp_path: Path) -> None:
    model = loaded(keras_graph, tmp_path)
    assert_layers_are_the_graphs(model, keras_graph, "image", photos(model))
    assert model.facts.logits == "functional/top/BiasAdd" or model.facts.logits.endswith("top_1/BiasAdd")
    assert model.facts.parameters == keras_network().count_params()


def test_a_graph_with_lucids_names(lucid_graph: Any, tmp_path: Path) -> None:
    model = loaded(lucid_graph, tmp_path, size_px=(32, 32))
    assert_layers_are_the_graphs(model, lucid_graph, "input", photos(model))
    facts = model.facts
    kinds = {node.name: node.kind for node in facts.nodes}
    assert kinds["conv2d0"] == "relu"
    assert kinds["mixed3a"] == "concat"
    assert kinds["localresponsenorm0"] == "lrn"
    assert facts.logits == "softmax2_pre_activation"
    assert facts.labels == tuple("0123456")
    assert facts.aliases["output"] == "softmax2"
    assert "best" not in kinds  # which class it is has no gradient


def test_channels_first_are_last_in_calls(tmp_path: Path) -> None:
    model = loaded(in_either_format(first=True), tmp_path)
    assert model.facts.native_size_px == (14, 18)
    assert_layers_are_the_graphs(model, in_either_format(first=False), "image", photos(model))


@pytest.mark.parametrize("name", RARER)
def test_rarer_ops(name: str, tmp_path: Path) -> None:
    graph = graph_of(RARER[name])
    model = loaded(graph, tmp_path)
    batch = 1 if name in ONE_PICTURE else 2
    assert_layers_are_the_graphs(model, graph, "image", photos(model, batch))


def test_a_graph_for_one_picture_takes_several(tmp_path: Path) -> None:
    model = loaded(graph_of(RARER["shapes"]), tmp_path)
    pictures = photos(model, 3)
    together = model.activations(pictures, "of_one")
    alone = [model.activations(picture[None], "of_one")[0] for picture in pictures]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@pytest.mark.parametrize("name", ["windows", "arithmetic", "transposed", "slices"])
def test_layers_that_are_not_bound_take_other_sizes(name: str, tmp_path: Path) -> None:
    graph = graph_of(RARER[name])
    model = loaded(graph, tmp_path)
    pictures, facts = photos(model, 2, (18, 32)), model.facts
    free = [node.name for node in facts.nodes if facts.input_size([node.name]) is None]
    opened = graph_pb2.GraphDef.FromString(graph.SerializeToString())
    for node in opened.node:
        if node.name == "image":
            node.attr["shape"].shape.dim[1].size = node.attr["shape"].shape.dim[2].size = -1
        node.attr.pop("_output_shapes", None)
    constants = {"by_place"}
    opened_nodes = [node for node in opened.node if node.name not in constants]
    del opened.node[:]
    opened.node.extend(opened_nodes)
    for layer, values in zip(free, computed(opened, {"image": 2 * pictures - 1}, free), strict=True):
        found = model.activations(pictures, layer)
        fact = facts.layers_at(18, 32)[layer]
        assert (fact.height, fact.width) == found.shape[1:3], layer
        np.testing.assert_allclose(found, values, rtol=0, atol=1e-5, err_msg=layer)


def test_what_works_at_one_size_is_bound_to_it(tmp_path: Path) -> None:
    facts = loaded(graph_of(RARER["arithmetic"]), tmp_path).facts
    assert facts.input_size(["by_place"]) == PLACES
    assert facts.input_size(["leaky", "normalized", "excited"]) is None


# ---- what is told of layers


def reach(model: LoadedModel, layer: str, size_px: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows and columns the middle of a layer sees, by its gradient on several pictures."""
    images = tf.constant(photos(model, 6, size_px))
    with tf.GradientTape() as tape:
        tape.watch(images)
        values = model.network()(images, redirect=False)(layer)
        score = tf.reduce_sum(values[:, values.shape[1] // 2, values.shape[2] // 2] ** 2)
    found = np.abs(tape.gradient(score, images).numpy()).max(axis=(0, 3)) > 0
    return np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))


FIELDS = [
    *(("windows", layer) for layer in ("explicit", "dilated", "groups", "each", "twice", "deep")),
    *(("transposed", layer) for layer in ("conv",)),
    *(("slices", layer) for layer in ("corner", "reversed", "slice", "of_part_1")),
    *(("arithmetic", layer) for layer in ("relu6", "normalized", "leaky")),
    *(("shapes", layer) for layer in ("dense",)),
]


@pytest.mark.parametrize(("name", "layer"), FIELDS)
def test_receptive_fields_are_what_gradients_reach(name: str, layer: str, tmp_path: Path) -> None:
    model = loaded(graph_of(RARER[name]), tmp_path)
    layer = model.facts.aliases.get(layer, layer)
    fact = model.facts.layers_at(*PLACES)[layer]
    for axis, seen in enumerate(reach(model, layer, PLACES)):
        position = (fact.height, fact.width)[axis] // 2
        first = fact.offset_px[axis] + position * fact.stride_px[axis]
        assert (seen[0], seen[-1] - seen[0] + 1) == (first, fact.receptive_field_px[axis])


@pytest.mark.parametrize("layer", ["conv2d0", "maxpool0", "mixed3a_1x1", "mixed3a"])
def test_receptive_fields_of_lucids_graph(lucid_graph: Any, layer: str, tmp_path: Path) -> None:
    model = loaded(lucid_graph, tmp_path, size_px=(32, 32))
    fact = model.facts.layers_at(48, 40)[layer]
    for axis, seen in enumerate(reach(model, layer, (48, 40))):
        position = (fact.height, fact.width)[axis] // 2
        first = fact.offset_px[axis] + position * fact.stride_px[axis]
        assert (seen[0], seen[-1] - seen[0] + 1) == (first, fact.receptive_field_px[axis])


@pytest.mark.parametrize("name", ["same", "valid", "wide"])
def test_fields_behind_upsampling_hold_what_gradients_reach(name: str, tmp_path: Path) -> None:
    model = loaded(graph_of(RARER["windows" if name == "wide" else "transposed"]), tmp_path)
    fact = model.facts.layers_at(*PLACES)[name]
    for axis, seen in enumerate(reach(model, name, PLACES)):
        first = fact.offset_px[axis] + (fact.height, fact.width)[axis] // 2 * fact.stride_px[axis]
        assert first <= seen[0]
        assert seen[-1] < first + fact.receptive_field_px[axis]


def test_biases_and_normalizations_are_folded(keras_graph: Any, tmp_path: Path) -> None:
    model = loaded(keras_graph, tmp_path)
    calls = model.graph.calls
    normalized, biased = (model.facts.aliases[end] for end in scopes(model, "norm", "depthwise"))
    folded = fold(calls[normalized], np.float32)
    assert folded.source is model.graph.image
    assert folded.linear.bias is not None
    kinds = {node.name: node.kind for node in model.facts.nodes}
    assert (kinds[normalized], kinds[calls[biased].inputs[0].name]) == ("batch_norm", "bias")
    assert isinstance(calls[calls[biased].inputs[0].name].role, Linear)


def scopes(model: LoadedModel, *layers: str) -> list[str]:
    """Return what layers of the Keras model are called in the graph."""
    return [next(a for a in model.facts.aliases if a.split("/")[-1] in {x, f"{x}_1"}) for x in layers]


def test_scopes_with_one_way_out_go_by_their_names(keras_graph: Any, tmp_path: Path) -> None:
    model = loaded(keras_graph, tmp_path)
    (depthwise,) = scopes(model, "depthwise")
    assert model.facts.aliases[depthwise] == f"{depthwise}/Relu"


# ---- silent units


def silent_network() -> Any:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 16, 16, 3), name="image")
        x = raw.Conv2D(input=x, filter=weights(3, 3, 3, 4), strides=[1] * 4, padding="SAME", name="conv")
        x = raw.BiasAdd(value=x, bias=np.float32([-1.0, -1.0, 0.0, 0.0]), name="bias")
        raw.Relu(features=x, name="relu")

    return graph_of(build)


@pytest.mark.parametrize("redirect", [True, False])
def test_gradients_reach_silent_units_while_they_are_redirected(redirect: bool, tmp_path: Path) -> None:
    model = loaded(silent_network(), tmp_path)
    grey = tf.fill((1, 16, 16, 3), 0.5)
    with tf.GradientTape() as tape:
        tape.watch(grey)
        loss = -tf.reduce_mean(model.network()(grey, redirect).channel("relu", 0))
    assert loss == 0.0
    assert np.any(tape.gradient(loss, grey).numpy()) == redirect


# ---- the command line


def scores(run: Path) -> list[tuple[float, float]]:
    sidecars = [json.loads(path.read_text()) for path in sorted(run.glob("units/**/*.json"))]
    return [(sidecar["score"]["start"], sidecar["score"]["end"]) for sidecar in sidecars]


def test_a_render(lucid_graph: Any, tmp_path: Path) -> None:
    write(lucid_graph, tmp_path / "frozen.pb")
    spec = f"""\
model: {{path: {tmp_path / "frozen.pb"}, value_range: [-1, 1], size_px: 32}}
render: {{size_px: 40, steps: 8, batch_size: 2}}
jobs:
  - {{name: concat, layer: mixed3a, channels: [1, 3]}}
  - {{name: classes, objective: class_logit, classes: [3]}}
"""
    result = fvcli("render", write_spec(tmp_path, spec), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    found = scores(tmp_path / "run")
    assert len(found) == 3
    assert all(end > start for start, end in found)


def test_a_silent_unit_is_rendered(tmp_path: Path) -> None:
    write(silent_network(), tmp_path / "frozen.pb")
    spec = f"""\
model: {{path: {tmp_path / "frozen.pb"}, value_range: [-1, 1]}}
render: {{size_px: 16, steps: 24, batch_size: 2, redirect_steps: 12}}
jobs:
  - {{name: silent, layer: relu, channels: [1]}}
"""
    result = fvcli("render", write_spec(tmp_path, spec), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert all(end > start for start, end in scores(tmp_path / "run"))
