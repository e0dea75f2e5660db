r"""The gradient of a convolution by its input, as another convolution: on a CPU TensorFlow's own is slower.

    dx at s q + r = sum over d of dy at q - d, times the kernel at s d + r + padding

So each of the s x s phases r of dx is a convolution of dy, of stride 1, with part of the mirrored kernel. All
phases are computed at once, as channels, and laid out. With stride 1 there is one phase: the mirrored kernel.

On one core of a server CPU, at 208 px: 7 x 7 of stride 2, 3 to 64 channels 9.8 -> 3.3 ms; 3 x 3 of stride 2,
3 to 32 channels 1.07 -> .60 ms. With more inputs than a picture has, strided ones became slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from fvcli.optvis.uncopied_arrays import LARGE_BYTES

PICTURE_CHANNELS = 4  # at most; of more inputs a strided gradient is left to TensorFlow
Padding = str | Sequence[Sequence[int]]
InputGradient = Callable[[tf.Tensor], tf.Tensor]


class Phases:
    """The gradient of one convolution, for inputs of any size.

    Args:
        kernel: [h, w, in, out]; [h, w, channels, 1] if depthwise.
        strides: Down and along.
        padding: As TensorFlow has it.
        depthwise: Whether each channel has a filter of its own.
    """

    def __init__(
        self, kernel: np.ndarray, strides: tuple[int, int], padding: Padding, depthwise: bool
    ) -> None:
        self._kernel, self._strides, self._padding, self._depthwise = kernel, strides, padding, depthwise
        self._made: dict[tuple[int, int], np.ndarray] = {}  # of the few paddings that sizes lead to

    @classmethod
    def of(
        cls,
        kernel: np.ndarray,
        strides: tuple[int, int],
        padding: Padding,
        dilation: tuple[int, int],
        depthwise: bool,
    ) -> Phases | None:
        """Return what is faster than TensorFlow's gradient; None where nothing is known to be."""
        strided = strides != (1, 1)
        few = kernel.shape[2] <= PICTURE_CHANNELS and not depthwise
        single = not depthwise or kernel.shape[3] == 1
        if dilation != (1, 1) or kernel.nbytes >= LARGE_BYTES or not single or (strided and not few):
            return None
        return cls(kernel, strides, padding, depthwise)

    def by_input(self, sides: tuple[int | None, int | None]) -> InputGradient | None:
        """Return dy -> dx; None where the padding reaches further than the kernel.

        Args:
            sides: Height and width of x. With stride 1 these do not matter; else there is no gradient where
                they are unknown.
        """
        if self._strides != (1, 1) and None in sides:
            return None
        size = [side or self._kernel.shape[axis] for axis, side in enumerate(sides)]
        padded, made = zip(*(self._before(axis, size[axis]) for axis in (0, 1)), strict=True)
        reach = [_reach(self._kernel.shape[axis], self._strides[axis], padded[axis]) for axis in (0, 1)]
        whole = [-(-size[axis] // self._strides[axis]) for axis in (0, 1)]  # of each phase
        pads = [(high, whole[axis] - low - made[axis]) for axis, (low, high) in enumerate(reach)]
        if min(number for pair in pads for number in pair) < 0:
            return None
        is_same = self._strides == (1, 1) and all(
            a == b == (k - 1) / 2 for (a, b), k in zip(pads, self._kernel.shape[:2], strict=True)
        )
        padding = "SAME" if is_same else [[0, 0], *map(list, pads), [0, 0]]
        kernel = self._kernel_of((padded[0], padded[1]), reach)
        if self._depthwise:
            return lambda dy: tf.nn.depthwise_conv2d(dy, kernel, (1, 1, 1, 1), padding)
        if self._strides == (1, 1):
            return lambda dy: tf.nn.conv2d(dy, kernel, 1, padding)
        return lambda dy: self._laid_out(tf.nn.conv2d(dy, kernel, 1, padding), size)

    def _laid_out(self, phases: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
        """Return [batch, *size, in] of [batch, q, q', s s' in]."""
        down, along = self._strides
        if down == along:
            whole = tf.nn.depth_to_space(phases, down)
        else:
            _, height, width, _ = phases.shape
            apart = tf.reshape(phases, [-1, height, width, down, along, self._kernel.shape[2]])
            turned = tf.transpose(apart, [0, 1, 3, 2, 4, 5])
            whole = tf.reshape(turned, [-1, height * down, width * along, self._kernel.shape[2]])
        return whole[:, : size[0], : size[1]]

    def _before(self, axis: int, size: int) -> tuple[int, int]:
        """Return how much is padded before a side of x, and how long that side of y is."""
        length, stride = self._kernel.shape[axis], self._strides[axis]
        if self._padding == "SAME":
            made = -(-size // stride)
            return max((made - 1) * stride + length - size, 0) // 2, made
        before, after = (0, 0) if isinstance(self._padding, str) else self._padding[axis + 1]
        return before, (size + before + after - length) // stride + 1

    def _kernel_of(self, before: tuple[int, int], reach: Sequence[tuple[int, int]]) -> np.ndarray:
        """Return the kernel for dy, [d, d', out, s s' in]; [d, d', channels, 1] if depthwise."""
        if before not in self._made:
            (low, high), (first, last) = reach
            phases = np.zeros(
                (high - low + 1, last - first + 1, *self._strides, *self._kernel.shape[2:]),
                self._kernel.dtype,
            )
            for y, x in np.ndindex(*self._kernel.shape[:2]):
                (d, r), (e, q) = (
                    divmod(at - pad, s) for at, pad, s in zip((y, x), before, self._strides, strict=True)
                )
                phases[high - d, last - e, r, q] = self._kernel[y, x]
            outputs_first = phases.transpose(0, 1, 5, 2, 3, 4)
            shape = *outputs_first.shape[:3], -1
            kernel = phases[:, :, 0, 0] if self._depthwise else outputs_first.reshape(shape)
            self._made[before] = np.ascontiguousarray(kernel)
        return self._made[before]


def _reach(side: int, stride: int, before: int) -> tuple[int, int]:
    """Return the lowest and highest d for which a kernel of that side has a place in some phase."""
    return -before // stride, (side - 1 - before) // stride
