"""Models as tf.keras of TensorFlow 2.15 writes them, the last with Keras 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from recording import kind, numbers_of, run, shake, written

keras = tf.keras
layers = tf.keras.layers


def classifier(image: Any, x: Any) -> Any:
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


def transfer(preprocess: Any, backbone: Any) -> Any:
    image = keras.Input((48, 48, 3))
    x = layers.RandomRotation(0.2)(layers.RandomFlip("horizontal")(image))
    x = layers.GlobalAveragePooling2D()(backbone(preprocess(x), training=False))
    return keras.Model(image, layers.Dense(5)(layers.Dropout(0.2)(x)))


def small_backbone() -> Any:
    image = keras.Input((48, 48, 3))
    x = layers.Conv2D(
        6, 3, 2, use_bias=False, name="conv1", kernel_initializer=keras.initializers.RandomNormal()
    )(image)
    x = layers.ReLU(6.0, name="relu1")(layers.BatchNormalization(name="bn1")(x))
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    return keras.Model(image, layers.ReLU(name="out_relu")(x), name="backbone")


# As .keras this version cannot save it, because of the Ellipsis in x[..., ::-1].
@kind(
    "transfer-resnet-tf215.h5",
    "resnet50.preprocess_input (BGR, Caffe's mean) before an inner model",
    high=255,
)
def transfer_resnet() -> Any:
    return transfer(keras.applications.resnet50.preprocess_input, small_backbone())


@kind("transfer-rescaling-tf215.keras", "Rescaling(1/127.5, offset=-1) before an inner model", high=255)
def transfer_rescaling() -> Any:
    return transfer(layers.Rescaling(1 / 127.5, offset=-1), small_backbone())


@kind(
    "flowers-tf215.keras",
    "TensorFlow's flowers tutorial: augmentation in a Sequential, Rescaling(1/255)",
    high=255,
)
def flowers() -> Any:
    augmentation = [layers.RandomFlip("horizontal", input_shape=(48, 48, 3)), layers.RandomZoom(0.1)]
    return keras.Sequential(
        [
            keras.Sequential([*augmentation, layers.RandomContrast(0.1), layers.RandomTranslation(0.1, 0.1)]),
            layers.Rescaling(1.0 / 255),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(5, name="outputs"),
        ]
    )


@kind("flowers-tf215.h5", "the same as .h5", high=255)
def flowers_h5() -> Any:
    return flowers()


@kind(
    "functions-tf215.keras",
    "TensorFlow's functions as layers: resize, relu6, slices, concat, pad, reduce_mean",
)
def functions() -> Any:
    image = keras.Input((32, 32, 3))
    x = tf.image.resize(image * 2.0 - 1.0, (24, 24), method="bilinear")
    x = tf.nn.relu6(layers.Conv2D(6, 3, padding="same")(x))
    x = tf.concat([x[:, ::2, ::2], tf.nn.avg_pool2d(x, 2, 2, "VALID")], axis=-1)
    x = tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]])
    x = tf.math.multiply(x, tf.math.sigmoid(layers.Conv2D(12, 1)(x)))
    x = tf.stack([tf.math.reduce_mean(x, [1, 2]), tf.math.reduce_max(x[:, 1:-1, :, ::-1], [1, 2])], axis=1)
    return keras.Model(image, layers.Dense(5)(tf.reshape(x, (-1, 24))))


@kind("functions-tf215.h5", "the same as .h5")
def functions_h5() -> Any:
    return functions()


@kind("backend-functions-tf215.keras", "keras.backend, keras.activations and layers by operators")
def backend_functions() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="gelu")(image)
    x = keras.activations.swish(layers.Conv2D(6, 3)(x))
    x = keras.backend.relu(x, alpha=0.1) + keras.activations.gelu(x, approximate=True)
    x = keras.activations.softmax(layers.Conv2D(6, 3, activation=tf.nn.silu)(x), axis=-1)
    x = (x - keras.backend.mean(x, axis=[1, 2], keepdims=True)) / (
        keras.backend.std(x, axis=-1, keepdims=True) + 1.0
    )
    return classifier(image, x**2)


@kind("normalizations-tf215.keras", "GroupNormalization, UnitNormalization, LayerNormalization, synchronized")
def normalizations() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.BatchNormalization(synchronized=True)(layers.Conv2D(8, 3, use_bias=False)(image))
    x = layers.GroupNormalization(groups=4)(layers.Conv2D(8, 3)(layers.ReLU()(x)))
    x = layers.LayerNormalization(axis=-1)(layers.Conv2D(8, 3)(x))
    x = layers.UnitNormalization(axis=-1)(layers.LayerNormalization(axis=[1, 2, 3])(x))
    return classifier(image, x)


@kind("normalizations-tf215.h5", "the same as .h5")
def normalizations_h5() -> Any:
    return normalizations()


@kind("spectral-tf215.keras", "SpectralNormalization around a convolution")
def spectral() -> Any:
    image = keras.Input((16, 16, 3))
    return classifier(image, layers.SpectralNormalization(layers.Conv2D(6, 3))(image))


@kind(
    "activation-layers-tf215.keras",
    "LeakyReLU(alpha), ThresholdedReLU, PReLU, ELU, ReLU, Softmax, mish, activations",
)
def activation_layers() -> Any:
    image = x = keras.Input((16, 16, 3))
    made = [
        layers.LeakyReLU(alpha=0.2),
        layers.ThresholdedReLU(theta=0.2),
        layers.PReLU(shared_axes=[1, 2]),
        layers.ELU(0.5),
        layers.ReLU(max_value=4.0, negative_slope=0.1, threshold=0.2),
        layers.Activation("mish"),
        layers.Activation("hard_sigmoid"),
        layers.Activation(keras.activations.exponential),
        layers.Softmax(axis=[1, 2]),
    ]
    for activation in made:
        x = activation(layers.Conv2D(6, 3, padding="same")(x))
    return classifier(image, x)


@kind("activation-layers-tf215.h5", "the same as .h5")
def activation_layers_h5() -> Any:
    return activation_layers()


@kind("locally-connected-tf215.keras", "LocallyConnected2D, which Keras 3 has no more")
def locally_connected() -> Any:
    image = keras.Input((12, 12, 3))
    return classifier(image, layers.LocallyConnected2D(4, 3, activation="relu")(image))


@kind("locally-connected-matrix-tf215.h5", "LocallyConnected2D and 1D that keep their kernel in other ways")
def locally_connected_matrix() -> Any:
    image = keras.Input((8, 8, 3))
    x = layers.LocallyConnected2D(4, 3, strides=2, padding="same", implementation=2)(image)
    x = layers.LocallyConnected2D(4, 2, padding="same", implementation=3)(x)
    x = layers.LocallyConnected1D(4, 3, activation="relu")(layers.Reshape((16, 4))(x))
    return keras.Model(image, layers.Dense(5)(layers.Flatten()(x)))


@kind("layer-activations-tf215.keras", "layers as activations, one with weights: LeakyReLU, PReLU")
def layer_activations() -> Any:
    image = keras.Input((12, 12, 3))
    prelu = layers.PReLU(shared_axes=[1, 2], alpha_initializer="uniform")
    x = layers.Conv2D(4, 3, activation=prelu)(image)
    return classifier(image, layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.1))(x))


@kind("mnist-mlp-tf215.h5", "Keras's MNIST example without convolutions: 784 numbers, size_px: 28")
def mnist_mlp() -> Any:
    return keras.Sequential([layers.Dense(16, activation="relu", input_dim=784), layers.Dense(10)])


@kind("inception-resnet-tf215.keras", "InceptionResNetV2, with the layer that only keras.applications has")
def inception_resnet() -> Any:
    return keras.applications.InceptionResNetV2(weights=None, input_shape=(75, 75, 3), classes=5)


@kind("dict-inputs-tf215.keras", "inputs and outputs as dictionaries")
def dict_inputs() -> Any:
    image, age = keras.Input((16, 16, 3), name="image"), keras.Input((2,), name="age")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(image))
    x = layers.Concatenate()([x, age])
    outputs = {"kind": layers.Dense(5, name="kind")(x), "size": layers.Dense(1, name="size")(x)}
    return keras.Model({"image": image, "age": age}, outputs)


def inner(channels: int) -> Any:
    image = keras.Input((None, None, channels))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(image)
    return keras.Model(image, layers.BatchNormalization(name="bn")(x))


@kind(
    "inner-models-tf215.keras",
    "inner models whose layers have the same names, one called twice, slashes in names",
)
def inner_models() -> Any:
    image = keras.Input((16, 16, 3))
    first, second = inner(3), inner(4)
    x = second(second(first(image)))
    x = keras.Sequential([layers.Conv2D(4, 3, name="conv"), inner(4)], name="head")(x)
    return classifier(image, layers.Conv2D(4, 3, name="block1_conv")(x))


@kind("recurrent-tf215.keras", "Bidirectional GRU, ConvLSTM2D over patches, TimeDistributed, Masking")
def recurrent() -> Any:
    image = keras.Input((16, 24, 1))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"))(layers.Reshape((4, 4, 24, 1))(image))
    x = layers.ConvLSTM2D(4, 2, return_sequences=True)(x)
    x = layers.Masking()(layers.TimeDistributed(layers.Flatten())(x))
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True), merge_mode="sum")(x)
    return keras.Model(image, layers.Dense(5)(layers.SimpleRNN(5)(x)))


@kind("attention-tf215.keras", "MultiHeadAttention, EinsumDense, class token as a weight of an Embedding")
def attention() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4)(image))
    x = x + layers.Embedding(16, 8)(tf.range(16))
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(num_heads=2, key_dim=4)(y, y)])
    x = x + layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d", activation="gelu")(x)
    return keras.Model(image, layers.Dense(5)(x[:, 0]))


@kind(
    "squeeze-excite-tf215.keras",
    "EfficientNet's block: swish, squeeze and excite with keepdims, Rescaling inside",
    high=255,
)
def squeeze_excite() -> Any:
    image = keras.Input((32, 32, 3))
    x = layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.0525, 0.0502, 0.0506])(
        layers.Rescaling(1 / 255.0)(image)
    )
    x = layers.Rescaling([1 / 0.229**0.5, 1 / 0.224**0.5, 1 / 0.225**0.5])(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.Activation("swish")(layers.BatchNormalization()(layers.Conv2D(8, 3, 2, use_bias=False)(x)))
    y = layers.Conv2D(2, 1, activation="swish")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.multiply([x, layers.Conv2D(8, 1, activation="sigmoid")(y)])
    return classifier(image, layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(x))


@kind("mixed-float16-tf215.keras", "mixed_float16, with a float32 head")
def mixed_float16() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, dtype="mixed_float16")(image)
    x = layers.ReLU(dtype="mixed_float16")(layers.BatchNormalization(dtype="mixed_float16")(x))
    return keras.Model(image, layers.Dense(5, dtype="float32")(layers.GlobalAveragePooling2D()(x)))


def plain_model() -> Any:
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


@kind("compiled-trained-tf215.keras", "trained by fit() with AdamW, with the optimizer's state", shaken=False)
def compiled_trained() -> Any:
    model = plain_model()
    model.compile(
        keras.optimizers.AdamW(), keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
    )
    pictures = tf.random.stateless_uniform((64, 16, 16, 3), seed=(1, 2))
    model.fit(pictures, tf.argmax(tf.reduce_mean(pictures, (1, 2)), -1), epochs=3, verbose=0)
    return model


@kind("compiled-trained-tf215.h5", "the same as .h5", shaken=False)
def compiled_trained_h5() -> Any:
    return compiled_trained()


@written("weights-v3-tf215.json", "to_json() and save_weights() as model.weights.h5, the layout of .keras")
def weights_v3(path: Path) -> Any:
    model = shake(plain_model())
    path.write_text(model.to_json())
    model.save_weights(str(path.with_name(path.stem + ".weights.h5")))
    return numbers_of(model, 1.0)


@kind("attention-tf215-savedmodel", "a small Vision Transformer as a SavedModel")
def attention_savedmodel() -> Any:
    return attention()


@kind("plain-tf215-savedmodel", "model.save(folder, save_format='tf')")
def plain_savedmodel() -> Any:
    return plain_model()


@kind("flowers-tf215-export", "model.export(): endpoint `serve`", high=255)
def flowers_export() -> Any:
    return flowers()


@kind("normalizations-tf215-savedmodel", "GroupNormalization and LayerNormalization in a SavedModel")
def normalizations_savedmodel() -> Any:
    return normalizations()


@kind("unet-tf215.keras", "a U-Net for pictures of any size, bicubic UpSampling2D, Conv2DTranspose")
def unet() -> Any:
    image = keras.Input((None, None, 3))
    a = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal")(image)
    b = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(a))
    c = layers.SeparableConv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(b))
    x = layers.concatenate([layers.UpSampling2D(interpolation="bicubic")(c), b])
    x = layers.concatenate([layers.Conv2DTranspose(4, 2, strides=2, padding="same")(x), a])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


@keras.utils.register_keras_serializable("mine")
class Scale(layers.Layer):
    """A layer of one's own."""

    def call(self, x: Any) -> Any:
        """Return twice the input."""
        return 2.0 * x


