"""Which positions of its input an operation of a TensorFlow graph sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fvcli.models.graph import Pair, Window
from fvcli.models.loaded.graph_def.ops import (
    AXIS_INPUT,
    CONCATS,
    ELEMENTWISE,
    NORMALIZATIONS,
    OLD_NORMALIZATION,
    PADS,
    POOLS,
    QUANTIZERS,
    REDUCTIONS,
    RESIZES,
    SPLITS,
    Step,
)

PADDINGS = {"SAME": "same", "VALID": "valid"}
CHANNELS, PLACES = {3}, {1, 2}  # axes


class Seen(NamedTuple):
    """What a position of an op's output sees.

    window: Of its input; None: all of it, or nobody knows.
    free: Whether the op works at any size, where there is no window.
    bound: Whether it works at one size only, though there is one.
    kind: What that makes of the op, if not what it is by its name.
    """

    window: Window | None
    free: bool = False
    bound: bool = False
    kind: str | None = None


EVERYTHING, ONE = Seen(None), Seen(Window())


def seen_by(step: Step) -> Seen:
    """Return what a position of a map sees of the maps that the op reads."""
    if step.op in ELEMENTWISE or step.op == "BiasAdd":
        return Seen(Window(), bound=any(_has_places(array) for array in step.arrays))
    if step.op in QUANTIZERS:
        return ONE
    if step.op in REDUCTIONS:
        return _reduced(step)
    if len(step.out_shape) != 4:
        return EVERYTHING
    find = WINDOWS.get(step.op)
    return EVERYTHING if find is None else find(step)


def _has_places(array: np.ndarray | None) -> bool:
    """Tell whether a constant is another one at every place, which ties a network to a size."""
    return array is not None and any(size > 1 for size in array.shape[-3:-1])


def groups_of(step: Step) -> int:
    """Return into how many groups a convolution divides the channels that it reads."""
    if step.op != "Conv2D" or None in {step.shape(0)[3], step.shape(1)[2]}:
        return 1
    return step.shape(0)[3] // step.shape(1)[2]


def agrees(window: Window, sizes: Sequence[Pair], size: Pair) -> bool:
    """Tell whether a window makes maps of a size of maps of the given ones, some of which may be 1 x 1."""
    widest = tuple(max(one[axis] for one in sizes) for axis in (0, 1))
    meet = all(one in {(1, 1), widest} for one in sizes)
    return meet and tuple(window.size_after(widest[axis], axis) for axis in (0, 1)) == size


def _reduced(step: Step) -> Seen:
    axes = step.arrays[1]
    if axes is None or len(step.shape(0)) != 4:
        return EVERYTHING
    over = {int(axis) % 4 for axis in np.ravel(axes)}
    if over == CHANNELS and step.attrs["keep_dims"]:
        return ONE
    return Seen(None, free=True, kind="global_pool") if over == PLACES else EVERYTHING


# ---- windows that slide


def _convolution(step: Step) -> Seen:
    height, width = step.shape(1)[:2]
    return Seen(_sliding(step, (height, width), step.attrs["dilations"]))


def _pooling(step: Step) -> Seen:
    sizes, strides = step.attrs["ksize"], step.attrs["strides"]
    within = sizes[0] == sizes[3] == strides[0] == strides[3] == 1
    return Seen(_sliding(step, (sizes[1], sizes[2]), (1, 1, 1, 1))) if within else EVERYTHING


def _sliding(step: Step, kernel: Pair, dilations: Sequence[int]) -> Window:
    strides = step.attrs["strides"]
    return Window(kernel, (strides[1], strides[2]), (dilations[1], dilations[2]), _padding(step))


def _padding(step: Step) -> str | tuple[Pair, Pair]:
    sides = step.attrs.get("explicit_paddings", ())
    if step.attrs["padding"] == "EXPLICIT":
        return (sides[2], sides[3]), (sides[4], sides[5])
    return PADDINGS[step.attrs["padding"]]


def _transposed(step: Step) -> Seen:
    """Return a transposed convolution as one of spread-out positions; its own sizes tell how it ends."""
    up, kernel = step.attrs["strides"][1:3], step.shape(1)[:2]
    sides = []
    for axis in (0, 1):
        before = kernel[axis] - 1 - _taken_before(step, axis, kernel[axis], up[axis])
        spread = step.shape(2)[axis + 1] * up[axis]
        sides.append((before, step.out_shape[axis + 1] - spread + kernel[axis] - 1 - before))
    window = Window((kernel[0], kernel[1]), padding=(sides[0], sides[1]), up=(up[0], up[1]))
    return Seen(window, bound=step.arrays[0] is not None)


def _taken_before(step: Step, axis: int, kernel: int, stride: int) -> int:
    """Return how many zeros the convolution that is transposed had before its input."""
    padding = _padding(step)
    if isinstance(padding, tuple):
        return padding[axis][0]
    return max(kernel - stride, 0) // 2 if padding == "same" else 0


def _patches(step: Step) -> Seen:
    size, strides, rates = (step.attrs[key][1:3] for key in ("ksizes", "strides", "rates"))
    return Seen(Window(tuple(size), tuple(strides), tuple(rates), PADDINGS[step.attrs["padding"]]))


def _to_depth(step: Step) -> Seen:
    block = step.attrs["block_size"]
    return Seen(Window((block, block), (block, block), padding="valid"))


def _to_space(step: Step) -> Seen:
    block = step.attrs["block_size"]
    return Seen(Window(up=(block, block)))


# ---- windows of one position


def _padded(step: Step) -> Seen:
    sides = step.arrays[1]
    if sides is None or np.any(sides[0]):
        return EVERYTHING
    (top, bottom), (left, right) = sides[1:3].tolist()
    return Seen(Window(padding=((top, bottom), (left, right))))


def _sliced(step: Step) -> Seen:
    """Return what is left of a map: some channels, or all but an edge."""
    if any(array is None for array in step.arrays[1:]) or len(step.shape(0)) != 4:
        return EVERYTHING
    before, whole = step.shape(0)[1:3], step.out_shape[1:3]
    if step.op == "StridedSlice" and not _is_plain(step):
        return EVERYTHING
    first = [0, 0] if before == whole else _first_places(step)
    if first is None:
        return EVERYTHING
    sides = [(-first[i], whole[i] + first[i] - before[i]) for i in (0, 1)]
    return Seen(Window(padding=(sides[0], sides[1])), bound=any(side[1] for side in sides))


def _is_plain(step: Step) -> bool:
    """Tell whether places are taken one by one, whatever is done to channels."""
    steps, dots = step.arrays[3], step.attrs["ellipsis_mask"]
    added = step.attrs["new_axis_mask"] or step.attrs["shrink_axis_mask"]
    of_channels = len(steps) == 4 or dots
    return not added and bool(np.all(steps[: -1 if of_channels else None] == 1))


def _first_places(step: Step) -> list[int] | None:
    begin = step.arrays[1]
    if len(begin) < 3 or step.attrs.get("ellipsis_mask") or min(begin[1:3]) < 0:
        return None
    open_ = step.attrs.get("begin_mask", 0)
    return [0 if open_ >> i & 1 else int(begin[i]) for i in (1, 2)]


def _along(step: Step) -> Seen:
    """Return the window of an op that works along one axis."""
    axis = step.arrays[AXIS_INPUT[step.op]]
    return ONE if axis is not None and int(np.ravel(axis)[0]) % 4 in CHANNELS else EVERYTHING


def _gathered(step: Step) -> Seen:
    axis = step.arrays[2] if len(step.arrays) > 2 else np.array(0)
    plain = step.arrays[1] is not None and step.arrays[1].ndim == 1
    return ONE if plain and axis is not None and int(axis) % 4 in CHANNELS else EVERYTHING


def _resized(step: Step) -> Seen:
    return Seen(None, free=step.arrays[1] is not None)


def _here(_: Step) -> Seen:
    return ONE


WINDOWS: dict[str, Callable[[Step], Seen]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "Conv2DBackpropInput": _transposed,
    "SpaceToDepth": _to_depth,
    "ExtractImagePatches": _patches,
    "DepthToSpace": _to_space,
    "Slice": _sliced,
    "StridedSlice": _sliced,
    "GatherV2": _gathered,
    **dict.fromkeys(POOLS, _pooling),
    **dict.fromkeys(PADS, _padded),
    **dict.fromkeys((*CONCATS, *SPLITS), _along),
    **dict.fromkeys(RESIZES, _resized),
    **dict.fromkeys(("LRN", "Softmax", "LogSoftmax", *NORMALIZATIONS, OLD_NORMALIZATION), _here),
}
