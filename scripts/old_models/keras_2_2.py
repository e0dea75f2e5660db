"""Models as Keras 2.2.4 writes them, on TensorFlow 1.15."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers
from recording import kind, run


def conv_bn(x: Any, channels: int, size: int = 3, **more: Any) -> Any:
    x = layers.Conv2D(channels, size, padding="same", use_bias=False, **more)(x)
    return layers.Activation("relu")(layers.BatchNormalization(scale=False)(x))


@kind("googlenet-keras224.h5", "branches that are concatenated, as in GoogLeNet and Inception v3")
def googlenet() -> Any:
    image = layers.Input((32, 32, 3))
    x = conv_bn(image, 8, strides=2)
    for _ in range(2):
        pooled = layers.AveragePooling2D(3, strides=1, padding="same")(x)
        x = layers.concatenate(
            [conv_bn(x, 4, 1), conv_bn(conv_bn(x, 4, 1), 6), conv_bn(pooled, 4, 1)], axis=3
        )
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(5, activation="softmax")(x))


@kind("locally-connected-keras224.h5", "LocallyConnected2D, which Keras 3 has no more")
def locally_connected() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(16, 16, 1)),
            layers.LocallyConnected2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


def recurrent(layer: Any) -> Any:
    image = layers.Input((16, 24, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((24, 64))(x)
    x = layers.TimeDistributed(layers.Dense(8, activation="relu"))(x)
    return keras.Model(image, layers.Dense(5, activation="softmax")(layer(x)))


@kind("gru-keras224.h5", "GRU of Keras 2.2: reset_after=False, hard_sigmoid")
def gru() -> Any:
    return recurrent(layers.GRU(6))


@kind("gru-reset-after-keras224.h5", "GRU with reset_after, inside Bidirectional, with Masking before it")
def gru_reset_after() -> Any:
    gru = layers.Bidirectional(layers.GRU(6, reset_after=True, recurrent_activation="sigmoid"))
    return recurrent(lambda x: gru(layers.Masking(0.0)(x)))


@kind(
    "noise-keras224.h5", "layers that act in training only: SpatialDropout, GaussianNoise, AlphaDropout; selu"
)
def noise() -> Any:
    return keras.Sequential(
        [
            layers.GaussianNoise(0.1, input_shape=(16, 16, 3)),
            layers.Conv2D(6, 3, activation="selu", kernel_initializer="lecun_normal"),
            layers.SpatialDropout2D(0.2),
            layers.GaussianDropout(0.2),
            layers.ActivityRegularization(l1=0.01),
            layers.Conv2D(6, 3, kernel_regularizer=keras.regularizers.l2(1e-4)),
            layers.AlphaDropout(0.1),
            layers.Flatten(),
            layers.Dense(5, kernel_constraint=keras.constraints.max_norm(2.0)),
        ]
    )


@kind(
    "activations-keras224.h5",
    "LeakyReLU, ELU, PReLU, ThresholdedReLU, ReLU with max_value and threshold, Softmax",
)
def activations() -> Any:
    image = x = layers.Input((16, 16, 3))
    made = [
        layers.LeakyReLU(alpha=0.2),
        layers.ELU(alpha=0.7),
        layers.PReLU(shared_axes=[1, 2], alpha_initializer="uniform"),
        layers.ThresholdedReLU(theta=0.2),
        layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.1),
        layers.Softmax(axis=-1),
    ]
    for activation in made:
        x = activation(layers.Conv2D(6, 3, padding="same")(x))
    x = layers.Activation("softsign")(layers.Activation("softplus")(layers.Activation("exponential")(x)))
    return keras.Model(image, layers.Dense(5, activation="tanh")(layers.Flatten()(x)))


@kind("normalization-axis-keras224.h5", "BatchNormalization over axis 1 of pictures with their channels last")
def normalization_axis() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(6, 3, input_shape=(16, 16, 3)),
            layers.BatchNormalization(axis=1, epsilon=1e-5),
            layers.Activation("relu"),
            layers.BatchNormalization(center=False, scale=False),
            layers.GlobalMaxPooling2D(),
            layers.Dense(5),
        ]
    )


@kind("decoder-keras224.h5", "UpSampling2D bilinear and nearest, Cropping2D, ZeroPadding2D, Conv2DTranspose")
def decoder() -> Any:
    return keras.Sequential(
        [
            layers.ZeroPadding2D(((1, 0), (2, 1)), input_shape=(15, 13, 3)),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1, activation="relu"),
            layers.Cropping2D(((1, 2), (0, 3))),
            layers.UpSampling2D((1, 2)),
            layers.SeparableConv2D(3, 3, padding="same", activation="sigmoid"),
        ]
    )


@kind(
    "squeeze-excite-keras224.h5",
    "Multiply of a map with one number a channel; Average, Maximum, Subtract, Dot",
)
def squeeze_excite() -> Any:
    image = layers.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    weight = layers.Reshape((1, 1, 6))(layers.GlobalAveragePooling2D()(x))
    weight = layers.Dense(6, activation="hard_sigmoid")(weight)
    x = layers.multiply([x, weight])
    other = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
    x = layers.concatenate(
        [layers.average([x, other]), layers.maximum([x, other]), layers.subtract([x, other])]
    )
    flat = layers.Reshape((256, 18))(x)
    gram = layers.Dot(axes=1, normalize=True)([flat, flat])
    return keras.Model(image, layers.Dense(5)(layers.Flatten()(gram)))


@kind("shared-keras224.h5", "a layer called twice and an inner model called twice")
def shared() -> Any:
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    inside = layers.Input((16, 16, 3))
    inner = keras.Model(inside, layers.Conv2D(4, 3, activation="relu")(conv(inside)), name="inner")
    image = layers.Input((16, 16, 3))
    x = conv(image)
    both = layers.concatenate([inner(x), inner(conv(x))])
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(both)))


@kind(
    "two-inputs-keras224.h5", "a picture and numbers, two outputs; the second input of the reference is zeros"
)
def two_inputs() -> Any:
    image, age = layers.Input((16, 16, 3), name="image"), layers.Input((2,), name="age")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(image))
    x = layers.concatenate([x, layers.Dense(3, activation="relu")(age)])
    return keras.Model([image, age], [layers.Dense(5, name="kind")(x), layers.Dense(1, name="size")(x)])


@kind("functional-in-sequential-keras224.h5", "a functional model as the first layer of a Sequential")
def functional_in_sequential() -> Any:
    image = layers.Input((16, 16, 3))
    inner = keras.Model(image, conv_bn(conv_bn(image, 4), 6, 3, strides=2), name="backbone")
    return keras.Sequential([inner, layers.GlobalAveragePooling2D(), layers.Dense(5, activation="softmax")])


@kind("autoencoder-keras224.h5", "two functional models, the second called on the output of the first")
def autoencoder() -> Any:
    image, code = layers.Input((16, 16, 1)), layers.Input((8, 8, 4))
    encoder = keras.Model(image, layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image))
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(code)
    decoder = keras.Model(code, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
    return keras.Model(image, decoder(encoder(image)))


@kind(
    "mnist-cnn-keras224.h5",
    "Keras's MNIST example after fit(), with the optimizer's state",
    shaken=False,
)
def mnist_cnn() -> Any:
    model = keras.Sequential()
    model.add(layers.Conv2D(8, kernel_size=(3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(
        loss="categorical_crossentropy", optimizer=keras.optimizers.Adadelta(), metrics=["accuracy"]
    )
    digits = np.random.RandomState(0).uniform(size=(64, 28, 28, 1))
    model.fit(digits, np.eye(10)[np.arange(64) % 10], epochs=2, verbose=0)
    return model


@kind("plain-keras224.json", "to_json() and save_weights()")
def plain() -> Any:
    model = keras.Sequential(name="plain")
    model.add(layers.Conv2D(6, (3, 3), activation="relu", input_shape=(16, 16, 3)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(5, activation="softmax"))
    return model


@kind(
    "channels-first-keras224.h5", "a network of pictures with their channels first, up to where this can run"
)
def channels_first() -> Any:
    image = layers.Input((3, 16, 16))
    x = layers.Permute((2, 3, 1))(image)
    x = layers.Conv2D(6, 3, activation="relu")(x)
    x = layers.Permute((3, 1, 2))(x)
    x = layers.BatchNormalization(axis=1)(x)
    return keras.Model(image, layers.Dense(5)(layers.Flatten("channels_first")(x)))


@kind("conv-lstm-keras224.h5", "ConvLSTM2D over frames: a film, to be refused")
def conv_lstm() -> Any:
    return keras.Sequential(
        [layers.ConvLSTM2D(3, 3, input_shape=(4, 12, 12, 1)), layers.Flatten(), layers.Dense(2)]
    )


@kind("conv3d-keras224.h5", "Conv3D: takes no picture, to be refused")
def conv3d() -> Any:
    return keras.Sequential(
        [layers.Conv3D(3, 3, input_shape=(8, 8, 8, 1)), layers.Flatten(), layers.Dense(2)]
    )


@kind("lambda-keras224.h5", "a Lambda layer: Python code in the file, to be refused")
def with_lambda() -> Any:
    return keras.Sequential(
        [
            layers.Lambda(lambda x: x / 127.5 - 1.0, input_shape=(16, 16, 3)),
            layers.Conv2D(4, 3),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


if __name__ == "__main__":
    run(keras)
