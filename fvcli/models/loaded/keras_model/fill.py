"""What a model takes beside its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.graph import Node
from fvcli.optvis.calls import Call


def check_fill(fill: Mapping[str, float], others: Sequence[str]) -> None:
    """Refuse to fill what is no input beside the picture's."""
    for name in fill:
        if name not in others:
            known = f"those are {', '.join(others)}" if others else "there is none"
            raise UsageError(f"model.fill: {name} is no input beside the picture's", known)


def filled_value(tensor: Any, value: float, count: int) -> tf.Tensor:
    """Return a symbolic input for a number of pictures, filled with one value; text is always empty."""
    shape = [count, *(size or 1 for size in tensor.shape[1:])]
    return tf.fill(shape, "" if _is_text(tensor) else tf.cast(value, tensor.dtype))


def _is_text(tensor: Any) -> bool:
    return str(tensor.dtype) == "string"


class Filled:
    """An input that takes no picture, filled with one value.

    Args:
        tensor: The symbolic input.
        value: What it is filled with.
        picture: The call of the picture, of which there are as many.
    """

    def __init__(self, tensor: Any, value: float, picture: Call) -> None:
        said = "empty text" if _is_text(tensor) else f"{value:g}"
        self.remark = f"input {tensor.name} {tuple(tensor.shape[1:])} is filled with {said}"
        self.call = Call("", (picture,), lambda values: filled_value(tensor, value, values[0].shape[0]))
        rest = [size or 1 for size in tensor.shape[1:]]
        size = (rest[0], rest[1]) if len(rest) == 3 else (1, 1)
        self.node = Node("", "constant", (), rest[-1] if rest else 0, None, size)
