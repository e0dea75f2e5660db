"""Tell of a part of a graph that draws random numbers whether it does nothing in inference.

Both kinds are tried out. Dropout and noise keep each number as it is in the mean. Augmentation stands before
the network proper, learns nothing, moves or recolours pictures, and leaves them as they are for some numbers.
What else is done to a picture inside of such a part shows itself: then no numbers leave it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.files.graph_noise import Inputs, NoisyPart, draws
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.input import GraphInput
from fvcli.models.loaded.graph_def.part_trial import MAX_VALUES, OF_PICTURES, PartTrial
from fvcli.models.loaded.graph_def.shapes import FAULTS, Shapes

LEVELS = (np.arange(64) + 0.5) / 64  # of evenly spread random numbers from 0 to 1
NEUTRAL = (0.5, 0.0, 0.999)  # levels of numbers with which augmentation may do nothing
UNKNOWN_SIDE = 8  # of what has any size
LARGEST_ERROR = 0.08  # of a mean of 64
ROUNDING = 1e-3  # of turning colours around and back
CHOOSES = {"Mul", "Select", "SelectV2", "Merge"}  # of which random numbers can say what they take
MAX_FAILED = 144  # trials of a graph: all parts of a source that there can be
MOVES = {*OF_PICTURES, "ReverseV2", "ClipByValue", "Slice", "StridedSlice", "Switch", "Merge"}


def idle_parts(
    nodes: Mapping[str, Any], picture: GraphInput, fill: Mapping[str, float]
) -> Callable[[NoisyPart, Inputs], bool]:
    """Return what tells whether a noisy part of a graph does nothing in inference.

    Args:
        nodes: NodeDefs by name.
        picture: Where the picture comes in.
        fill: What placeholders are filled with.
    """

    last: list[tuple[Inputs, Shapes]] = []
    trial, failed = PartTrial(nodes, fill), 0

    def shapes_of(inputs: Inputs) -> Shapes:
        if not last:
            known = {picture.node: (picture.dtype, picture.shape)}
            last.append((inputs, Shapes(nodes, inputs, known)))
        elif last[0][0] is not inputs:
            last[0] = inputs, last[0][1].after(inputs)
        return last[0][1]

    def is_idle(part: NoisyPart, inputs: Inputs) -> bool:
        nonlocal failed
        shapes = shapes_of(inputs)
        entry, made = shapes.of(part.entry), shapes.of(part.exit)
        if entry is None or made is None or entry[0] != made[0] or not entry[0].is_floating:
            return False
        if not _is_alike(entry[1], made[1]) or failed > MAX_FAILED or _has_other_ends(part, inputs):
            return False
        found = _keeps_means(trial, part, inputs, *entry) or (
            _may_augment(part, nodes, inputs, picture.node) and _can_do_nothing(trial, part, inputs, *entry)
        )
        failed += not found
        return found

    return is_idle


def _is_alike(one: tf.TensorShape, other: tf.TensorShape) -> bool:
    return bool(one.rank) and one.is_compatible_with(other)


def _has_other_ends(part: NoisyPart, inputs: Inputs) -> bool:
    """Tell whether a part's last node makes more than the exit, such as the other branch of a switch."""
    name = part.exit.node
    return any(output.node == name and output != part.exit for reads in inputs.values() for output in reads)


# ---- augmentation


def _may_augment(part: NoisyPart, nodes: Mapping[str, Any], inputs: Inputs, picture: str) -> bool:
    """Tell whether a part moves or recolours, as noise says, and nothing is learnt before its end."""
    before = _needed(part.exit.node, inputs, picture)
    learns = any(nodes[name].op in ops.LEARNT for name in before)
    return not learns and any(nodes[name].op in MOVES for name in _noisy(part, nodes, inputs))