@kind("custom-layer-tf215.keras", "a registered layer of one's own: to be refused with the way by a factory")
def custom_layer() -> Any:
    image = keras.Input((16, 16, 3))
    return classifier(image, layers.Conv2D(4, 3)(Scale()(image)))


@kind("lambda-tf215.keras", "a Lambda layer: Python code in the file, to be refused")
def with_lambda() -> Any:
    image = keras.Input((16, 16, 3))
    return classifier(image, layers.Conv2D(4, 3)(layers.Lambda(lambda x: x / 127.5 - 1.0)(image)))


class Subclassed(keras.Model):
    """A class of its own, without a graph of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(6, 3)
        self.dense = layers.Dense(5)

    def call(self, x: Any) -> Any:
        """Return logits [batch, 5]."""
        return self.dense(tf.reduce_mean(tf.nn.relu(self.conv(x)), [1, 2]))


@written("subclassed-tf215-export", "a subclassed keras.Model, exported")
def subclassed(path: Path) -> Any:
    model = Subclassed()
    x = tf.random.stateless_uniform((2, 16, 16, 3), seed=(1, 2))
    model.predict(x, verbose=0)
    shake(model)
    model.export(str(path))
    return x.numpy(), [model.predict(x, verbose=0)]


if __name__ == "__main__":
    run(keras)
