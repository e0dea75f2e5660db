"""Networks as objectives read them against the Keras models they are made of: values, channels, gradients."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fvcli.optvis.ascent import Ascent, Recipe
from fvcli.optvis.objectives import (
    Objective,
    channel,
    class_logit,
    class_probability,
    deepdream,
    neuron,
    neuron_off_centre,
)
from fvcli.optvis.optimizers import lion
from fvcli.optvis.parameterizations import fourier
from fvcli.optvis.streams import stream
from fvcli.optvis.transforms import jitter
from tests.helpers.networks import as_network

# One layer of every kind, shallow and deep.
LAYERS = [
    *("stem_conv", "stem_bn", "stem", "block0_dw_conv", "block0_dw_bn", "block1_expand", "block1_dw"),
    *("block2_add", "block4_project_conv", "block4_add", "block6_dw_bn", "block10_add"),
    *("head_bn", "head", "pool", "logits"),
]
# conv, depthwise, ReLU behind either, add, dense
READ_BY_CHANNEL = [
    *("stem_conv", "stem_bn", "block4_expand", "block1_dw_bn", "block3_dw", "block2_add", "block10_add"),
    *("head_bn", "pool", "logits"),
]


def pictures(batch: int, height: int = 72, width: int = 56, channels: int = 3) -> tf.Tensor:
    return tf.random.stateless_uniform((batch, height, width, channels), (1, 2))


def as_map(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 4 else values[:, None, None]


def keras_layer(model: keras.Model, layer: str, images: tf.Tensor) -> tf.Tensor:
    values = keras.Model(model.inputs, model.output[layer])(2.0 * images - 1.0, training=False)
    return values if len(values.shape) == 4 else values[:, None, None]


def assert_close(found: tf.Tensor, expected: tf.Tensor, share: float = 1e-5) -> None:
    """Compare to a share of the expected values' range, which is what rounding is relative to."""
    assert found.shape == expected.shape
    scale = max(np.abs(expected).max(), 0.1)  # or all of a dead layer would have to be exact
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=share * scale)


# ---- the real network


