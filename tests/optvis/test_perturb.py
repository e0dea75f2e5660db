"""One layer's weights a little changed: by how much, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.calls import Call, CallGraph, Linear
from fvcli.optvis.network import Network
from fvcli.optvis.perturb import linear_layers, perturbed

SHARE = 0.1
LAYERS = ["first", "norm", "left", "right", "both", "dw", "classes"]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Two branches that meet: first -> norm -> left + right -> both -> dw -> classes."""
    keras.utils.set_random_seed(3)
    image = keras.Input((None, None, 3))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="first")(image))
    x = layers.ReLU(name="relu")(x)
    one = layers.Conv2D(5, 1, name="left", use_bias=False)(x)
    other = layers.Conv2D(5, 1, name="right")(x)
    x = layers.DepthwiseConv2D(3, name="dw")(layers.Add(name="both")([one, other]))
    x = layers.Dense(2, name="classes")(layers.GlobalAveragePooling2D(name="pool")(x))
    net = keras.Model(image, x)
    rng = np.random.default_rng(0)
    net.set_weights([rng.uniform(0.2, 1, w.shape).astype(np.float32) for w in net.get_weights()])
    return net


@pytest.fixture(scope="module")
def graph(model: keras.Model) -> CallGraph:
    return lay_open(model).graph


def images() -> tf.Tensor:
    return tf.constant(np.random.default_rng(1).random((2, 9, 11, 3)), tf.float32)


def read(graph: CallGraph, layer: str) -> np.ndarray:
    values: np.ndarray = Network(graph, (0.0, 1.0))(images(), redirect=False)(layer).numpy()
    return values


