"""Find where a Keras model takes its picture, and whether the picture has its channels first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fvcli.errors import UsageError
from fvcli.models.loaded.keras_model.kinds import is_channels_first, is_idle, kind_of
from fvcli.models.loaded.keras_model.permutations import STRAIGHT, Axes, order_of, through
from fvcli.models.loaded.keras_model.wiring import Cut, Walk

RANK_OF_GREY = 3  # of inputs [batch, height, width]
RANKS = (4, RANK_OF_GREY)
MAX_LISTED = 4
FEW = 4  # no more channels has a picture
RESHAPES = {"reshape", "flatten"}  # which do not tell where the channels are


@dataclass(frozen=True)
class PictureInput:
    """Where the picture comes in.

    tensor: The symbolic tensor whose place it takes.
    address: The call whose output that is, or None where it is an input of the model.
    remark: How it was found, as a sentence, if nobody named it and it is no input.
    """

    tensor: Any
    address: str | None = None
    remark: str | None = None

    @property
    def is_grey(self) -> bool:
        """Tell whether it has no axis for channels."""
        return len(self.tensor.shape) == RANK_OF_GREY


def find_picture(function: Any, name: str | None) -> PictureInput:
    """Return where the picture comes in.

    Args:
        function: The model's graph.
        name: Of an input, or the address of a call; None: the only input that could take the picture, or
            the map that a flat input is reshaped to first.

    Raises:
        UsageError: There is none of that name, or none or several that could.
    """
    inputs = {tensor.name: tensor for tensor in function.inputs}
    if name is not None:
        return _named(function, inputs, name)
    fitting = next(filter(None, ([t for t in inputs.values() if _is_picture(t, r)] for r in RANKS)), [])
    if len(fitting) == 1 and (found := _reshaped(function, fitting[0])) is None:
        return PictureInput(fitting[0])
    if not fitting or len(fitting) == 1:
        maps = [found for t in inputs.values() if (found := _reshaped(function, t)) is not None]
        if len(maps) == 1:
            return maps[0]
    if not fitting:
        raise UsageError(
            f"no input of the model takes a picture (inputs: {_listed(inputs)})",
            _candidates(function) or "it needs one of height, width and channels",
        )
    listed = _listed({tensor.name: tensor for tensor in fitting})
    raise UsageError(
        f"several inputs of the model could take the picture ({listed})", "name one with model.input"
    )


def _is_picture(tensor: Any, rank: int) -> bool:
    return len(tensor.shape) == rank and str(tensor.dtype) not in {"string", "bool"}


def _named(function: Any, inputs: dict[str, Any], name: str) -> PictureInput:
    if name in inputs:
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


def _reshaped(function: Any, tensor: Any) -> PictureInput | None:
    """Return the map that all that reads an input of another rank makes of it, by a Reshape."""
    if len(tensor.shape) == 4:
        return None
    walk = _Flat()
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


class _Flat(Walk[bool]):
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


# ---- data format


def settle_format(function: Any, picture: PictureInput, declared: bool | None) -> bool:
    """Tell whether the picture has its channels first: by its layers, by what is declared, or its shape.

    Raises:
        UsageError: What is declared contradicts the layers.
    """
    if picture.is_grey:
        return False
    axis = _channel_axis(function, picture)
    said = None if axis in {None, 2} else axis == 1
    if declared is not None and said is not None and declared != said:
        found = "channels_first" if said else "channels_last"
        raise UsageError(f"model.data_format: the network's layers have {found}", "leave data_format out")
    if said is not None or declared is not None:
        return bool(said if said is not None else declared)
    first, last = (size is not None and size <= FEW for size in picture.tensor.shape[1::2])
    if axis == 2 and not (first or last):
        raise UsageError(
            f"the network takes its channels between height and width ({_shown(picture)})",
            "name the layer that puts the axes in order as model.input: the picture takes its output's place",
        )
    return first and not last


def _shown(picture: PictureInput) -> str:
    return f"{picture.address or picture.tensor.name} {tuple(picture.tensor.shape[1:])}"


def _channel_axis(function: Any, picture: PictureInput) -> int | None:
    """Return the axis of the picture that the first layer which has a data format takes for its channels."""
    start: Axes = STRAIGHT
    walk = _Formats(None if picture.address is None else Cut(picture.address, start))
    is_input = picture.address is None
    walk.through(function, [start if is_input and t is picture.tensor else None for t in function.inputs])
    return walk.channel_axis


class _Formats(Walk[Axes | None]):
    """Follow the picture's axes. The value of a tensor: which axis of the picture each of its axes is."""

    channel_axis: int | None = None

    def layer(self, node: Any, sources: Sequence[Axes | None], address: str) -> list[Axes | None]:
        outputs = node.output_tensors
        axes = next(filter(None, sources), None)
        operation = node.operation
        if axes is None or kind_of(operation) in RESHAPES:
            return [None] * len(outputs)
        if (order := order_of(operation, 4)) is not None:
            return [through(axes, order)]
        if self.channel_axis is None and hasattr(operation, "data_format") and not is_idle(operation):
            self.channel_axis = axes[1 if is_channels_first(operation) else 3]
        return [axes if len(output.shape) == 4 else None for output in outputs]

    def entering(self, value: Axes | None, given: Any, taken: Any) -> Axes | None:
        return value if len(given.shape) == len(taken.shape) else None


def picture_shape(picture: PictureInput, first: bool) -> tuple[int, tuple[int | None, int | None]]:
    """Return the number of channels, 0 if it is open, and height and width of the picture."""
    shape = [*picture.tensor.shape, 1] if picture.is_grey else picture.tensor.shape
    channels, height, width = (shape[i] for i in ((1, 2, 3) if first else (3, 1, 2)))
    return channels or 0, (height, width)