@pytest.mark.parametrize("redirect", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_activations_are_the_models(model, layer, redirect):
    images = pictures(2)
    found = as_network(model)(images, redirect)(layer)
    assert found.dtype == tf.float32
    assert_close(found, keras_layer(model, layer, images), 3e-5)


@pytest.mark.parametrize("layer", READ_BY_CHANNEL)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_channel_is_that_of_the_whole_layer(model, layer, batch):
    """One image or several, each with a channel of its own, one that fires."""
    images, network = pictures(batch), as_network(model)
    whole = network(images, redirect=False)(layer).numpy()
    n = np.argsort(whole.max(axis=(0, 1, 2)))[::-1][:batch]
    found = network(images, redirect=False).channel(layer, tf.constant(n, tf.int32))
    assert found.dtype == tf.float32
    assert_close(found, tf.stack([whole[i, :, :, n[i]] for i in range(batch)]))


@pytest.mark.parametrize("layer", ["stem_bn", "block3_dw", "logits"])
def test_one_plain_number_is_the_channel_of_all(model, layer):
    reading = as_network(model)(pictures(2), redirect=False)
    np.testing.assert_array_equal(reading.channel(layer, 3), reading.channel(layer, tf.constant([3, 3])))


@pytest.mark.parametrize("deeper_first", [False, True])
def test_a_layer_that_is_known_already_is_not_computed_again(model, deeper_first):
    """And so agrees with its channel to the last bit."""
    reading = as_network(model)(pictures(2), redirect=False)
    if deeper_first:
        reading.channel("block4_expand_bn", 1)
    whole = reading("block2_add")
    assert reading("block2_add") is whole
    np.testing.assert_array_equal(reading.channel("block2_add", 3), whole[..., 3])


def relative_distance(found: tf.Tensor, expected: tf.Tensor) -> float:
    return float(tf.norm(found - expected) / tf.norm(expected))


def gradient_of(score: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(score(images))
    return tape.gradient(total, images)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("layer", ["stem_bn", "block1_dw", "block4_add", "block6_dw_bn", "logits"])
def test_gradients_are_the_models(model, layer, batch):
    """Of a channel, which is all that most objectives read; as a whole, with and without redirection."""
    images, network = pictures(batch), as_network(model)
    expected = gradient_of(
        lambda x: tf.reduce_mean(keras_layer(model, layer, x)[..., 7], axis=(1, 2)), images
    )
    assert float(tf.norm(expected)) > 0.0
    for redirect in (True, False):
        found = gradient_of(lambda x, r=redirect: channel(layer, 7)(network(x, r)), images)
        assert relative_distance(found, expected) < 1e-4  # a ReLU6 input within rounding of a kink: 1e-3


SCORES = {
    "channel": channel("block4_expand_bn", 3),
    "channel behind a ReLU": channel("block4_expand", 3),
    "depthwise channel": channel("block3_dw_bn", 3),
    "neuron": neuron("block2_add", 3),
    "placed neuron": neuron_off_centre("block2_add", 3, -2, 1),
    "deepdream": deepdream("block3_expand"),
    "class_logit": class_logit("logits", 207),
    "class_probability": class_probability("logits", 207),
    "sum": 2.0 * channel("stem_bn", 1) - class_logit("logits", 3),
}


@pytest.mark.parametrize("name", SCORES)
def test_folding_changes_no_score(model, name):
    images = pictures(2)
    found = SCORES[name](as_network(model)(images, redirect=False))
    expected = SCORES[name](lambda layer: keras_layer(model, layer, images))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


def test_the_model_and_its_weights_are_left_alone(model):
    before = [weight.numpy().copy() for weight in model.weights]
    network = as_network(model)
    network(pictures(1), redirect=True)("logits")
    for weight, kept in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)


# ---- small networks of every shape


Tensors = dict[str, keras.KerasTensor]


def network_of(build: Callable[[keras.KerasTensor], Tensors], channels: int = 3) -> keras.Model:
    """Build a model and give it weights of its own, as training would."""
    image = keras.Input((None, None, channels), name="input")
    model = keras.Model(image, build(image))
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers():
        for weight in layer.weights if not isinstance(layer, keras.Model) else ():
            spread = rng.normal(0.0, 0.4, weight.shape)
            if "variance" in weight.path or "gamma" in weight.path:
                spread = 0.5 + np.abs(spread)
            if "seed" not in weight.path:
                weight.assign(spread)
    return model


def assert_all_as_keras(
    model: keras.Model, size: tuple[int, int] = (11, 14), batches: tuple[int, ...] = (1, 3)
) -> None:
    """Every output, whole and by channel, alone and in batches, is the model's own."""
    network = as_network(model)
    for batch in batches:
        images = pictures(batch, *size, channels=model.inputs[0].shape[-1])
        for name in model.output:
            expected = keras_layer(model, name, images)
            assert_close(network(images, redirect=False)(name), expected)
            n = [(2 * i + 1) % expected.shape[-1] for i in range(batch)]
            by_channel = tf.stack([expected[i, :, :, n[i]] for i in range(batch)])
            assert_close(network(images, redirect=False).channel(name, tf.constant(n)), by_channel)


def one_after_the_other(*made: keras.Layer) -> Callable[[keras.KerasTensor], Tensors]:
    def build(x: keras.KerasTensor) -> Tensors:
        found = {}
        for i, layer in enumerate(made):
            x = found[f"{i}"] = layer(x)
        return found

    return build


BN = layers.BatchNormalization
CHAINS: dict[str, Callable[[], list[keras.Layer]]] = {
    "norm": lambda: [layers.Conv2D(5, 3, use_bias=False), BN(), layers.ReLU()],
    "norm without scale": lambda: [layers.Conv2D(5, 3), BN(scale=False)],
    "norm without centre": lambda: [layers.Conv2D(5, 3), BN(center=False)],
    "norm with neither": lambda: [layers.Conv2D(5, 3, use_bias=False), BN(scale=False, center=False)],
    "bias": lambda: [layers.Conv2D(5, 3), layers.ReLU(), layers.Conv2D(4, 1), BN()],
    "dilation": lambda: [layers.Conv2D(5, 3, dilation_rate=2, padding="same"), BN()],
    "uneven dilation": lambda: [layers.Conv2D(5, 3, dilation_rate=(1, 2)), BN()],
    "valid": lambda: [layers.Conv2D(5, (3, 5), padding="valid", strides=2), BN()],
    "same": lambda: [layers.Conv2D(5, (4, 5), padding="same", strides=(2, 3)), BN()],
    "pointwise with strides": lambda: [layers.Conv2D(5, 1, strides=2), BN()],
    "depthwise": lambda: [layers.DepthwiseConv2D(3, padding="same", strides=2), BN(), layers.ReLU(6.0)],
    "depthwise without bias": lambda: [layers.DepthwiseConv2D((3, 5), use_bias=False), BN(scale=False)],
    "depthwise, dilated": lambda: [layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"), BN()],
    "depthwise of depthwise": lambda: [
        layers.Conv2D(4, 1),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.ReLU(6.0),
        layers.DepthwiseConv2D(3, padding="same"),
        BN(),
    ],
    "depthwise, several a channel": lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2), BN()],
    "groups": lambda: [layers.Conv2D(4, 1), layers.Conv2D(6, 3, groups=2), BN(), layers.ReLU()],
    "transposed": lambda: [layers.Conv2DTranspose(4, 3, strides=2), BN()],
    "separable": lambda: [layers.SeparableConv2D(4, 3), BN()],
    "norm first": lambda: [BN(), layers.Conv2D(5, 3), layers.ReLU(), BN(), layers.Conv2D(4, 1)],
    "norm of norm": lambda: [layers.Conv2D(5, 3), BN(), BN()],
    "activation of a convolution": lambda: [layers.Conv2D(5, 3, activation="relu"), BN()],
    "relu6 by name": lambda: [layers.Conv2D(5, 3), BN(), layers.Activation("relu6")],
    "relu by name": lambda: [layers.Conv2D(5, 3), layers.Activation("relu"), layers.Conv2D(4, 1)],
    "relu cut elsewhere": lambda: [layers.Conv2D(5, 3), layers.ReLU(max_value=0.5)],
    "leaky": lambda: [layers.Conv2D(5, 3), layers.ReLU(negative_slope=0.1), layers.ReLU(threshold=0.2)],
    "other activations": lambda: [layers.Conv2D(5, 3), layers.Activation("swish"), layers.Activation("tanh")],
    "dropout": lambda: [layers.Conv2D(5, 3), layers.Dropout(0.9), layers.GaussianNoise(0.9), layers.ReLU()],
    "pooling": lambda: [layers.Conv2D(5, 3), layers.MaxPooling2D(), layers.ZeroPadding2D(), BN()],
    "dense": lambda: [
        layers.Conv2D(5, 3),
        layers.GlobalAveragePooling2D(),
        layers.Dense(7),
        BN(),
        layers.ReLU(),
        layers.Dense(4, use_bias=False),
    ],
    "dense at every position": lambda: [layers.Conv2D(5, 3), layers.Dense(7), BN()],
    "softmax": lambda: [layers.GlobalAveragePooling2D(), layers.Dense(7, activation="softmax")],
}


