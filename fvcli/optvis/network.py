"""Prepare a model for ascent: cut it at the layers that are read, redirect its ReLUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from fvcli.optvis.relu import RedirectedReLU, Switch

Network = Callable[[tf.Tensor, tf.Tensor], Callable[[str], tf.Tensor]]


def cut(
    model: keras.Model,
    layers: Sequence[str],
    value_range: tuple[float, float] = (-1.0, 1.0),
    jit_compile: bool = False,
) -> Network:
    """Return the part of a model that the layers need, with redirectable ReLUs.

    Args:
        model: A functional Keras model whose outputs are a dict by layer name.
        layers: The layers to read.
        value_range: What the model takes for 0 and 1 in a picture.
        jit_compile: Compile this part with XLA (pays on GPUs with a fixed input size).

    Returns:
        A function of images [batch, h, w, c] in [0, 1] and a scalar bool (redirect) that gives T:
        layer name -> activations [batch, h, w, channels], h = w = 1 for vectors.
    """
    wanted = keras.Model(model.input, {name: model.output[name] for name in layers})
    switch = Switch()

    def redirected(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.ReLU):
            return RedirectedReLU(switch, layer.max_value, name=layer.name)
        return layer  # shared with the whole model, weights and all

    redirectable = keras.models.clone_model(wanted, clone_function=redirected)
    low, high = value_range

    def run(images: tf.Tensor, redirect: tf.Tensor) -> dict[str, tf.Tensor]:
        switch.on = redirect
        return redirectable(low + images * (high - low), training=False)

    compiled = tf.function(run, jit_compile=True) if jit_compile else run

    def network(images: tf.Tensor, redirect: tf.Tensor) -> Callable[[str], tf.Tensor]:
        acts = compiled(images, redirect)
        return lambda layer: _as_map(acts[layer])

    return network


def _as_map(tensor: tf.Tensor) -> tf.Tensor:
    return tensor if tensor.shape.rank == 4 else tensor[:, None, None, :]
