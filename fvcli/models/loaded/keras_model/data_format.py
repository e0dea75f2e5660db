"""Find out whether a picture has its channels first, and which of its axes are height and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fvcli.errors import UsageError
from fvcli.models.loaded.keras_model.kinds import is_channels_first, is_idle, kind_of
from fvcli.models.loaded.keras_model.permutations import STRAIGHT, Axes, order_of, through
from fvcli.models.loaded.keras_model.picture_input import FEW, PictureInput
from fvcli.models.loaded.keras_model.wiring import Cut, Walk

RESHAPES = {"reshape", "flatten"}  # which do not tell where the channels are


def settle_format(function: Any, picture: PictureInput, declared: bool | None) -> bool:
    """Tell whether the picture has its channels first: by its layers, by what is declared, or its shape.

    Raises:
        UsageError: What is declared contradicts the layers, or the input is flat.
    """
    if picture.flat is not None and declared:
        raise UsageError("model.data_format: flat inputs have their channels last", "leave data_format out")
    if picture.is_grey or picture.flat is not None:
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
    if picture.flat is not None:
        height, width, channels = picture.flat
        return channels, (height, width)
    shape = [*picture.tensor.shape, 1] if picture.is_grey else picture.tensor.shape
    channels, height, width = (shape[i] for i in ((1, 2, 3) if first else (3, 1, 2)))
    return channels or 0, (height, width)