@pytest.mark.parametrize("name", CHAINS)
def test_every_kind_of_layer_is_as_in_keras(name):
    assert_all_as_keras(network_of(one_after_the_other(*CHAINS[name]())))


def branches(image: keras.KerasTensor) -> Tensors:
    conv = layers.Conv2D(4, 3, padding="same")(image)
    norm = BN()(conv)  # of a convolution that is read by itself, too
    twice = BN()(conv)
    joined = layers.Add()([conv, norm, layers.ReLU()(twice)])
    both = layers.Concatenate()([joined, layers.Multiply()([conv, norm])])
    return {"conv": conv, "norm": norm, "twice": twice, "joined": joined, "both": both}


def shared_layers(image: keras.KerasTensor) -> Tensors:
    conv, norm, cut = layers.Conv2D(3, 3, padding="same"), BN(), layers.ReLU(6.0)
    depthwise, dense = layers.DepthwiseConv2D(3), layers.Dense(3)
    first = cut(norm(conv(image)))
    second = cut(norm(conv(first)))
    pool = layers.GlobalAveragePooling2D()
    return {
        "first": first,
        "second": second,
        "depthwise": layers.Subtract()([depthwise(first), depthwise(second)]),
        "dense": dense(dense(pool(second))),
    }


def broadcast(image: keras.KerasTensor) -> Tensors:
    conv = layers.Conv2D(4, 3)(image)
    mean = layers.GlobalAveragePooling2D(keepdims=True)(conv)
    return {"added": layers.Add()([conv, mean]), "scaled": layers.Multiply()([conv, mean])}


