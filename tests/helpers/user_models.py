"""Networks of the shapes that people bring: one function each, weights drawn from a fixed seed.

They are small, so that a render takes a second, and are also what a ``factory`` in a spec names.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from fvcli.models.loaded.weights import randomize

CLASSES = 10


def _finished(model: keras.Model) -> keras.Model:
    randomize(model)
    return model


def _conv(x: keras.KerasTensor, filters: int, name: str, **more) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv", **more)(x)
    axis = 1 if more.get("data_format") == "channels_first" else -1
    return layers.ReLU(name=name)(layers.BatchNormalization(axis=axis, name=f"{name}_bn")(x))


def plain(side: int | None = 64, channels: int = 3) -> keras.Model:
    """Convolutions, pooling, global pooling, a softmax in one with its dense layer."""
    image = keras.Input((side, side, channels), name="image")
    x = layers.MaxPooling2D(name="pool")(_conv(image, 8, "first"))
    x = layers.GlobalAveragePooling2D(name="mean")(_conv(x, 16, "second", strides=2))
    return _finished(keras.Model(image, layers.Dense(CLASSES, activation="softmax", name="classes")(x)))


def small_pictures() -> keras.Model:
    """Take 32 x 32 pixels, with the activations inside the convolutions, flattened to dense layers."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, activation="relu", padding="same", name="conv1")(image)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = layers.Conv2D(16, 3, activation="relu", name="conv2")(x)
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool2")(x))
    x = layers.Dense(24, activation="relu", name="hidden")(x)
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x)))


def backbone(side: int = 64) -> keras.Model:
    """A network of keras.applications without its top."""
    return keras.applications.MobileNetV2(
        (side, side, 3), alpha=0.35, include_top=False, weights=None, name="backbone"
    )


def nested() -> keras.Model:
    """A whole network as one layer of a Sequential, as transfer learning makes them."""
    head = [layers.GlobalAveragePooling2D(name="mean"), layers.Dense(CLASSES, name="classes")]
    return _finished(keras.Sequential([keras.Input((64, 64, 3)), backbone(), *head], name="nested"))


def twice_nested() -> keras.Model:
    """The same once more: a Sequential in a functional model."""
    image = keras.Input((64, 64, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1.0, name="scaled")(image)
    features = keras.Sequential([keras.Input((64, 64, 3)), backbone(), layers.ReLU(name="out")], name="body")
    x = layers.GlobalAveragePooling2D(name="mean")(features(scaled))
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x)))


def shared() -> keras.Model:
    """A layer and a whole model that are used twice."""
    image = keras.Input((48, 48, 3), name="image")
    inner_image = keras.Input((48, 48, 8), name="inner_image")
    inner = keras.Model(inner_image, _conv(inner_image, 8, "deep"), name="inner")
    conv = layers.Conv2D(8, 3, padding="same", activation="relu", name="twice")
    x = layers.Conv2D(8, 1, name="widen")(image)
    x = inner(conv(inner(conv(x))))
    return _finished(keras.Model(image, layers.GlobalMaxPooling2D(name="most")(x)))


def several() -> keras.Model:
    """Two inputs and two outputs."""
    image, age = keras.Input((48, 48, 3), name="image"), keras.Input((2,), name="age")
    x = _conv(image, 8, "first", strides=2)
    gate = layers.Dense(8, activation="sigmoid", name="gate")(age)
    x = layers.Multiply(name="gated")([x, layers.Reshape((1, 1, 8), name="spread")(gate)])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    kind = layers.Dense(CLASSES, activation="softmax", name="kind")(x)
    return _finished(keras.Model([image, age], {"kind": kind, "size": layers.Dense(3, name="size")(x)}))


def channels_first() -> keras.Model:
    """Everything with its channels in front."""
    first = {"data_format": "channels_first"}
    image = keras.Input((3, 40, 48), name="image")
    x = layers.ZeroPadding2D(1, name="border", **first)(image)
    x = layers.MaxPooling2D(name="pool", **first)(_conv(x, 8, "left", **first))
    a = layers.Conv2D(8, 3, padding="same", activation="relu", name="a", **first)(x)
    b = layers.DepthwiseConv2D(3, padding="same", name="b", **first)(x)
    x = layers.Concatenate(axis=1, name="both")([layers.Add(name="sum")([a, b]), x])
    x = layers.AveragePooling2D(2, name="mean2", **first)(layers.Activation("silu", name="silu")(x))
    x = layers.GlobalAveragePooling2D(name="mean", **first)(x)
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x)))


