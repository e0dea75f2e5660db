"""Links are the derivatives of the network without its non-linearities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fvcli.models import ModelChoice, load
from fvcli.models.loaded.model import LoadedModel
from fvcli.run.unit_links import Neighbour
from fvcli.worker.unit_links import find_links
from tests.helpers.linear_twins import (
    all_weights,
    as_loaded,
    finished,
    linear_twin,
    weights_by_differences,
)
from tests.helpers.tensorflow_graphs import frozen, loaded


def conv(x: Any, name: str, filters: int = 4, size: int = 3, **more: Any) -> Any:
    x = layers.Conv2D(filters, size, padding="same", name=f"{name}_conv", **more)(x)
    return layers.ReLU(name=name)(layers.BatchNormalization(name=f"{name}_bn")(x))


def chain() -> keras.Model:
    image = layers.Input((46, 48, 3), name="image")
    x = conv(image, "a", strides=2)
    x = layers.DepthwiseConv2D(5, strides=(2, 2), padding="same", name="dw")(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 1)), name="pad")(x)
    x = layers.AveragePooling2D(2, strides=1, name="pool")(layers.Dropout(0.5)(x))
    x = conv(x, "b", 5, strides=2)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(6, name="hidden")(layers.Dropout(0.5)(x))
    return keras.Model(image, layers.Dense(7, activation="softmax", name="classes")(x))


def branching() -> keras.Model:
    image = layers.Input((14, 13, 3), name="image")
    x = conv(image, "a")
    one = conv(x, "b1", 2, 1)
    two = conv(conv(x, "b2_reduce", 2, 1), "b2", 2, 5, dilation_rate=2)
    x = layers.Concatenate(name="joined")([one, two, x])
    y = conv(conv(x, "c_reduce", 3, 1), "c", 8)
    x = layers.Add(name="sum")([x, y])
    return keras.Model(image, conv(x, "d", 6))


def googlenet() -> keras.Model:
    def module(x: Any, name: str) -> Any:
        three = conv(conv(x, f"{name}_3_reduce", 2, 1), f"{name}_3", 3)
        five = conv(conv(x, f"{name}_5_reduce", 2, 1), f"{name}_5", 2, 5)
        pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        parts = [conv(x, f"{name}_1", 2, 1), three, five, conv(pool, f"{name}_pool_1", 1, 1)]
        return layers.Concatenate(name=name)(parts)

    image = layers.Input((17, 17, 3), name="image")
    x = module(conv(image, "stem", 4, 3), "m1")
    x = layers.MaxPooling2D(3, strides=2, name="pool")(x)
    return keras.Model(image, module(x, "m2"))


def odd_layers() -> keras.Model:
    image = layers.Input((16, 12, 3), name="image")
    x = conv(image, "a")
    x = layers.Conv2D(6, 3, groups=2, padding="same", activation="relu", name="grouped")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="wider")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
    x = layers.SeparableConv2D(5, 3, padding="same", activation="relu", name="separable")(x)
    x = layers.Average(name="average")([x, conv(x, "side", 5)])
    return keras.Model(image, layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="transposed")(x))


def flattened() -> keras.Model:
    image = layers.Input((8, 8, 3), name="image")
    x = layers.MaxPooling2D(3, strides=2, name="pool")(conv(image, "a"))
    x = layers.Dense(6, activation="relu", name="fc")(layers.Flatten(name="flat")(conv(x, "b")))
    return keras.Model(image, layers.Dense(3, name="logits")(x))


CASES = [
    (chain, "a_bn", "b_bn"),
    (branching, "a_bn", "joined"),
    (branching, "joined", "d_bn"),
    (branching, "a_bn", "d_bn"),
    (googlenet, "stem_bn", "m1"),
    (googlenet, "m1", "m2"),
    (odd_layers, "a_bn", "side_bn"),
    (flattened, "a_bn", "fc"),
    (flattened, "b_bn", "logits"),
]


@pytest.mark.parametrize(("build", "lower", "upper"), CASES)
def test_weights_are_derivatives(build: Callable[[], keras.Model], lower: str, upper: str) -> None:
    model = finished(build())
    expected, _ = weights_by_differences(model, lower, upper)
    name = {"fc": "fc_pre_activation"}.get(upper, upper)
    found = all_weights(as_loaded(model), lower, name)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())


def test_a_transposed_convolution_adds_up_to_its_derivative() -> None:
    """Its kernel differs from position to position, so the sum over all positions is compared."""
    model = finished(odd_layers())
    twin = linear_twin(model)
    part = keras.Model(twin.get_layer("average").output, twin.get_layer("transposed").output)
    x = tf.zeros((1, *part.input_shape[1:]))
    kernel = twin.get_layer("transposed").kernel.numpy()  # [h, w, out, in]
    found = all_weights(as_loaded(model), "average", "transposed")
    phases = [kernel[i::2, j::2].reshape(-1, *kernel.shape[2:]) for i in (0, 1) for j in (0, 1)]
    norms = [np.sqrt((phase**2).sum(0)) for phase in phases]
    assert part(x).shape[1:3] == (64, 48)
    assert any(np.allclose(np.abs(found), norm, rtol=1e-4) for norm in norms)


def test_a_frozen_graph_has_the_links_of_its_keras_model(tmp_path: Path) -> None:
    model = finished(chain())
    expected, _ = weights_by_differences(model, "a_bn", "b_bn")
    graph = loaded(frozen(model), tmp_path)
    names = [node.name for node in graph.facts.nodes if node.kind == "batch_norm"]
    assert len(names) == 2
    found = all_weights(graph, *names)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())


def test_a_layer_before_its_bias_is_linked_as_well(tmp_path: Path) -> None:
    model = finished(flattened())
    graph = loaded(frozen(model), tmp_path)
    convolutions = [node.name for node in graph.facts.nodes if node.kind == "conv"]
    expected, _ = weights_by_differences(model, "a_conv", "b_conv")
    np.testing.assert_allclose(all_weights(graph, *convolutions), expected, rtol=2e-4, atol=1e-5)


@pytest.fixture(scope="module")
def lite() -> LoadedModel:
    return load(ModelChoice("efficientnet-lite0"))


def test_links_of_efficientnet_lite_are_derivatives(lite: LoadedModel) -> None:
    lower, upper, units = "block4_expand_bn", "block6_expand_bn", [0, 17, 479]
    found = find_links(lite, {lower: range(240), upper: units}).layers[upper]
    assert found.below == (Neighbour(lower, 4),)
    assert found.to_below is not None
    twin = linear_twin(lite.keras_model)
    beside = next(name for name in lite.facts.inputs_of["block4_add"] if "block4" not in name)
    inputs = [twin.get_layer(lower).output, twin.get_layer(beside).output]
    part = keras.Model(inputs, twin.get_layer(upper).output)
    other = tf.zeros((1, 28, 28, inputs[1].shape[-1]))
    for row, unit in enumerate(units):
        x = tf.zeros((1, 28, 28, 240))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            made = part([x, other])[..., unit]
            one, everywhere = made[0, 7, 7], tf.reduce_sum(made)
        kernel = tape.gradient(one, x)[0].numpy()
        total = kernel.sum((0, 1))
        # A stride of 2 lies between: four neighbours have the whole kernel between them.
        inner = tape.gradient(everywhere, x)[0, 12:14, 12:14].numpy().sum((0, 1))
        np.testing.assert_allclose(inner, total, rtol=1e-3, atol=1e-5)
        signed = np.sqrt((kernel**2).sum((0, 1))) * np.sign(total)
        order = np.concatenate([np.argsort(-signed)[:8], np.argsort(signed)[:8]])
        np.testing.assert_allclose(found.to_below.weights[row], signed[order], rtol=1e-3)
        np.testing.assert_allclose(signed[found.to_below.channels[row]], signed[order], rtol=1e-3)


def test_what_is_above_is_what_is_below_from_the_other_side(lite: LoadedModel) -> None:
    links = find_links(lite, {"block2_expand_bn": range(144), "block4_expand_bn": range(5)}).layers
    below, above = links["block4_expand_bn"].to_below, links["block2_expand_bn"].to_above
    assert below is not None
    assert above is not None
    assert links["block2_expand_bn"].above == (Neighbour("block4_expand_bn", 4),)
    assert links["block2_expand_bn"].reason == "only the picture is below it"
    found = {
        (int(upper), lower): weight
        for lower in range(144)
        for upper, weight in zip(above.channels[lower], above.weights[lower], strict=True)
    }
    for upper in range(5):
        for lower, weight in zip(below.channels[upper], below.weights[upper], strict=True):
            assert found[upper, int(lower)] == weight
    assert (above.channels == -1).sum() == 144 * 11  # five units above, eleven places that nothing fills


def test_links_lead_to_units_that_are_rendered(lite: LoadedModel) -> None:
    rendered, upper = range(0, 240, 5), "block6_expand_bn"
    whole, some = (
        find_links(lite, {"block4_expand_bn": lower, upper: [17]}).layers[upper].to_below
        for lower in (range(240), rendered)
    )
    assert whole is not None
    assert some is not None
    assert not set(whole.channels[0].tolist()) <= set(rendered)
    assert set(some.channels[0].tolist()) <= set(rendered)
    assert some.weights[0, 0] <= whole.weights[0, 0]


def test_logits_are_weights_behind_the_mean(lite: LoadedModel) -> None:
    links = find_links(lite, {"head_bn": [3, 800], "block14_expand_bn": [1]}).layers
    kernel = np.asarray(lite.keras_model.get_layer("logits").kernel)
    found = links["head_bn"].to_classes
    assert found is not None
    assert links["head_bn"].behind == "relu6"
    for row, channel in enumerate([3, 800]):
        order = np.argsort(-kernel[channel])
        assert found.channels[row].tolist() == [*order[:5], *order[:-6:-1]]
        np.testing.assert_allclose(found.weights[row], kernel[channel][found.channels[row]], rtol=1e-4)
    assert links["block14_expand_bn"].to_classes is None


# ---- which layers


def reached(model: keras.Model, *names: str) -> dict[str, Any]:
    found = find_links(as_loaded(model), {name: [0, 1] for name in names}).layers
    return {name: links.below or links.reason for name, links in found.items()}


def test_a_gate_is_passed_over() -> None:
    image = layers.Input((16, 16, 3), name="image")
    x = conv(image, "a")
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply(name="gated")([gate, x])
    model = finished(keras.Model(image, conv(x, "b")))
    assert reached(model, "a_bn", "b_bn")["b_bn"] == (Neighbour("a_bn", 1),)
    plain = keras.Model(
        image, model.get_layer("b_bn")(model.get_layer("b_conv")(model.get_layer("a").output))
    )
    expected, _ = weights_by_differences(plain, "a_bn", "b_bn")
    found = all_weights(as_loaded(model), "a_bn", "b_bn")
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)


def test_no_weights_lead_through_attention() -> None:
    image = layers.Input((8, 8, 3), name="image")
    x = conv(image, "a")
    looks = layers.MultiHeadAttention(1, 4, attention_axes=(1, 2), name="attention")(x, x)
    x = layers.Add(name="sum")([x, looks])
    model = finished(keras.Model(image, layers.Dense(5, name="b")(x)))
    found = reached(model, "sum", "b")
    assert found["b"] == (Neighbour("sum", 1),)
    assert found["sum"] == "no weights lead through attention (attention)"


def test_layers_of_the_same_channels_are_passed() -> None:
    found = reached(finished(branching()), "a_conv", "a_bn", "a", "b1_bn", "d_bn")
    assert found["a"] == found["a_bn"] == "only the picture is below it"
    assert found["b1_bn"] == (Neighbour("a", 1),)
    assert found["d_bn"] == (Neighbour("b1_bn", 1),)  # nearer than the layer that it is made of


def test_branches_beside_each_other_are_all_below() -> None:
    found = reached(finished(googlenet()), "m1_1_bn", "m1_3_bn", "m2_1_bn")
    assert set(found["m2_1_bn"]) == {Neighbour("m1_1_bn", 1), Neighbour("m1_3_bn", 1)}


def test_a_concatenation_beside_the_network_stands_for_that_of_its_relus() -> None:
    image = layers.Input((12, 12, 3), name="image")
    ends = []
    for name, size in (("one", 1), ("three", 3)):
        x = layers.Conv2D(3, size, padding="same", name=f"{name}_pre")(image)
        ends.append((x, layers.ReLU(name=name)(x)))
    beside = layers.Concatenate(name="mixed_pre")([before for before, _ in ends])
    mixed = layers.Concatenate(name="mixed")([after for _, after in ends])
    top = layers.Conv2D(5, 3, padding="same", name="top")(mixed)
    logits = layers.Dense(4, name="logits")(layers.GlobalAveragePooling2D(name="mean")(mixed))
    model = finished(keras.Model(image, [logits, top, beside]))
    loaded_model = as_loaded(model)
    expected, _ = weights_by_differences(model, "mixed", "top")
    np.testing.assert_allclose(all_weights(loaded_model, "mixed_pre", "top"), expected, rtol=2e-4, atol=1e-5)
    links = find_links(loaded_model, {"mixed_pre": [1, 4], "top": range(5)}).layers["mixed_pre"]
    assert (links.above, links.behind) == ((Neighbour("top", 1),), "relu")
    assert links.to_classes is not None
    kernel = model.get_layer("logits").kernel.numpy()
    found = links.to_classes
    for row, channel in enumerate([1, 4]):
        known = found.channels[row] >= 0
        np.testing.assert_allclose(
            found.weights[row][known], kernel[channel][found.channels[row][known]], rtol=1e-5
        )
        assert sorted(found.channels[row][known]) == [0, 1, 2, 3]


def test_layers_that_cannot_be_computed_apart_say_so() -> None:
    image = layers.Input((8, 8, 3), name="image")
    x = layers.LayerNormalization(axis=(1, 2), name="norm")(conv(image, "a"))
    found = reached(finished(keras.Model(image, conv(x, "b"))), "a_bn", "b_bn")
    assert found["b_bn"].startswith("norm cannot be computed apart: ")


def test_far_layers_are_not_linked() -> None:
    image = layers.Input((16, 16, 3), name="image")
    x = conv(image, "a")
    for i in range(9):
        x = conv(x, f"b{i}", 3, 1)
    found = reached(finished(keras.Model(image, x)), "a_bn", "b7_bn", "b8_bn")
    assert found["b7_bn"] == (Neighbour("a_bn", 8),)
    found = reached(finished(keras.Model(image, x)), "a_bn", "b8_bn")
    assert found["b8_bn"] == "more than 8 layers of weights lie between"
