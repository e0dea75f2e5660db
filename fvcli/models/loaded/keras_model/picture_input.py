"""Find where a Keras model takes its picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.graph import Pair
from fvcli.models.loaded.keras_model.kinds import is_idle, kind_of
from fvcli.models.loaded.keras_model.wiring import Walk

RANK_OF_GREY = 3  # of inputs [batch, height, width]
RANKS = (4, RANK_OF_GREY)
RANK_OF_ROWS = 2  # of inputs that are one row of numbers for each picture
MAX_LISTED = 4
SMALLEST_PX = 8  # of pictures whose size is guessed
FEW = 4  # no more channels has a picture


@dataclass(frozen=True)
class PictureInput:
    """Where the picture comes in.

    tensor: The symbolic tensor whose place it takes.
    address: The call whose output that is, or None where it is an input of the model.
    remark: How it was found, as a sentence, if nobody named it and it is no input.
    flat: Height, width and channels, where the tensor has one row of numbers for each picture.
    """

    tensor: Any
    address: str | None = None
    remark: str | None = None
    flat: tuple[int, int, int] | None = None

    @property
    def is_grey(self) -> bool:
        """Tell whether it has no axis for channels."""
        return len(self.tensor.shape) == RANK_OF_GREY

    def of_its_rank(self, pictures: tf.Tensor) -> tf.Tensor:
        """Return pictures [batch, height, width, channels] without axes that the tensor does not have."""
        if self.flat is not None:
            return tf.reshape(pictures, (-1, math.prod(self.flat)))
        return pictures[..., 0] if self.is_grey else pictures


def find_picture(function: Any, name: str | None, size_px: Pair | None = None) -> PictureInput:
    """Return where the picture comes in.

    Args:
        function: The model's graph.
        name: Of an input, or the address of a call; None: the only input that could take the picture, or
            the map that a flat input is reshaped to first.
        size_px: Height and width of the pictures that a flat input takes without a reshape.

    Raises:
        UsageError: There is none of that name, or none or several that could.
    """
    inputs = {tensor.name: tensor for tensor in function.inputs}
    if name is not None:
        return _named(function, inputs, name, size_px)
    fitting = next(filter(None, ([t for t in inputs.values() if _is_picture(t, r)] for r in RANKS)), [])
    if len(fitting) == 1 and (found := _reshaped(function, fitting[0])) is None:
        return PictureInput(fitting[0])
    if not fitting or len(fitting) == 1:
        maps = [found for t in inputs.values() if (found := _reshaped(function, t)) is not None]
        if len(maps) == 1:
            return maps[0]
    if not fitting:
        flat = [row for t in inputs.values() if (row := _in_rows(t, size_px)) is not None]
        if len(flat) == 1:
            return flat[0]
        raise UsageError(
            f"no input of the model takes a picture (inputs: {_listed(inputs)})",
            _candidates(function) or _square(inputs) or "it needs one of height, width and channels",
        )
    listed = _listed({tensor.name: tensor for tensor in fitting})
    raise UsageError(
        f"several inputs of the model could take the picture ({listed})", "name one with model.input"
    )


def _is_picture(tensor: Any, rank: int) -> bool:
    return len(tensor.shape) == rank and str(tensor.dtype) not in {"string", "bool"}


def _named(function: Any, inputs: dict[str, Any], name: str, size_px: Pair | None) -> PictureInput:
    if name in inputs:
        if (flat := _in_rows(inputs[name], size_px)) is not None:
            return flat
        found = PictureInput(inputs[name])
    else:
        calls = _Calls(function).outputs
        if name not in calls:
            known = f"its inputs are {', '.join(inputs)}, and any layer can be named, too"
            raise UsageError(f"model.input: there is no input {name!r}", known)
        found = PictureInput(calls[name], name)
    if not any(_is_picture(found.tensor, rank) for rank in RANKS):
        shape = tuple(found.tensor.shape[1:])
        hint = _candidates(function) or "it has to have height, width and channels"
        raise UsageError(f"model.input: {name} {shape} takes no picture", hint)
    return found


def _listed(inputs: dict[str, Any]) -> str:
    return ", ".join(f"{name} {tuple(tensor.shape[1:])}" for name, tensor in inputs.items())


def _candidates(function: Any) -> str | None:
    """Say which layers have a map that a picture could take the place of."""
    calls = _Calls(function).outputs
    maps = {name: tensor for name, tensor in calls.items() if len(tensor.shape) == 4}
    if not maps:
        return None
    first = _listed(dict(list(maps.items())[:MAX_LISTED]))
    more = ", ..." if len(maps) > MAX_LISTED else ""
    return f"write input: LAYER, and the picture takes the place of its output: {first}{more}"


class _Calls(Walk[None]):
    """The output of every call that has one, by address."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.outputs: dict[str, Any] = {}
        self.through(function, [None] * len(function.inputs))

    def layer(self, node: Any, sources: Sequence[None], address: str) -> list[None]:
        if len(node.output_tensors) == 1:
            self.outputs[address] = node.output_tensors[0]
        return [None] * len(node.output_tensors)

    def entering(self, value: None, given: Any, taken: Any) -> None:
        return None

    def through(self, function: Any, sources: Sequence[None], prefix: str = "") -> list[None]:
        made = super().through(function, sources, prefix)
        if prefix and len(made) == 1:
            self.outputs[prefix.removesuffix("/")] = function.outputs[0]
        return made