def nested(image: keras.KerasTensor) -> Tensors:
    inner_image = keras.Input((None, None, 4))
    inner = keras.Model(inner_image, layers.Dropout(0.9)(BN()(layers.Conv2D(4, 1)(inner_image))))
    return {"nested": inner(layers.Conv2D(4, 3)(image))}


@pytest.mark.parametrize("build", [branches, shared_layers, broadcast, nested])
def test_every_kind_of_graph_is_as_in_keras(build):
    assert_all_as_keras(network_of(build))


def test_a_norm_along_another_axis_is_as_in_keras():
    image = keras.Input((11, 14, 3), name="input")
    conv = layers.Conv2D(4, 3, padding="same")(image)
    assert_all_as_keras(keras.Model(image, {"norm": BN(axis=1)(conv)}))


@pytest.mark.parametrize("shape", ["chain", "shortcuts", "channels apart"])
def test_deep_networks_are_walked_without_recursion(shape):
    """400 layers with room for 300 calls: a chain, residual blocks, or layers that leave channels apart."""

    def build(x: keras.KerasTensor) -> Tensors:
        for i in range(200):
            if shape == "channels apart":
                x = layers.ReLU()(layers.ReLU(6.0)(x))
                continue
            conv = layers.Conv2D(3, 1, use_bias=False)(x)
            if shape == "chain":
                x = layers.ReLU(6.0)(conv)
            else:
                x = layers.Add()([x, conv] if i % 2 else [conv, x])  # the shortcut first, or last
        return {"last": x}

    model = network_of(build)
    share = 0.95 if shape == "chain" else 0.001  # so that nothing fades or explodes
    for weight in model.weights:
        weight.assign(tf.reshape(share * (0.01 * tf.ones((3, 3)) + tf.eye(3)), weight.shape))
    network, images, before = as_network(model), pictures(2, 2, 3), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 300)
    try:
        network(images, redirect=False)("last")
        network(images, redirect=False).channel("last", 1)
    finally:
        sys.setrecursionlimit(before)
    assert_all_as_keras(model, (2, 3), batches=(2,))


def test_activation_layers_are_redirected_as_relus_are():
    """Where all are silent, what would push them up passes, and what would push them down does not."""
    for made in (layers.ReLU(), layers.ReLU(6.0), layers.Activation("relu"), layers.Activation("relu6")):
        image = keras.Input((None, None, 1), name="input")
        model = keras.Model(image, {"cut": made(image)})
        images = tf.zeros((1, 2, 2, 1))  # -1 for the network
        for redirect, sign, expected in ((True, -1.0, -2.0), (True, 1.0, 0.0), (False, -1.0, 0.0)):
            found = gradient_of(
                lambda x, m=model, r=redirect, s=sign: s * as_network(m)(x, r)("cut"), images
            )  # of a loss; times 2, the width of -1 to 1
            np.testing.assert_array_equal(found, np.full(images.shape, expected))


