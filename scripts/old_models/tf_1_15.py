"""Models as TensorFlow 1.15 writes them: tf.keras files, frozen graphs, graphs as text, SavedModels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from recording import kind, run, written

keras = tf.keras
layers = tf.keras.layers
graph_util = tf.compat.v1.graph_util
fake_quant = tf.quantization.fake_quant_with_min_max_vars


# ---- tf.keras


@kind("op-layers-tf115.h5", "TensorFlow's functions as TensorFlowOpLayer, as TF 1.15 to 2.3 write them")
def op_layers() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same")(image / 127.5 - 1.0)
    x = tf.nn.relu6(x) + 0.5 * tf.sigmoid(x)
    return keras.Model(image, layers.Dense(5)(tf.reduce_mean(x, axis=[1, 2])))


@kind("batch-normalization-tf115.h5", "BatchNormalizationV1, fused=False, renorm, virtual names of TF 1")
def batch_normalization() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(6, 3, use_bias=False, input_shape=(16, 16, 3)),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.BatchNormalization(fused=False),
            layers.Conv2D(6, 3),
            layers.BatchNormalization(renorm=True),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation=tf.nn.softmax),
        ]
    )


@kind("recurrent-tf115.h5", "tf.keras GRU, LSTM and Bidirectional over the columns of a picture")
def recurrent() -> Any:
    image = keras.Input((16, 24, 1))
    x = layers.Reshape((24, 16))(layers.Permute((2, 1, 3))(image))
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    return keras.Model(image, layers.Dense(5)(layers.GRU(6)(x)))


@kind(
    "attributes-tf115.h5", "DepthwiseConv2D, SeparableConv2D, Conv2DTranspose, bilinear UpSampling2D, PReLU"
)
def attributes() -> Any:
    image = keras.Input((16, 16, 3))
    x = layers.SeparableConv2D(6, 3, padding="same", activation="relu")(image)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.UpSampling2D(interpolation="bilinear")(x))
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="elu")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


@kind("plain-tf115.json", "to_json() and save_weights() of tf.keras")
def plain() -> Any:
    return keras.Sequential(
        [layers.Conv2D(6, 3, activation="relu", input_shape=(16, 16, 3)), layers.Flatten(), layers.Dense(5)]
    )


# ---- frozen graphs


def variable(shape: Any, low: float = -0.4, high: float = 0.4) -> Any:
    return tf.compat.v1.get_variable(
        f"w{len(tf.compat.v1.global_variables())}",
        initializer=np.random.uniform(low, high, shape).astype(np.float32),
    )


def conv(x: Any, channels: int, name: str, stride: int = 1) -> Any:
    kernel = variable((3, 3, int(x.shape[3]), channels))
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, "SAME", name=name), variable((channels,)))


def classified(x: Any) -> Any:
    x = tf.reduce_mean(x, [1, 2])
    return tf.nn.softmax(tf.matmul(x, variable((int(x.shape[1]), 5))), name="probabilities")


def write_graph(
    path: Path,
    network: Callable[[Any], Any],
    x: np.ndarray,
    dtype: Any = tf.float32,
    fed: Any = None,
    batch: Any = None,
) -> Any:
    """Freeze a network and write it, as binary or as text (.pbtxt); return its numbers.

    Args:
        path: The file.
        network: What makes the output of the placeholder `image`.
        x: The picture or pictures of the reference.
        dtype: Of the placeholder.
        fed: What the placeholder gets instead of x, such as the bytes of a file.
        batch: How many pictures it takes, if it takes no other number.
    """
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        shape = x.shape if x.ndim == 3 else (batch, *x.shape[1:])
        if fed is not None:
            shape = ()
        image = tf.compat.v1.placeholder(dtype, shape, name="image")
        out = network(image)
        session.run(tf.compat.v1.global_variables_initializer())
        y = session.run(out, {image: x if fed is None else fed})
        frozen = graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [out.op.name])
    tf.io.write_graph(frozen, str(path.parent), path.name, as_text=path.suffix == ".pbtxt")
    return x, [y]


def pictures(channels: int = 3, high: float = 1.0) -> np.ndarray:
    return np.random.uniform(0, high, (2, 32, 32, channels)).astype(np.float32)


@written("slim-tf115.pb", "batch normalization by is_training=False, relu6, depthwise, as slim's MobileNets")
def slim(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = conv(image * 2.0 - 1.0, 6, "conv1", 2)
        x = tf.nn.relu6(tf.compat.v1.layers.batch_normalization(x, training=False, fused=True))
        x = tf.nn.depthwise_conv2d(x, variable((3, 3, 6, 1)), [1, 1, 1, 1], "SAME")
        return classified(tf.nn.relu6(x))

    return write_graph(path, network, pictures())


@written("inception-tf115.pb", "branches, LRN and max pooling, pixels minus 117, as Lucid's InceptionV1")
def inception(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = tf.nn.relu(conv(image - 117.0, 6, "conv2d0_pre_relu", 2) * 0.01, name="conv2d0")
        x = tf.nn.lrn(x, depth_radius=2, bias=1.0, alpha=2e-5, beta=0.75)
        parts = [tf.nn.relu(conv(x, 4, "a")), tf.nn.max_pool2d(x, 3, 1, "SAME")]
        x = tf.concat(parts, 3, name="mixed3a")
        return classified(tf.nn.avg_pool2d(x, 2, 2, "SAME"))

    return write_graph(path, network, pictures(high=255.0))


@written("caffe-range-tf115.pb", "pixels minus a mean each channel, as VGG16.npy graphs have it, BGR inside")
def caffe_range(path: Path) -> Any:
    def network(image: Any) -> Any:
        red, green, blue = tf.split(image, 3, 3)
        bgr = tf.concat([blue - 103.939, green - 116.779, red - 123.68], 3)
        return classified(tf.nn.relu(conv(bgr * 0.02, 6, "conv1_1")))

    return write_graph(path, network, pictures(high=255.0))


@written(
    "one-picture-tf115.pb", "a picture without a batch axis, divided by 255, then expand_dims and resize"
)
def one_picture(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = tf.compat.v1.image.resize_bilinear(tf.expand_dims(image / 255.0, 0), (24, 24))
        return classified(tf.nn.relu(conv(x, 6, "conv1")))

    return write_graph(path, network, pictures(high=255.0)[0])


@written("switch-tf115.pb", "is_training as a placeholder with a default: Switch and Merge in the graph")
def switch(path: Path) -> Any:
    def network(image: Any) -> Any:
        training = tf.compat.v1.placeholder_with_default(False, (), name="is_training")
        x = conv(image, 6, "conv1")
        x = tf.compat.v1.layers.batch_normalization(x, training=training)
        x = tf.compat.v1.layers.dropout(tf.nn.relu(x), 0.5, training=training)
        return classified(x)

    return write_graph(path, network, pictures())


@written("decoder-tf115.pb", "conv2d_transpose, depth_to_space, resize_nearest_neighbor, tanh")
def decoder(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = tf.nn.leaky_relu(conv(image, 8, "conv1", 2))
        x = tf.nn.depth_to_space(x, 2)
        shape = tf.stack([tf.shape(image)[0], 64, 64, 3])
        x = tf.nn.conv2d_transpose(x, variable((3, 3, 3, 2)), shape, 2, "SAME")
        return tf.nn.tanh(tf.compat.v1.image.resize_nearest_neighbor(x, (32, 32)), name="picture")

    return write_graph(path, network, pictures())


@written("standardized-tf115.pb", "each picture standardized by its own mean and deviation")
def standardized(path: Path) -> Any:
    def network(image: Any) -> Any:
        mean, variance = tf.nn.moments(image, [1, 2, 3], keep_dims=True)
        return classified(tf.nn.relu(conv((image - mean) / tf.sqrt(variance + 1e-6), 6, "conv1")))

    return write_graph(path, network, pictures(high=255.0))


@written(
    "resnet-v1-tf115.pb", "tf.compat.v1.layers: residual blocks, fixed padding, strided slices of the end"
)
def resnet(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = tf.compat.v1.layers.conv2d(x, 6, 3, 2, padding="valid", use_bias=False)
        for _ in range(2):
            y = tf.nn.relu(tf.compat.v1.layers.batch_normalization(x))
            x = x + tf.compat.v1.layers.conv2d(y, 6, 3, padding="same", use_bias=False)
        x = tf.reduce_mean(tf.nn.relu(x), [1, 2], keepdims=True)
        logits = tf.squeeze(tf.compat.v1.layers.conv2d(x, 6, 1), [1, 2])[:, 1:]
        return tf.nn.softmax(logits)

    return write_graph(path, network, pictures())


@written("mnist-tf115.pb", "TensorFlow 1's MNIST tutorial: 784 numbers, reshape, dropout by keep_prob")
def mnist(path: Path) -> Any:
    def network(digits: Any) -> Any:
        keep = tf.compat.v1.placeholder_with_default(1.0, (), name="keep_prob")
        x = tf.nn.relu(conv(tf.reshape(digits, [-1, 28, 28, 1]), 6, "conv1"))
        x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "SAME"), [-1, 14 * 14 * 6])
        x = tf.nn.dropout(tf.nn.relu(tf.matmul(x, variable((14 * 14 * 6, 16)))), keep)
        return tf.add(tf.matmul(x, variable((16, 10))), variable((10,)), name="logits")

    return write_graph(path, network, np.random.uniform(0, 1, (2, 784)).astype(np.float32))


@written("jpeg-bytes-tf115.pb", "the bytes of a JPEG file as input, decoded, cast, resized and scaled")
def jpeg_bytes(path: Path) -> Any:
    photo = np.random.randint(0, 255, (4, 4, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        packed = session.run(tf.image.encode_jpeg(photo))
        unpacked = session.run(tf.image.decode_jpeg(packed))

    def network(contents: Any) -> Any:
        picture = tf.cast(tf.image.decode_jpeg(contents, channels=3), tf.float32)
        x = tf.compat.v1.image.resize_bilinear(tf.expand_dims(picture, 0), (24, 24))
        return classified(tf.nn.relu(conv((x - 128.0) * (1 / 128.0), 6, "conv1")))

    return write_graph(path, network, unpacked, tf.string, packed)


@written("fake-quantization-tf115.pb", "FakeQuant ops, as quantization-aware training leaves them")
def fake_quantization(path: Path) -> Any:
    def network(image: Any) -> Any:
        kernel = tf.quantization.fake_quant_with_min_max_vars(
            variable((3, 3, 3, 6)), -0.5, 0.5, narrow_range=True
        )
        x = tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(image, kernel, 2, "SAME"), variable((6,))))
        return classified(fake_quant(x, 0.0, 6.0))

    return write_graph(path, network, pictures())


@written(
    "batch-statistics-tf115.pb",
    "batch normalization that is not fused: the batch's statistics beside those of training",
)
def batch_statistics(path: Path) -> Any:
    def network(image: Any) -> Any:
        training = tf.compat.v1.placeholder_with_default(False, (), name="is_training")
        x = conv(image, 6, "conv1")
        return classified(
            tf.nn.relu(tf.compat.v1.layers.batch_normalization(x, training=training, fused=False))
        )

    return write_graph(path, network, pictures())


@written(
    "fixed-batch-tf115.pb", "frozen for the two pictures of a batch: Tensordot, Reshape and conv2d_transpose"
)
def fixed_batch(path: Path) -> Any:
    def network(image: Any) -> Any:
        x = tf.compat.v1.layers.dense(conv(image, 6, "conv1", 2), 8, activation=tf.nn.relu)
        x = tf.nn.conv2d_transpose(x, variable((3, 3, 4, 8)), (2, 32, 32, 4), 2, "SAME")
        return tf.matmul(tf.reshape(x, [2, -1]), variable((32 * 32 * 4, 5)), name="logits")

    return write_graph(path, network, pictures(), batch=2)


@written("detector-tf115.pb", "scores for each box, then non-max suppression in a loop, as detectors end")
def detector(path: Path) -> None:
    def network(image: Any) -> Any:
        x = tf.nn.relu(conv(image, 6, "conv1", 4))
        scores = tf.sigmoid(tf.reshape(conv(x, 1, "score"), [-1, 64]), name="scores")
        boxes = tf.reshape(conv(x, 4, "box"), [-1, 64, 4])
        chosen = tf.map_fn(
            lambda one: tf.image.non_max_suppression_padded(*one, 5, pad_to_max_output_size=True)[0],
            (boxes, scores),
            dtype=tf.int32,
        )
        return tf.gather(scores, chosen, axis=1, name="best")

    write_graph(path, network, pictures())  # whose best boxes fvcli leaves out


@written("uint8-tf115.pb", "a uint8 placeholder, cast and divided by 255")
def uint8(path: Path) -> Any:
    def network(image: Any) -> Any:
        return classified(tf.nn.relu(conv(tf.cast(image, tf.float32) / 255.0, 6, "conv1")))

    return write_graph(path, network, pictures(high=255.0).astype(np.uint8), dtype=tf.uint8)


@written("text-tf115.pbtxt", "a frozen graph as text")
def as_text(path: Path) -> Any:
    return write_graph(path, lambda image: classified(tf.nn.relu(conv(image, 4, "conv1"))), pictures())


@written("checkpoint-tf115", "a folder of tf.train.Saver: .meta, .index, .data; not frozen, to be refused")
def checkpoint(path: Path) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        classified(conv(tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3), name="image"), 4, "conv1"))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(path / "model.ckpt"))


@written("unfrozen-tf115.pb", "a graph with its variables as variables, to be refused")
def unfrozen(path: Path) -> None:
    with tf.Graph().as_default() as graph:
        classified(conv(tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3), name="image"), 4, "conv1"))
    tf.io.write_graph(graph, str(path.parent), path.name, as_text=False)


@written("simple-save-tf115-savedmodel", "a SavedModel of TensorFlow 1, by simple_save")
def simple_save(path: Path) -> Any:
    x = pictures()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3), name="image")
        out = classified(tf.nn.relu(conv(image, 6, "conv1")))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(path), {"image": image}, {"probabilities": out})
        return x, [session.run(out, {image: x})]


if __name__ == "__main__":
    run(keras)
