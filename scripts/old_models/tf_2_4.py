"""Models as tf.keras of TensorFlow 2.4 writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from recording import kind, numbers_of, run, shake, written
from tensorflow.keras import layers
from tensorflow.keras.layers.experimental import SyncBatchNormalization, preprocessing
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

keras = tf.keras


def classifier(image: Any, x: Any) -> Any:
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


@kind(
    "rescaling-tf24.h5", "experimental.preprocessing: Rescaling, Resizing, CenterCrop, augmentation", high=255
)
def rescaling() -> Any:
    image = keras.Input((40, 40, 3))
    x = preprocessing.RandomFlip("horizontal")(image)
    x = preprocessing.RandomRotation(0.1)(preprocessing.RandomZoom(0.1)(x))
    x = preprocessing.Resizing(32, 32)(preprocessing.CenterCrop(36, 36)(x))
    x = preprocessing.RandomContrast(0.1)(preprocessing.Rescaling(1.0 / 127.5, offset=-1.0)(x))
    return classifier(image, layers.Conv2D(6, 3, activation="relu")(x))


@kind(
    "normalization-adapted-tf24.h5", "Normalization adapted on pictures from 0 to 255", high=255, shaken=False
)
def normalization_adapted() -> Any:
    normalization = preprocessing.Normalization()
    pictures = 255.0 * tf.random.stateless_uniform((32, 16, 16, 3), seed=(1, 2)).numpy() ** 1.2
    normalization.adapt(pictures)
    mean, variance = normalization.mean.numpy(), normalization.variance.numpy()
    image = keras.Input((16, 16, 3))
    model = classifier(image, layers.Conv2D(6, 3, activation="relu")(normalization(image)))
    shake(model)
    normalization.mean.assign(mean)
    normalization.variance.assign(variance)
    return model


@kind(
    "preprocess-input-resnet-tf24.h5",
    "resnet50.preprocess_input in the network: BGR and Caffe's mean",
    high=255,
)
def preprocess_resnet() -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.applications.resnet50.preprocess_input(image)
    x = layers.Conv2D(
        6, 3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.005), activation="relu"
    )(x)
    return classifier(image, x)


@kind("preprocess-input-mobilenet-tf24.h5", "mobilenet_v2.preprocess_input in the network", high=255)
def preprocess_mobilenet() -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(image)
    return classifier(image, layers.Conv2D(6, 3, activation="relu")(x))


@kind(
    "preprocess-input-torch-tf24.h5",
    "densenet.preprocess_input in the network: ImageNet's mean and std",
    high=255,
)
def preprocess_torch() -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.applications.densenet.preprocess_input(image)
    return classifier(image, layers.Conv2D(6, 3, activation="relu")(x))


@kind(
    "functions-tf24.h5", "TensorFlow's functions as layers: resize, relu6, slices, concat, pad, reduce_mean"
)
def functions() -> Any:
    image = keras.Input((32, 32, 3))
    x = tf.image.resize(image * 2.0 - 1.0, (24, 24))
    x = tf.nn.relu6(layers.Conv2D(6, 3, padding="same")(x))
    x = tf.concat([x[:, ::2, ::2], tf.nn.max_pool2d(x, 2, 2, "VALID")], axis=-1)
    x = tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], mode="REFLECT")
    x = x + tf.math.sigmoid(layers.Conv2D(12, 1)(x)) * 0.5
    x = tf.math.reduce_mean(x[:, 1:-1], axis=[1, 2])
    return keras.Model(image, layers.Dense(5)(tf.math.l2_normalize(x, axis=-1)))


@kind(
    "more-functions-tf24.h5",
    "transpose, reshape, split, stack, squeeze, clip, square, matmul, expand_dims, swish",
)
def more_functions() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same")(image)
    x = tf.nn.swish(tf.clip_by_value(x, -1.0, 1.0))
    one, other = tf.split(x, 2, axis=-1)
    x = tf.reshape(tf.stack([one, other], axis=3), (-1, 16, 16, 6))
    x = tf.transpose(tf.transpose(x, (0, 3, 1, 2)) ** 2, (0, 2, 3, 1))
    weights = tf.nn.softmax(tf.expand_dims(tf.reduce_max(x, axis=(1, 2)), 1), axis=-1)
    flat = tf.matmul(weights, tf.reshape(x, (-1, 256, 6)), transpose_b=True)
    flat = tf.squeeze(flat, axis=1)
    flat = tf.where(flat > 0.1, tf.sqrt(tf.abs(flat) + 1e-3), tf.exp(-flat))
    return keras.Model(image, layers.Dense(5)(tf.subtract(flat, tf.reduce_mean(flat, -1, keepdims=True))))


@kind(
    "arithmetic-tf24.h5", "+ - * / of maps and numbers from both sides: __add__, truediv, negative, maximum"
)
def arithmetic() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same")(image)
    y = layers.Conv2D(4, 3, padding="same")(image)
    x = 1.0 - x / 2.0 + 3.0 * y - 1.0 / (2.0 + tf.abs(y))
    x = tf.maximum(x, 0.1 * y) - tf.minimum(-x, y)
    return classifier(image, tf.add_n([x, y, x * y]))


@kind(
    "activation-layers-tf24.h5",
    "activations by name, by function and as layers: gelu, swish, softplus, relu(alpha)",
)
def activation_layers() -> Any:
    image = x = keras.Input((16, 16, 3))
    for activation in ("gelu", "swish", "elu", tf.nn.leaky_relu, keras.activations.hard_sigmoid, "softsign"):
        x = layers.Conv2D(6, 3, padding="same", activation=activation)(x)
    x = keras.activations.relu(layers.Conv2D(6, 3)(x), alpha=0.1, max_value=2.0)
    x = keras.activations.tanh(layers.Conv2D(6, 3)(x))
    x = layers.ReLU(6.0, negative_slope=0.1)(layers.LeakyReLU(0.3)(layers.PReLU(shared_axes=[1, 2])(x)))
    return classifier(image, layers.Softmax(axis=-1)(layers.ELU(0.5)(x)))


@kind(
    "normalizations-tf24.h5",
    "LayerNormalization, SyncBatchNormalization, BatchNormalization renorm and fused=False",
)
def normalizations() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, use_bias=False)(image)
    x = layers.ReLU()(SyncBatchNormalization()(x))
    x = layers.LayerNormalization(axis=[1, 2, 3])(layers.Conv2D(6, 3)(x))
    x = layers.LayerNormalization()(layers.Conv2D(6, 3)(x))
    x = keras.layers.experimental.SyncBatchNormalization(axis=-1, momentum=0.9)(x)
    return classifier(image, layers.BatchNormalization(axis=1)(x))


@kind("renorm-tf24.h5", "BatchNormalization of TensorFlow 1 in tf.keras, with renorm")
def renorm() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, use_bias=False)(image)
    x = tf.compat.v1.keras.layers.BatchNormalization(renorm=True)(x)
    x = tf.compat.v1.keras.layers.BatchNormalization(fused=False)(layers.ReLU()(x))
    return classifier(image, x)


@kind("noise-tf24.h5", "layers that act in training only, in one Sequential without an Input")
def noise() -> Any:
    model = keras.Sequential(
        [
            layers.GaussianNoise(0.1),
            layers.Conv2D(6, 3, activation="selu"),
            layers.SpatialDropout2D(0.2),
            layers.AlphaDropout(0.1),
            layers.GaussianDropout(0.2),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )
    model.build((None, 16, 16, 3))
    return model


@kind("slash-names-tf24.h5", "layers with slashes in their names")
def slash_names() -> Any:
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(6, 3, name="block1/conv")(image)
    x = layers.ReLU(name="block1/relu")(layers.BatchNormalization(name="block1/conv/bn")(x))
    x = layers.Conv2D(6, 3, name="block1")(x)
    return classifier(image, x)


def inner(channels: int) -> Any:
    image = keras.Input((None, None, channels))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(image)
    return keras.Model(image, layers.BatchNormalization(name="bn")(x))


@kind(
    "inner-models-tf24.h5", "inner models whose layers have the same names, one called twice, one Sequential"
)
def inner_models() -> Any:
    image = keras.Input((16, 16, 3))
    first, second = inner(3), inner(4)
    x = second(second(first(image)))
    x = keras.Sequential([layers.Conv2D(4, 3, name="reduce"), inner(4)], name="head")(x)
    return classifier(image, x)


@kind("dict-inputs-tf24.h5", "inputs and outputs as dictionaries")
def dict_inputs() -> Any:
    image, age = keras.Input((16, 16, 3), name="image"), keras.Input((2,), name="age")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(image))
    x = layers.Concatenate()([x, age])
    outputs = {"kind": layers.Dense(5, name="kind")(x), "size": layers.Dense(1, name="size")(x)}
    return keras.Model({"image": image, "age": age}, outputs)


@kind("recurrent-tf24.h5", "GRU with reset_after, LSTM, StackedRNNCells, TimeDistributed convolutions")
def recurrent() -> Any:
    image = keras.Input((16, 24, 1))
    x = layers.Reshape((4, 4, 24, 1))(image)
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"))(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    x = layers.GRU(6, return_sequences=True)(layers.Masking()(x))
    x = layers.RNN([layers.LSTMCell(5), layers.GRUCell(5)], return_sequences=True)(x)
    return keras.Model(image, layers.Dense(5)(layers.LSTM(5, go_backwards=True)(x)))


@kind("attention-tf24.h5", "MultiHeadAttention, Attention, Embedding-free patches, EinsumDense")
def attention() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(image))
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(num_heads=2, key_dim=4)(y, y)])
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.experimental.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d")(x)
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


@kind(
    "groups-tf24.h5",
    "Conv2D with groups and with dilation, DepthwiseConv2D with a dilation rate, SeparableConv2D",
)
def groups() -> Any:
    image = keras.Input((24, 24, 3))
    x = layers.Conv2D(8, 3, dilation_rate=2, activation="relu")(image)
    x = layers.DepthwiseConv2D(3, dilation_rate=(2, 2), padding="same")(x)
    x = layers.SeparableConv2D(6, (1, 5), depth_multiplier=2, activation="relu")(x)
    x = layers.Conv2DTranspose(6, 2, strides=2, padding="valid")(layers.AveragePooling2D()(x))
    return classifier(image, layers.LocallyConnected2D(2, 3)(layers.Cropping2D(2)(x)))


@kind("unet-tf24.h5", "a U-Net with bilinear UpSampling2D and Conv2DTranspose")
def unet() -> Any:
    image = keras.Input((None, None, 1))
    a = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal")(image)
    b = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(a))
    c = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(b))
    x = layers.concatenate([layers.UpSampling2D(interpolation="bilinear")(c), b])
    x = layers.concatenate([layers.Conv2DTranspose(4, 2, strides=2, padding="same")(x), a])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


@kind(
    "compiled-trained-tf24.h5",
    "trained by fit() with Adam, with the optimizer's state in the file",
    shaken=False,
)
def compiled_trained() -> Any:
    model = plain_model()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    pictures = tf.random.stateless_uniform((64, 16, 16, 3), seed=(1, 2))
    model.fit(pictures, tf.argmax(tf.reduce_mean(pictures, (1, 2)), -1), epochs=3, verbose=0)
    return model


def plain_model() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(6, 3, activation="relu", input_shape=(16, 16, 3)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


@kind("plain-tf24.json", "to_json() and save_weights()")
def plain() -> Any:
    return plain_model()


@kind("plain-tf24-savedmodel", "model.save(folder)")
def plain_savedmodel() -> Any:
    return shake(plain_model())


@kind("functions-tf24-savedmodel", "TensorFlow's functions as layers, as a SavedModel")
def functions_savedmodel() -> Any:
    return functions()


@kind("decoder-tf24-savedmodel", "UpSampling2D bilinear, Conv2DTranspose and resize, as a SavedModel")
def decoder_savedmodel() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.UpSampling2D(interpolation="bilinear")(layers.Conv2D(6, 3, padding="same")(image))
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(image, tf.image.resize(x, (32, 32), method="nearest"))


class Subclassed(keras.Model):
    """A class of its own, as tutorials write them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(6, 3)
        self.bn = layers.BatchNormalization()
        self.dense = layers.Dense(5)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return logits [batch, 5]."""
        x = tf.nn.relu(self.bn(self.conv(x), training=training))
        return self.dense(tf.reduce_mean(x, [1, 2]))


@written("subclassed-tf24-savedmodel", "a subclassed keras.Model, as a SavedModel")
def subclassed(path: Path) -> Any:
    model = Subclassed()
    x = tf.random.stateless_uniform((2, 16, 16, 3), seed=(1, 2))
    model.predict(x)
    shake(model)
    model.save(str(path))
    return x.numpy(), [model.predict(x)]


@written("module-tf24-savedmodel", "a tf.Module with one tf.function, without Keras")
def module(path: Path) -> Any:
    network = tf.Module()
    network.kernel = tf.Variable(tf.random.stateless_normal((3, 3, 3, 6), seed=(1, 2)))
    network.dense = tf.Variable(tf.random.stateless_normal((6, 5), seed=(3, 4)))

    @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 3), tf.float32, name="image")])
    def serve(image: Any) -> Any:
        x = tf.nn.relu(tf.nn.conv2d(image, network.kernel, 2, "SAME"))
        return {"logits": tf.reduce_mean(x, [1, 2]) @ network.dense}

    network.serve = serve
    tf.saved_model.save(network, str(path), signatures=serve)
    x = tf.random.stateless_uniform((2, 16, 16, 3), seed=(1, 2))
    return x.numpy(), [serve(x)["logits"].numpy()]


@written("two-signatures-tf24-savedmodel", "two signatures: `serving_default` and `features`, uint8 pictures")
def two_signatures(path: Path) -> Any:
    model = shake(plain_model())
    features = keras.Model(model.input, model.layers[2].output)
    spec = tf.TensorSpec((None, 16, 16, 3), tf.uint8, name="image")

    @tf.function(input_signature=[spec])
    def serve(image: Any) -> Any:
        return {"logits": model(tf.cast(image, tf.float32) / 255.0)}

    @tf.function(input_signature=[spec])
    def embed(image: Any) -> Any:
        return {"features": features(tf.cast(image, tf.float32) / 255.0)}

    tf.saved_model.save(model, str(path), signatures={"serving_default": serve, "features": embed})
    x = tf.cast(255 * tf.random.stateless_uniform((2, 16, 16, 3), seed=(1, 2)), tf.uint8)
    return x.numpy(), [serve(x)["logits"].numpy()]


@kind(
    "adam-trained-tf24-savedmodel",
    "after fit() with Adam: the optimizer's slots in the file",
    shaken=False,
)
def adam_trained() -> Any:
    return compiled_trained()


@kind("mobilenet-tf24.h5", "MobileNet as an inner model of a Sequential, as transfer learning makes it")
def mobilenet() -> Any:
    inner = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    return keras.Sequential([inner, layers.GlobalAveragePooling2D(), layers.Dense(5)])


@written("frozen-tf24.pb", "a Keras model frozen by convert_variables_to_constants_v2")
def frozen(path: Path) -> Any:
    model = shake(plain_model())
    call = tf.function(model).get_concrete_function(tf.TensorSpec((None, 16, 16, 3), tf.float32))
    path.write_bytes(convert_variables_to_constants_v2(call).graph.as_graph_def().SerializeToString())
    return numbers_of(model, 1.0)


@written("checkpoint-tf24", "a folder of save_weights(): a checkpoint, no network; to be refused")
def checkpoint(path: Path) -> None:
    plain_model().save_weights(str(path / "weights"))


@written("plain-tf24.tflite", "a TensorFlow Lite file, to be refused")
def lite(path: Path) -> None:
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(plain_model()).convert())


@kind("conv3d-tf24.h5", "Conv3D: takes no picture, to be refused")
def conv3d() -> Any:
    return keras.Sequential(
        [layers.Conv3D(3, 3, input_shape=(8, 8, 8, 1)), layers.Flatten(), layers.Dense(2)]
    )


if __name__ == "__main__":
    run(keras)