def changed_by_hand(model: keras.Model, layer: str, seed: int = 0) -> keras.Model:
    """Return a copy of the model whose layer has weights w (1 + n / 10)."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel, *bias = copy.get_layer(layer).get_weights()
    noise = np.random.default_rng(seed).standard_normal(kernel.shape)
    copy.get_layer(layer).set_weights([kernel + SHARE * kernel * noise, *bias])
    return copy


@pytest.mark.parametrize("layer", ["first", "left", "right", "dw", "classes"])
def test_a_changed_layer_is_that_of_changed_weights(model: keras.Model, graph: CallGraph, layer: str) -> None:
    """All layers from it on are those of a model whose weights are changed by hand, and no others change."""
    found = perturbed(graph, layer, SHARE)
    by_hand = changed_by_hand(model, layer)
    behind = LAYERS[LAYERS.index(layer) :]
    for name in LAYERS:
        is_behind = name in behind and (layer, name) != ("left", "right")
        output = keras.Model(by_hand.input, by_hand.get_layer(name).output)(images()).numpy()
        expected = output if output.ndim == 4 else output[:, None, None]
        np.testing.assert_allclose(read(found, name), expected, rtol=2e-5)
        is_same = np.array_equal(read(found, name), read(graph, name))
        assert is_same != is_behind, name
        if is_behind:
            apart = np.abs(read(found, name) / read(graph, name) - 1)
            assert 1e-4 < apart.mean() < 0.3


def test_a_seed_chooses_the_noise(model: keras.Model, graph: CallGraph) -> None:
    found = perturbed(graph, "left", SHARE, seed=5)
    expected = changed_by_hand(model, "left", seed=5).get_layer("left").get_weights()[0]
    role = found.calls["left"].role
    assert isinstance(role, Linear)
    np.testing.assert_allclose(role.kernel, expected, rtol=1e-6)
    assert role.kernel.dtype == np.float32
    again = perturbed(graph, "left", SHARE, seed=5).calls["left"].role
    assert isinstance(again, Linear)
    np.testing.assert_array_equal(role.kernel, again.kernel)


def test_no_share_changes_nothing(graph: CallGraph) -> None:
    found = perturbed(graph, "first", 0.0)
    for name in LAYERS:
        np.testing.assert_array_equal(read(found, name), read(graph, name))


def test_the_graph_is_copied_and_not_changed(graph: CallGraph) -> None:
    before = {name: (call, call.inputs, call.role) for name, call in graph.calls.items()}
    kernel = np.array(getattr(graph.calls["first"].role, "kernel", None))
    found = perturbed(graph, "first", SHARE)
    assert {name: (call, call.inputs, call.role) for name, call in graph.calls.items()} == before
    np.testing.assert_array_equal(getattr(graph.calls["first"].role, "kernel", None), kernel)
    assert found.image is graph.image
    assert list(found.calls) == list(graph.calls)  # in the order in which data flows
    for name, call in found.calls.items():
        was = graph.calls[name]
        assert call is not was
        assert (call.name, call.compute) == (was.name, was.compute)
        assert [part.name for part in call.inputs] == [part.name for part in was.inputs]
        if name == "first":
            assert isinstance(was.role, Linear)
            assert isinstance(call.role, Linear)
            assert replace(call.role, kernel=was.role.kernel) == was.role
            assert call.role.bias is was.role.bias
        else:
            assert call.role is was.role


def test_one_call_with_two_names_stays_one(graph: CallGraph) -> None:
    calls = {**graph.calls, "other": graph.calls["left"]}
    found = perturbed(CallGraph(graph.image, calls), "other", SHARE)
    assert found.calls["other"] is found.calls["left"]
    assert any(part is found.calls["left"] for part in found.calls["both"].inputs)
    assert not np.array_equal(read(found, "left"), read(graph, "left"))


def test_calls_without_a_name_are_copied_too() -> None:
    """What tables do not show stands between two layers that they do."""
    image = Call("", (), lambda _: None)
    kernel = np.full((1, 1, 1, 1), 2.0, np.float32)
    first = Call("first", (image,), lambda _: None, Linear(kernel, None))
    hidden = Call("", (first,), lambda values: values[0] + 1.0)
    last = Call("last", (hidden, first), lambda values: values[0] * values[1])
    found = perturbed(CallGraph(image, {"last": last, "first": first}), "first", SHARE)
    role = found.calls["first"].role
    assert isinstance(role, Linear)
    w = 2.0 * (1 + SHARE * np.random.default_rng(0).standard_normal((1, 1, 1, 1)).item())
    assert role.kernel.item() == pytest.approx(w)
    seen = Network(found, (0.0, 1.0))(tf.ones((1, 2, 2, 1)), redirect=False)("last").numpy()
    np.testing.assert_allclose(seen, np.full((1, 2, 2, 1), (w + 1) * w), rtol=1e-6)
    assert list(found.calls) == ["last", "first"]


def test_a_deep_network_is_walked_without_recursion() -> None:
    call = image = Call("", (), lambda _: None)
    calls = {}
    for i in range(5000):
        role = Linear(np.ones((1, 1, 1, 1), np.float32), None) if i == 0 else None
        call = calls[f"c{i}"] = Call(f"c{i}", (call,), lambda values: values[0], role)
    graph = CallGraph(image, calls)
    found = perturbed(CallGraph(image, {"end": call, "c0": calls["c0"]}), "c0", SHARE)
    assert found.calls["end"].name == "c4999"
    assert linear_layers(graph, ["c4999"]) == ["c0"]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["classes"], ["first", "left", "right", "dw", "classes"]),
        (["both"], ["first", "left", "right"]),
        (["left"], ["first", "left"]),
        (["left", "right"], ["first"]),
        (["left", "classes"], ["first", "left"]),
        (["norm"], ["first"]),
        (["norm", "dw"], ["first"]),
    ],
)
def test_shared_layers_are_those_that_all_are_made_from(
    graph: CallGraph, targets: list[str], expected: list[str]
) -> None:
    assert linear_layers(graph, targets) == expected


def test_branches_that_share_nothing_have_no_layer() -> None:
    image = Call("", (), lambda _: None)
    kernel = np.ones((1, 1, 1, 1), np.float32)
    calls = {name: Call(name, (image,), lambda _: None, Linear(kernel, None)) for name in "ab"}
    graph = CallGraph(image, calls)
    assert linear_layers(graph, ["a", "b"]) == []
    assert linear_layers(graph, ["b"]) == ["b"]