# ---- flat pictures


def _in_rows(tensor: Any, size_px: Pair | None) -> PictureInput | None:
    """Return an input of numbers in a row as one of pictures of a size, if there are as many numbers."""
    if size_px is None or len(tensor.shape) != RANK_OF_ROWS or not _is_picture(tensor, RANK_OF_ROWS):
        return None
    channels, rest = divmod(tensor.shape[1] or 0, math.prod(size_px))
    if rest or not 0 < channels <= FEW:
        return None
    shape = (*size_px, channels)
    shown = " x ".join(map(str, shape))
    remark = f"the {tensor.shape[1]} numbers of the input {tensor.name} are taken as {shown}, row by row"
    return PictureInput(tensor, remark=remark, flat=shape)


def _square(inputs: dict[str, Any]) -> str | None:
    """Say which size the pictures of a flat input probably have."""
    for tensor in inputs.values():
        for channels in (1, 3):
            side = math.isqrt((tensor.shape[-1] or 0) // channels) if len(tensor.shape) == RANK_OF_ROWS else 0
            if side >= SMALLEST_PX and side * side * channels == tensor.shape[-1]:
                return f"write size_px: {side} in model, if these numbers are {side} x {side} pixels"
    return None


def _reshaped(function: Any, tensor: Any) -> PictureInput | None:
    """Return the map that all that reads an input of another rank makes of it, by a Reshape."""
    if len(tensor.shape) == 4:
        return None
    walk = _Reshapes()
    walk.through(function, [t is tensor for t in function.inputs])
    if walk.other or len(walk.maps) != 1:
        return None
    [(address, made)] = walk.maps.items()
    shape = tuple(made.shape[1:])
    if None in (*shape, *tensor.shape[1:]) or math.prod(shape) != math.prod(tensor.shape[1:]):
        return None
    if len(tensor.shape) == RANK_OF_GREY and shape[:2] == tuple(tensor.shape[1:]):
        return None  # a picture that only gets an axis for its channels
    remark = (
        f"the input {tensor.name} {tuple(tensor.shape[1:])} is reshaped at once, in {address}: the picture "
        f"takes the place of its output, {' x '.join(map(str, shape))}"
    )
    return PictureInput(made, address, remark)


class _Reshapes(Walk[bool]):
    """Where an input is reshaped to a map. The value of a tensor is whether it still is that input.

    other: Whether something else reads it, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps: dict[str, Any] = {}
        self.other = False

    def layer(self, node: Any, sources: Sequence[bool], address: str) -> list[bool]:
        if not any(sources):
            return [False] * len(node.output_tensors)
        if is_idle(node.operation):
            return [True]
        made = node.output_tensors[0]
        if kind_of(node.operation) == "reshape" and len(made.shape) == 4:
            self.maps[address] = made
        else:
            self.other = True
        return [False] * len(node.output_tensors)

    def entering(self, value: bool, given: Any, taken: Any) -> bool:
        return value
