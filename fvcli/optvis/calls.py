r"""A network as the mathematics sees it: calls of layers, each of which makes one tensor.

    image --> call --> call --+--> call (a sum) --> ...
                  \-> call ---+

Maps are [batch, h, w, channels], tokens [batch, tokens, features], vectors [batch, features], whatever
the network itself was built with. What a call is for is told by its role, as far as something can be
gained from knowing it; any call can be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.input_gradient import Phases
from fvcli.optvis.uncopied_arrays import held_if_large

Compute = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Linear:
    """The role of a convolution (NHWC) or dense layer.

    kernel: [h, w, in, out]; [h, w, channels, 1] if depthwise; [in, out] if dense.
    bias: [out], or None.
    strides, padding, dilation: As TensorFlow has them; padding is ``SAME``, ``VALID`` or a list of pairs,
        one a dimension. Unused if dense.
    """

    kernel: np.ndarray
    bias: np.ndarray | None
    depthwise: bool = False
    strides: tuple[int, int] = (1, 1)
    padding: str | list[list[int]] = "VALID"
    dilation: tuple[int, int] = (1, 1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return the whole layer: [batch, h, w, out], or [batch, ..., out] if dense."""
        x = tf.cast(x, self.kernel.dtype)
        y = self._linear(x, self._held) if self._phases is None else self._with_own_gradient(x, self._phases)
        return y if self.bias is None else y + self.bias

    @cached_property
    def _held(self) -> np.ndarray | tf.Tensor:
        return held_if_large(self.kernel)

    def _linear(self, x: tf.Tensor, kernel: tf.Tensor | np.ndarray) -> tf.Tensor:
        if self.kernel.ndim == 2:
            return tf.linalg.matmul(x, kernel) if x.shape.rank == 2 else tf.tensordot(x, kernel, 1)
        if self.depthwise:
            return tf.nn.depthwise_conv2d(
                x, kernel, (1, *self.strides, 1), self.padding, dilations=self.dilation
            )
        if max(self.dilation) > 1:  # of which TensorFlow's plain operation has no gradient on a CPU
            return tf.nn.convolution(x, kernel, self.strides, self.padding, dilations=self.dilation)
        return tf.nn.conv2d(x, kernel, self.strides, self.padding)

    @cached_property
    def _phases(self) -> Phases | None:
        if self.kernel.ndim == 2:
            return None
        return Phases.of(self.kernel, self.strides, self.padding, self.dilation, self.depthwise)

    def _with_own_gradient(self, x: tf.Tensor, phases: Phases) -> tf.Tensor:
        """Convolve, with a convolution as gradient, because that is faster."""
        by_input = phases.by_input((x.shape[1], x.shape[2]))
        if by_input is None:
            return self._linear(x, self._held)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def convolved(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            return self._linear(x, self._held), by_input

        y: tf.Tensor = convolved(x)
        return y

    @property
    def _pointwise(self) -> bool:
        return self.kernel.shape[:2] == (1, 1) and self.strides == (1, 1) and isinstance(self.padding, str)

    def can_read_channel(self, x_rank: int | None, batch: int | None) -> bool:
        """Tell whether ``channel`` can be had for less than the whole layer."""
        if self.kernel.ndim == 2:
            return x_rank == 2
        return self._pointwise or batch == 1

    def channel(self, x: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
        """Return output channel n[i] of image i, [batch, h, w]; not for depthwise layers."""
        x = tf.cast(x, self.kernel.dtype)
        if self.kernel.ndim == 2:
            x = x[:, None, None, :]
        if self.kernel.ndim == 2 or self._pointwise:
            table = tf.reshape(self._held, [-1, self.kernel.shape[-1]])
            rows = tf.transpose(tf.gather(table, n, axis=1))  # [batch, in]
            y = tf.linalg.matvec(x, rows[:, None])
        else:
            y = self._linear(x, tf.gather(self._held, n, axis=-1))[..., 0]  # one image, one filter
        return y if self.bias is None else y + tf.gather(self.bias, n)[:, None, None]

    def depthwise_channel(self, channel: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
        """Filter maps [batch, h, w], of which map i is input channel n[i]; the batch poses as channels."""
        x = tf.transpose(tf.cast(channel, self.kernel.dtype), [1, 2, 0])[None]  # [1, h, w, batch]
        y = self._linear(x, tf.gather(self.kernel, n, axis=2))
        y = tf.transpose(y[0], [2, 0, 1])
        return y if self.bias is None else y + tf.gather(self.bias, n)[:, None, None]


@dataclass(frozen=True)
class Normalization:
    """The role of BatchNormalization in inference: x * scale + shift, each float64 [channels].

    mean, variance: Of x in training, where they are known, [channels].
    """

    scale: np.ndarray
    shift: np.ndarray
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        gamma: np.ndarray | float,
        beta: np.ndarray | float,
        mean: np.ndarray,
        variance: np.ndarray,
        epsilon: float,
    ) -> Normalization:
        """Return gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015)."""
        scale = gamma / np.sqrt(variance + epsilon)
        return cls(scale, beta - mean * scale, mean, variance)


@dataclass(frozen=True)
class Relu:
    """The role of a ReLU that cuts at 0, and at max_value if there is one."""

    max_value: float | None = None


@dataclass(frozen=True)
class Sum:
    """The role of a sum of tensors of one shape."""


Role = Linear | Normalization | Relu | Sum


def by_role(_: Sequence[Any]) -> Any:
    """Stand in for ``compute`` where the role says all."""
    raise FvcliError("a call with a role is computed by its role")


@dataclass(frozen=True, eq=False)
class Call:
    """One tensor and how it is made.

    name: As plans and tables name the layer; empty for what they do not show.
    inputs: The calls whose tensors it reads.
    compute: Those tensors -> its own, in inference mode.
    role: What is known of it.
    """

    name: str
    inputs: tuple[Call, ...] = field(repr=False)  # a graph written as a tree would have no end
    compute: Compute = field(repr=False)
    role: Role | None = None


@dataclass(frozen=True)
class CallGraph:
    """A whole network.

    image: The picture: float [batch, h, w, channels] in the range that the network takes.
    calls: Every call that has a name, in the order in which data flows through them.
    """

    image: Call
    calls: Mapping[str, Call]


def ancestors(calls: Iterable[Call]) -> set[Call]:
    """Return some calls and all that they read, directly or not."""
    found: set[Call] = set()
    todo = list(calls)
    while todo:
        call = todo.pop()
        if call not in found:
            found.add(call)
            todo += call.inputs
    return found