def test_the_range_of_values_is_the_models():
    image = keras.Input((None, None, 3), name="input")
    model = keras.Model(image, {"same": layers.Activation("linear")(image)})
    images = pictures(2)
    found = as_network(model, (0.0, 255.0))(images, redirect=False)("same")
    np.testing.assert_allclose(found, 255.0 * images, rtol=1e-6)


# ---- precision


HALVES = pytest.mark.parametrize(("dtype", "share"), [("float16", 0.005), ("bfloat16", 0.05)])


@HALVES
@pytest.mark.parametrize("layer", ["stem_bn", "block1_dw", "block4_add", "logits"])
def test_half_precision_activations_are_near(model, dtype, share, layer):
    images = pictures(2)
    reading = as_network(model, dtype=dtype)(images, redirect=False)
    assert reading(layer).dtype == reading.channel(layer, 1).dtype == tf.float32
    expected = keras_layer(model, layer, images)
    assert relative_distance(reading(layer), expected) < share * (2 if layer == "logits" else 1)


@HALVES
def test_half_precision_gradients_do_not_vanish(model, dtype, share):
    """Each of 3,584 positions has a gradient of 1/3584, 2e-5 in the mean of a thousand pixels."""
    layer, images = "block1_expand_bn", pictures(1, 224, 256)
    found = []
    for network in (as_network(model), as_network(model, dtype=dtype)):
        scaled = gradient_of(lambda x, n=network: channel(layer, 3)(n(x, False)) * n.loss_scale, images)
        found.append(scaled / network.loss_scale)
    assert relative_distance(found[1], found[0]) < 10 * share


@HALVES
def test_half_precision_ascents_reach_the_same_scores(model, dtype, share):
    """Judged in float32, as the worker does."""

    def objective(units) -> Objective:
        return channel("block1_expand_bn", units["index"])

    plain, units = (as_network(model), objective), {"index": np.array([3, 17], np.int32)}
    gains = []
    for precision in ("float32", dtype):
        recipe = Recipe(fourier(32, 40), [jitter(2)], lion(), 4)
        ascent = Ascent(as_network(model, dtype=precision), objective, recipe, plain)
        streams, shared = [stream(0, name) for name in "ab"], stream(0, "shared")
        state = ascent.start(streams)
        start = ascent.score(ascent.picture(state.params), units)
        while state.step < 20:
            state = ascent.take_steps(state, units, 20 - state.step, streams, shared, 20)
        gains.append(ascent.score(ascent.picture(state.params), units) - start)
        assert state.score.dtype == tf.float32
    assert (gains[0] > 0.3).all()  # so that relative means something
    np.testing.assert_allclose(gains[1], gains[0], rtol=0.05)


@HALVES
@pytest.mark.parametrize("build", [branches, shared_layers, broadcast], ids=lambda build: build.__name__)
def test_half_precision_in_every_kind_of_graph(build, dtype, share):
    """Layers that run as Keras has them meet layers in half precision."""
    model = network_of(build)
    images = pictures(2, 11, 14)
    for name in model.output:
        reading = as_network(model, dtype=dtype)(images, redirect=False)
        assert relative_distance(reading(name), keras_layer(model, name, images)) < 4 * share


# ---- what batch normalizations saw in training


def test_normalizations_below_a_layer_say_what_they_made_in_training(model):
    """The mean they made is beta; the spread is gamma, but for epsilon."""
    network, images = as_network(model), pictures(2)
    found = list(network(images, redirect=False).normalized(["block1_expand_bn"]))
    names = ["stem_bn", "block0_dw_bn", "block0_project_bn"]
    assert len(found) == len(names)
    for (made, mean, std), name in zip(found, names, strict=True):
        norm = model.get_layer(name)
        gamma, beta, _, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
        assert_close(made, keras_layer(model, name, images))
        np.testing.assert_allclose(mean, beta, rtol=1e-3, atol=1e-4)
        expected = np.abs(gamma) * np.sqrt(variance / (variance + norm.epsilon))
        np.testing.assert_allclose(std, expected, rtol=1e-4)
