"""Random Keras graphs, odder than anybody would write: whatever Keras can wire.

Shared layers and nested models, inputs and outputs in lists, tuples and dicts, channels first, permuted axes,
merges of all kinds, functions of keras.ops, masks, integers and flat inputs; the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

SIDE = 8
Tensor = keras.KerasTensor


class _Maker:
    """Draw one model."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shared: list[Any] = []

    def pick(self, choices: list[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    # ---- maps [height, width, channels], or with channels first

    def conv(self, x: Tensor, first: bool) -> Tensor:
        layout = {"data_format": "channels_first" if first else "channels_last"}
        activation = self.pick([None, "relu", "relu6", "softmax", "tanh", "gelu", layers.LeakyReLU()])
        filters, padding = int(self.rng.integers(2, 5)), self.pick(["same", "valid"])
        width = x.shape[1 if first else -1]
        kinds = [
            lambda: layers.Conv2D(
                filters, self.pick([1, 2, 3]), padding=padding, activation=activation, **layout
            ),
            lambda: layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False, **layout),
            lambda: layers.Conv2D(filters, 2, dilation_rate=2, padding="same", **layout),
            lambda: layers.DepthwiseConv2D(3, padding="same", depth_multiplier=self.pick([1, 2]), **layout),
            lambda: layers.SeparableConv2D(filters, 3, padding="same", activation=activation, **layout),
            lambda: layers.Conv2DTranspose(filters, 2, strides=2, activation=activation, **layout),
            lambda: layers.Conv2D(width, 3, groups=width, padding="same", **layout),
        ]
        return self.pick(kinds)()(x)

    def alike(self, x: Tensor, first: bool) -> Tensor:
        """Return a map of the same shape."""
        axis = 1 if first else -1
        kinds: list[Callable[[], Any]] = [
            lambda: layers.BatchNormalization(axis=axis)(x),
            lambda: layers.BatchNormalization(axis=self.pick([1, 2, 3]))(x),
            lambda: layers.LayerNormalization(axis=self.pick([axis, [1, 2], [1, 2, 3]]))(x),
            lambda: layers.GroupNormalization(groups=-1, axis=axis)(x),
            lambda: layers.UnitNormalization(axis=axis)(x),
            lambda: layers.Activation(self.pick(["relu", "silu", "softmax", "sigmoid"]))(x),
            lambda: layers.Softmax(axis=self.pick([1, 2, 3, -1]))(x),
            lambda: layers.ReLU(max_value=self.pick([None, 6.0, 2.0]), threshold=self.pick([0.0, 0.1]))(x),
            lambda: layers.PReLU(shared_axes=self.pick([None, [1, 2], [2, 3]]))(x),
            lambda: layers.Dropout(0.5)(x),
            lambda: layers.GaussianNoise(0.5)(x),
            lambda: layers.RandomFlip(data_format="channels_first" if first else "channels_last")(x),
            lambda: layers.Rescaling(self.pick([0.5, 2.0]), 0.1)(x),
            lambda: layers.Dense(x.shape[-1], activation=self.pick([None, "relu", "softmax"]))(x),
            lambda: layers.EinsumDense("abcd,de->abce", (None, None, x.shape[-1]))(x),
            lambda: layers.SpectralNormalization(layers.Conv2D(x.shape[-1], 1, data_format="channels_last"))(
                x
            ),
            lambda: ops.relu(x),
            lambda: ops.softmax(x, axis=self.pick([1, -1])),
            lambda: x * np.arange(1.0, 1.0 + x.shape[-1]).astype("float32"),
            lambda: x + np.float32(0.25),
            lambda: ops.add(x, ops.flip(x, axis=self.pick([1, 2, 3]))),
            lambda: ops.roll(x, 1, axis=self.pick([1, 2])),
            lambda: ops.where(x > 0, x, 0.1 * x),
            lambda: ops.cast(ops.cast(x * 4, "int32"), "float32"),
            lambda: ops.cast(x > 0, "float32") * x,
            lambda: ops.clip(x, -1.0, 1.0),
            lambda: layers.MultiHeadAttention(1, 4, attention_axes=(1, 2))(x, value=x),
        ]
        return self.pick(kinds)()

    def merged(self, a: Tensor, b: Tensor, first: bool) -> Tensor:
        """Return a merge of two maps of one shape."""
        kinds: list[Callable[[], Any]] = [
            lambda: layers.Add()([a, b]),
            lambda: layers.Subtract()([b, a]),
            lambda: layers.Multiply()([a, b]),
            lambda: layers.Average()((a, b)),
            lambda: layers.Maximum()([a, b]),
            lambda: layers.Concatenate(axis=self.pick([1, 2, 3, -1]))([a, b]),
            lambda: ops.add(a, b),
            lambda: a - b,
            lambda: ops.concatenate([b, a], axis=1 if first else -1),
            lambda: layers.Add()([a, a]),
            lambda: ops.maximum(b, a),
            lambda: ops.stack([a, b], axis=1)[:, 1],
        ]
        return self.pick(kinds)()

    def gated(self, x: Tensor, first: bool) -> Tensor:
        """Return a map that is multiplied by what it is on average, as squeeze-and-excitation does."""
        layout = "channels_first" if first else "channels_last"
        width = x.shape[1 if first else -1]
        keep = self.chance(0.5)
        mean = layers.GlobalAveragePooling2D(data_format=layout, keepdims=keep)(x)
        if keep:
            gate = layers.Conv2D(width, 1, activation="sigmoid", data_format=layout)(mean)
        else:
            gate = layers.Dense(width, activation="sigmoid")(mean)
            gate = layers.Reshape((width, 1, 1) if first else (1, 1, width))(gate)
        return layers.Multiply()([x, gate] if self.chance(0.5) else [gate, x])

    def turned(self, x: Tensor, first: bool) -> tuple[Tensor, bool]:
        """Return a map with its axes in another order."""
        if self.chance(0.3):
            swap = (1, 3, 2) if first else (2, 1, 3)
            return layers.Permute(swap)(x), first
        to_last, to_first = (0, 2, 3, 1), (0, 3, 1, 2)
        by_name = [lambda: layers.Permute((to_last if first else to_first)[1:])(x)]
        by_ops = [
            lambda: ops.transpose(x, to_last if first else to_first),
            lambda: ops.moveaxis(x, 1 if first else -1, -1 if first else 1),
        ]
        return self.pick(by_name + by_ops)(), not first

    def pooled(self, x: Tensor, first: bool) -> Tensor:
        layout = {"data_format": "channels_first" if first else "channels_last"}
        kinds = [
            lambda: layers.MaxPooling2D(2, padding="same", **layout),
            lambda: layers.AveragePooling2D(2, 1, padding="same", **layout),
            lambda: layers.UpSampling2D(2, interpolation="nearest", **layout),
            lambda: layers.ZeroPadding2D(((1, 0), (0, 2)), **layout),
            lambda: layers.Cropping2D(((0, 1), (0, 0)), **layout),
        ]
        return self.pick(kinds)()(x)

    # ---- nested models

    def nested(self, x: Tensor, first: bool, depth: int) -> Tensor:
        """Return what an inner model of two inputs makes of a map, called in one of many ways."""
        shape = tuple(x.shape[1:])
        names = [
            f"{name}{int(self.rng.integers(1000))}" for name in self.pick([["zeta", "alpha"], ["a", "b"]])
        ]
        a, b = keras.Input(shape, name=names[0]), keras.Input(shape, name=names[1])
        joined = layers.Subtract()([a, layers.Dense(shape[-1])(b)])
        out = self.step(joined, first, depth + 1)[0]
        way = self.pick(["list", "dict", "list by dict", "tuple", "sequential", "many"])
        other = layers.Rescaling(3.0)(x)
        if way == "dict":
            inner = keras.Model({names[0]: a, names[1]: b}, out)
            return inner({names[1]: other, names[0]: x})
        if way == "list by dict":
            return keras.Model([a, b], out)({names[1]: other, names[0]: x})
        if way == "tuple":
            return keras.Model((a, b), out)(inputs=(x, other))
        if way == "sequential":
            kind = layers.Conv2D(2, 1, activation="relu", data_format="channels_first" if first else None)
            body = keras.Sequential(
                [keras.Input(shape), layers.Dropout(0.1), kind, layers.Activation("tanh")]
            )
            self.shared.append((body, shape))
            return body(x)
        if way == "many":
            inner = keras.Model([a, [b]], {"z": out, "k": [a, b], "c": joined})
            made = inner([x, [other]])
            return self.merged(made["c"], made["k"][1], first)
        inner = keras.Model([a, b], out)
        return layers.Maximum()([inner([x, other]), inner([other, x])])

    def again(self, x: Tensor) -> Tensor | None:
        """Call a layer or model once more that was called before on such a map."""
        fitting = [layer for layer, shape in self.shared if shape == tuple(x.shape[1:])]
        return self.pick(fitting)(x) if fitting else None

    def step(self, x: Tensor, first: bool, depth: int = 0) -> tuple[Tensor, bool]:
        kind = self.pick(
            ["conv", "conv", "alike", "alike", "merged", "gated", "turned", "pooled", "nested", "again"]
        )
        if kind == "turned":
            return self.turned(x, first)
        if kind == "nested" and depth < 2:
            return self.nested(x, first, depth), first
        if kind == "merged":
            return self.merged(x, self.alike(x, first), first), first
        if kind == "again":
            made = self.again(x)
            if made is None:
                layer = layers.Conv2D(3, 3, padding="same", data_format="channels_first" if first else None)
                self.shared.append((layer, tuple(x.shape[1:])))
                made = layer(x)
            return made, first
        return getattr(self, kind)(x, first), first

    # ---- heads

    def head(self, x: Tensor, first: bool) -> Tensor:
        layout = "channels_first" if first else "channels_last"
        kinds: list[Callable[[], Any]] = [
            lambda: layers.GlobalAveragePooling2D(data_format=layout)(x),
            lambda: layers.GlobalMaxPooling2D(data_format=layout)(x),
            lambda: layers.Flatten(data_format=layout)(x),
            lambda: layers.Flatten()(x),
            lambda: ops.mean(x, axis=self.pick([(1, 2), (2, 3)])),
            lambda: self.tokens(x),
        ]
        activation = self.pick([None, "softmax", "relu"])
        return layers.Dense(5, activation=activation)(self.pick(kinds)())

    def tokens(self, x: Tensor) -> Tensor:
        tokens = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
        if self.chance(0.5):
            tokens = layers.Dense(4, activation="relu")(layers.Masking(0.0)(layers.ReLU()(tokens)))
        kinds = [
            lambda: layers.GlobalAveragePooling1D()(tokens),
            lambda: layers.LSTM(3)(tokens),
            lambda: layers.Bidirectional(layers.GRU(2))(tokens),
            lambda: layers.TimeDistributed(layers.Dense(2))(tokens)[:, 0],
            lambda: layers.Conv1D(3, 1)(tokens)[:, -1],
            lambda: layers.BatchNormalization(axis=1)(tokens)[:, 0],
        ]
        return self.pick(kinds)()


def odd_model(seed: int) -> keras.Model:
    """Return a small model, the same for the same seed but for what keras.utils.set_random_seed decides."""
    make = _Maker(seed)
    first = make.chance(0.35)
    shape = (3, SIDE, SIDE + 2) if first else (SIDE, SIDE + 2, 3)
    image = keras.Input(shape, name="image")
    side = keras.Input((2,), name="side")
    x = image
    for _ in range(int(make.rng.integers(3, 8))):
        if min(x.shape[1:]) > 1:
            x, first = make.step(x, first)
    if make.chance(0.3):
        width = x.shape[1 if first else -1]
        gate = layers.Reshape((width, 1, 1) if first else (1, 1, width))(layers.Dense(width)(side))
        x = layers.Add()([x, gate])
    out = make.head(x, first)
    uses_side = "side" in {t.name for t in keras.Model([image, side], out).inputs}
    inputs = make.pick([[image, side], [side, image], {"image": image, "b": side}]) if uses_side else image
    outputs = make.pick([out, [out, x], {"z": out, "a": [x, out]}, (x,)])
    return keras.Model(inputs, outputs)


def shake(model: keras.Model, seed: int) -> None:
    """Give all variables numbers that no initializer gives, so that scales, means and biases count."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if keras.backend.is_float_dtype(variable.dtype):
            spread = np.abs(rng.standard_normal(variable.shape)) * 0.5 + 0.5
            is_variance = variable.path.endswith(("variance", "u", "gamma"))
            values = spread if is_variance else rng.standard_normal(variable.shape) * 0.5
            variable.assign(values.astype("float32"))
