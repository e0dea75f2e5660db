"""Which positions of its input a Keras layer sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fvcli.models.graph import Node, Pair, Window
from fvcli.models.loaded.keras_model.axes import OF_TENSORFLOW, is_reduction, joins_channels
from fvcli.models.loaded.keras_model.kinds import (
    ALONG_AXES,
    PLAIN_KINDS,
    WHOLE,
    WINDOWED,
    layers,
)

# Positions that one is interpolated from, across; of the nearest none but itself.
READ_BY_UPSAMPLING = {"nearest": 0, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def window_of(operation: Any, kind: str, inputs: Sequence[Node], first: bool) -> Window | None:
    """Return what a position of an output map sees of the input maps; None: it is not known."""
    if not any(node.window is not None for node in inputs):
        return None  # what has no map below it has no pixels to speak of
    if isinstance(operation, OF_TENSORFLOW):
        return _window_of_function(operation, kind, first)
    if kind in WINDOWED.values():
        kernel = operation.pool_size if "pool" in kind else operation.kernel_size
        strides = kernel if operation.strides is None else operation.strides
        dilation = getattr(operation, "dilation_rate", (1, 1))
        return Window(_pair(kernel), _pair(strides), _pair(dilation), operation.padding)
    if kind == "pad":
        return Window(padding=_sides(operation.padding))
    if kind == "crop":
        top_bottom, left_right = _sides(operation.cropping)
        return Window(padding=((-top_bottom[0], -top_bottom[1]), (-left_right[0], -left_right[1])))
    if kind == "upsample":
        up, read = _pair(operation.size), READ_BY_UPSAMPLING[operation.interpolation]
        return Window((max(read * up[0] - 1, 1), max(read * up[1] - 1, 1)), up=up)
    if kind == "conv_transpose":
        return _transposed(operation)
    if kind == "concat":
        return Window() if joins_channels(operation, first) else None
    if kind == "dense":
        return Window() if type(operation).__name__ == "Dense" else None
    if is_reduction(operation):
        return Window() if joins_channels(operation, first) else None
    plain = kind in {*PLAIN_KINDS.values(), *WHOLE.values(), *ALONG_AXES.values(), "augmentation"}
    return Window() if plain or isinstance(operation, layers.Activation) else None


def _window_of_function(operation: Any, kind: str, first: bool) -> Window | None:
    if operation.is_pointwise or (kind == "concat" and joins_channels(operation, first)):
        return Window()
    sides = operation.sides if kind == "pad" else None
    if sides is None or first:
        return None
    return Window(padding=_sides(sides[1:3]))


def _transposed(operation: Any) -> Window:
    """Return a transposed convolution as a convolution of spread-out positions.

    What it adds to the spread-out map, and what it cuts off at the beginning, is as Keras and TensorFlow
    have it.
    """
    kernel, strides, dilation = (
        _pair(value) for value in (operation.kernel_size, operation.strides, operation.dilation_rate)
    )
    added = (None, None) if operation.output_padding is None else _pair(operation.output_padding)
    is_same, sides = operation.padding == "same", []
    for taps, stride, apart, more in zip(kernel, strides, dilation, added, strict=True):
        reach = (taps - 1) * apart + 1
        if more is None:
            grown = 0 if is_same else max(reach - stride, 0)
        else:
            grown = reach - stride + more - (reach // 2 * 2 if is_same else 0)
        cut = max(reach - stride - grown, 0) // 2 if is_same else 0
        sides.append((reach - 1 - cut, grown + cut))
    return Window(kernel, dilation=dilation, padding=(sides[0], sides[1]), up=strides)


def _pair(value: Any) -> Pair:
    if isinstance(value, list | tuple):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _sides(value: Any) -> tuple[Pair, Pair]:
    (top, bottom), (left, right) = value
    return (int(top), int(bottom)), (int(left), int(right))
