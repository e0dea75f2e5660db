"""Find where a network's graph draws random numbers, and what goes on without them; no TensorFlow.

Dropout and augmentation of pictures are parts with one way in and one way out:

    entry --> Mul ----------------------------> Mul (exit) --> ...
       \\---> Shape --> RandomUniform --> Floor --/

Whether such a part does nothing in inference is for the caller to judge. If so, what reads the exit reads the
entry instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fvcli.models.files.graph_file import RANDOM

Inputs = Mapping[str, tuple["Output", ...]]
DRAWS_INSIDE = "_fvcli_draws"  # an attribute of nodes whose functions draw random numbers
MAX_WAYS = 12  # ways out that are looked at for one source, and ways in for one way out


class Output(NamedTuple):
    """One of the tensors that a node makes."""

    node: str
    number: int


def output_of(text: str) -> Output:
    """Return what an input such as ``name`` or ``name:1`` is."""
    node, _, number = text.partition(":")
    return Output(node, int(number) if number.isdecimal() else 0)


class NoisyPart(NamedTuple):
    """A part of a graph that is made with random numbers.

    entry: What goes in.
    exit: What comes out.
    between: The nodes that are made of the entry, in order, the last of which makes the exit.
    """

    entry: Output
    exit: Output
    between: tuple[str, ...]


def draws(node: Any) -> bool:
    """Tell whether a node draws random numbers."""
    return bool(RANDOM.fullmatch(node.op)) or DRAWS_INSIDE in node.attr


def without_noise(
    nodes: Mapping[str, Any],
    order: Sequence[str],
    inputs: Inputs,
    picture: str,
    is_idle: Callable[[NoisyPart, Inputs], bool],
) -> tuple[dict[str, tuple[Output, ...]], list[NoisyPart]]:
    """Return what nodes read once noisy parts that do nothing in inference are gone, and those parts.

    Args:
        nodes: NodeDefs by name.
        order: Their names, each behind what it reads.
        inputs: What they read.
        picture: The node that the picture takes the place of.
        is_idle: Tells of a part whether it does nothing in inference.

    It ends at the first source that no such part is around, but that the network goes on with: then the
    graph is refused anyway.
    """
    live = dict(inputs)
    found: list[NoisyPart] = []
    order = [name for name in order if name in live]
    for source in [name for name in order if draws(nodes[name])]:
        parts = (
            _parts([name for name in order if name in live], live, source, picture) if source in live else ()
        )
        goes_on = False
        for part in parts:
            if is_idle(part, live):
                found.append(part)
                live = _without(live, part)
                break
            goes_on = goes_on or _is_read(part.exit.node, live)
        else:
            if goes_on:
                break
    return live, found


def _is_read(name: str, inputs: Inputs) -> bool:
    return any(output.node == name for reads in inputs.values() for output in reads)


def _without(inputs: Inputs, part: NoisyPart) -> dict[str, tuple[Output, ...]]:
    """Return what nodes read where a part is gone, without the nodes that only the part needed."""
    read = {output.node for reads in inputs.values() for output in reads}
    ends = {name for name in inputs if name not in read} - {part.exit.node} | {part.entry.node}
    live = {
        name: tuple(part.entry if output == part.exit else output for output in reads)
        for name, reads in inputs.items()
    }
    needed, todo = {*ends}, [*ends]
    while todo:
        new = {output.node for output in live.get(todo.pop(), ())} - needed
        needed |= new
        todo += new
    return {name: reads for name, reads in live.items() if name in needed}


def _parts(order: Sequence[str], inputs: Inputs, source: str, picture: str) -> Iterator[NoisyPart]:
    """Yield the parts that a source of random numbers may be in, the smallest first."""
    noisy, seeing = _made_of(order, inputs, source) | {source}, _made_of(order, inputs, picture)
    place = {name: i for i, name in enumerate(order)}
    for way_out in _ways_out(order, inputs, place, noisy, seeing - {source}):
        for entry in _ways_in(inputs, place, way_out, noisy, seeing | {picture}):
            here = order[place[entry.node] : place[way_out] + 1]
            between = _made_of(here, inputs, entry.node) & _needed_for(here, inputs, way_out)
            yield NoisyPart(entry, Output(way_out, 0), tuple(name for name in here if name in between))


def _made_of(order: Sequence[str], inputs: Inputs, start: str) -> set[str]:
    """Return the nodes behind one, without it."""
    found = {start}
    for name in order:
        if any(output.node in found for output in inputs[name]):
            found.add(name)
    return found - {start}


def _needed_for(order: Sequence[str], inputs: Inputs, end: str) -> set[str]:
    """Return the nodes that one is made of, and itself."""
    found = {end}
    for name in reversed(order):
        if name in found:
            found.update(output.node for output in inputs[name])
    return found


def _ways_out(
    order: Sequence[str],
    inputs: Inputs,
    place: Mapping[str, int],
    noisy: Collection[str],
    seeing: Collection[str],
) -> list[str]:
    """Return the nodes that all that is noisy goes through, and that see the picture, the nearest first."""
    last_reader: dict[str, int] = {}
    for name in order:
        for output in inputs[name]:
            last_reader[output.node] = place[name]
    found: list[str] = []
    furthest = -1
    for name in order:
        if name in noisy:
            if furthest <= place[name] and name in seeing:
                found.append(name)
            furthest = max(furthest, last_reader.get(name, -1))
    return found[:MAX_WAYS]


def _ways_in(
    inputs: Inputs, place: Mapping[str, int], end: str, noisy: Collection[str], seeing: Collection[str]
) -> list[Output]:
    """Return what all that an end sees of the picture goes through, without noise, the nearest first."""
    open_ = {output for output in inputs[end] if output.node in seeing}
    found: list[Output] = []
    while open_ and len(found) < MAX_WAYS:
        if len(open_) == 1:
            (only,) = open_
            if only.node not in noisy:
                found.append(only)
        latest = max(open_, key=lambda output: place[output.node]).node
        open_ = {output for output in open_ if output.node != latest}
        open_ |= {output for output in inputs[latest] if output.node in seeing}
    return found