def _noisy(part: NoisyPart, nodes: Mapping[str, Any], inputs: Inputs) -> list[str]:
    """Return the nodes of a part that are made of random numbers, or taken because of them, as in a flip."""
    found = {name for name in _needed(part.exit.node, inputs, part.entry.node) if draws(nodes[name])}
    todo = _readers(part, inputs)
    new = [*found]
    while new:
        behind = [name for one in new for name in todo.get(one, ()) if name not in found]
        found.update(behind)
        new = behind
    takes = {name for name in found if nodes[name].op in CHOOSES}
    return [name for name in part.between if name in found or _is_chosen(name, todo, takes)]


def _readers(part: NoisyPart, inputs: Inputs) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for name in _needed(part.exit.node, inputs, part.entry.node):
        for output in inputs.get(name, ()):
            readers.setdefault(output.node, []).append(name)
    return readers


def _is_chosen(name: str, readers: Mapping[str, Sequence[str]], takes: set[str]) -> bool:
    """Tell whether only random numbers say if what a node makes is taken."""
    read = readers.get(name, ())
    return bool(read) and all(one in takes for one in read)


def _needed(end: str, inputs: Inputs, start: str) -> set[str]:
    found, todo = {end}, [end]
    while todo:
        name = todo.pop()
        new = set() if name == start else {output.node for output in inputs.get(name, ())} - found
        found |= new
        todo += new
    return found - {start}


def _can_do_nothing(
    trial: PartTrial, part: NoisyPart, inputs: Inputs, dtype: tf.DType, shape: tf.TensorShape
) -> bool:
    """Try out whether pictures come out as they go in, for some random numbers."""
    if shape.rank not in {3, 4}:
        return False
    sizes = [size or UNKNOWN_SIDE for size in shape.as_list()]
    if int(np.prod(sizes)) > MAX_VALUES:
        return False
    given = np.random.default_rng(0).uniform(0.1, 0.9, sizes).astype(dtype.as_numpy_dtype)
    made = (_tried(trial, part, inputs, given, np.asarray([level])) for level in NEUTRAL)
    return any(one is not None and np.allclose(one, given, rtol=0, atol=ROUNDING) for one in made)


def _tried(
    trial: PartTrial, part: NoisyPart, inputs: Inputs, given: np.ndarray, levels: np.ndarray
) -> np.ndarray | None:
    try:
        made = trial.computed(part, inputs, given, levels)
    except FAULTS:
        return None
    return made if made.shape == given.shape else None


# ---- noise


def _keeps_means(
    trial: PartTrial, part: NoisyPart, inputs: Inputs, dtype: tf.DType, shape: tf.TensorShape
) -> bool:
    """Try out whether each number that goes in comes out as it is, in the mean of many pictures."""
    if not trial.is_plain(part):
        return False
    sides = [size or UNKNOWN_SIDE for size in shape.as_list()[1:]]
    small = [*(min(side, UNKNOWN_SIDE) for side in sides[:-1]), *sides[-1:]]  # a part of a large map
    count = len(LEVELS) * int(np.prod(sides))
    ways = [(sides if count <= MAX_VALUES else small, len(LEVELS)), (small, 1)]
    ways += [(sides, 1)] if count <= MAX_VALUES * 4 else []
    for size, batch in ways:  # the second, if all pictures have the same numbers; the third, in a fixed size
        error = _mean(trial, part, inputs, dtype, size, batch)
        if error is not None:
            return bool(error.max() <= LARGEST_ERROR and error.mean() <= LARGEST_ERROR / 4)
    return False


def _mean(
    trial: PartTrial, part: NoisyPart, inputs: Inputs, dtype: tf.DType, sides: Sequence[int], batch: int
) -> np.ndarray | None:
    """Return by how much each number differs in the mean; nothing if that cannot be computed.

    Args:
        batch: How many pictures are computed at once.
    """
    one = np.random.default_rng(0).uniform(0.5, 1.5, sides)
    given = np.broadcast_to(one, (batch, *sides)).astype(dtype.as_numpy_dtype)
    total = np.zeros(sides)
    for levels in LEVELS.reshape(-1, batch):
        made = _tried(trial, part, inputs, given, levels)
        if made is None:
            return None
        total += np.asarray(made, np.float64).sum(0)
    return np.asarray(np.abs(total / len(LEVELS) - one))