def grey() -> keras.Model:
    return plain(48, channels=1)


def five_channels() -> keras.Model:
    return plain(48, channels=5)


@keras.saving.register_keras_serializable("tests")
class Places(layers.Layer):
    """Add a learnt number for each token and feature."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.numbers = self.add_weight(shape[1:], name="numbers", initializer="random_normal")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x + self.numbers


@keras.saving.register_keras_serializable("tests")
class ClassToken(layers.Layer):
    """Put one learnt token before the others."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.token = self.add_weight((1, 1, shape[-1]), name="token", initializer="random_normal")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        token = keras.ops.broadcast_to(self.token, (keras.ops.shape(x)[0], 1, x.shape[-1]))
        return keras.ops.concatenate([token, x], axis=1)


def _encoder(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    width = x.shape[-1]
    y = layers.LayerNormalization(name=f"{name}_norm1")(x)
    x = layers.Add(name=f"{name}_add1")([x, layers.MultiHeadAttention(2, 8, name=f"{name}_mix")(y, y)])
    y = layers.LayerNormalization(name=f"{name}_norm2")(x)
    y = layers.Dense(2 * width, activation="gelu", name=f"{name}_mlp1")(y)
    return layers.Add(name=name)([x, layers.Dense(width, name=f"{name}_mlp2")(y)])


def vision_transformer() -> keras.Model:
    """Patches to tokens, places, a class token, two encoders (custom layers, so a factory)."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(16, 8, strides=8, name="patches")(image)
    x = ClassToken(name="token")(layers.Reshape((16, 16), name="tokens")(x))
    x = _encoder(_encoder(Places(name="places")(x), "encoder1"), "encoder2")
    x = layers.LayerNormalization(name="norm")(x)
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x[:, 0])))


def stock_transformer() -> keras.Model:
    """A transformer of Keras's own layers only, whose tokens are averaged."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Reshape((16, 16), name="tokens")(layers.Conv2D(16, 8, strides=8, name="patches")(image))
    x = layers.GlobalAveragePooling1D(name="mean")(_encoder(x, "encoder1"))
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x)))


def mixed_precision() -> keras.Model:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return plain()
    finally:
        keras.config.set_dtype_policy("float32")


def training_layers() -> keras.Model:
    """Layers that do something in training only."""
    image = keras.Input((48, 48, 3), name="image")
    x = layers.RandomFlip(name="flip")(layers.RandomRotation(0.2, name="turn")(image))
    x = layers.GaussianNoise(0.5, name="noise")(layers.RandomContrast(0.4, name="contrast")(x))
    x = layers.SpatialDropout2D(0.3, name="drop_maps")(_conv(x, 8, "first", strides=2))
    x = layers.Dropout(0.5, name="drop")(layers.GlobalAveragePooling2D(name="mean")(_conv(x, 16, "second")))
    return _finished(keras.Model(image, layers.Dense(CLASSES, name="classes")(x)))


def trains_in_inference() -> keras.Model:
    image = keras.Input((32, 32, 3), name="image")
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(image), training=True)
    return keras.Model(image, layers.ReLU(name="relu")(x))


def encoder_decoder() -> keras.Model:
    """Down and up again, with a bridge, as segmentation networks have."""
    image = keras.Input((None, None, 3), name="image")
    a = _conv(image, 8, "down1")
    b = _conv(layers.MaxPooling2D(name="pool1")(a), 16, "down2")
    c = layers.Conv2DTranspose(8, 2, strides=2, activation="relu", name="up1")(b)
    c = layers.Concatenate(name="bridge")([a, c])
    c = layers.SeparableConv2D(8, 3, strides=2, padding="same", name="apart")(c)
    d = layers.UpSampling2D(2, name="up2")(c)
    return _finished(keras.Model(image, layers.Conv2D(2, 1, name="mask")(d)))


BUILDERS: dict[str, Callable[[], keras.Model]] = {
    build.__name__: build
    for build in (
        *(plain, small_pictures, nested, twice_nested, shared, several, channels_first, grey),
        *(five_channels, vision_transformer, stock_transformer, mixed_precision, training_layers),
        encoder_decoder,
    )
}
