"""Which part of each map the derivative of one position needs, so that no more is computed.

All positions are those of whole maps, which are so large that no needed one is near an edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from fvcli.models.graph import Node, Pair, Window
from fvcli.optvis.calls import Call
from fvcli.worker.unit_links.steps import Step


class Span(NamedTuple):
    """Positions along an axis, the last one included."""

    first: int
    last: int

    def with_(self, other: Span) -> Span:
        return Span(min(self.first, other.first), max(self.last, other.last))

    @property
    def size(self) -> int:
        return self.last - self.first + 1


class Cut(NamedTuple):
    """What of its source a window works on along an axis.

    given: Positions of the source.
    before: The number of the first position that comes out of it.
    """

    given: Span
    before: int


Spans = tuple[Span, Span]  # down and across


@dataclass(frozen=True)
class Crops:
    """The needed parts.

    of: Of what each call makes.
    cuts: Of what each call reads, down and across; the same of all its sources.
    """

    of: Mapping[Call, Spans]
    cuts: Mapping[Call, tuple[Cut, Cut]]

    @classmethod
    def needed(
        cls,
        steps: Mapping[Call, Step],
        nodes: Mapping[str, Node],
        sizes: Mapping[Call, Pair],
        upper: Call,
        place: Pair,
    ) -> Crops:
        """Find what one position of a layer needs.

        Args:
            steps: What lies between, in the order of computing.
            nodes: The layers, by name.
            sizes: Of the maps, those of the steps' sources included.
            upper: The layer.
            place: Row and column of its position.
        """
        of: dict[Call, Spans] = {upper: (Span(place[0], place[0]), Span(place[1], place[1]))}
        cuts: dict[Call, tuple[Cut, Cut]] = {}
        for call in reversed(tuple(steps)):
            read = [source for source in steps[call].sources if source in sizes]
            window = nodes[call.name].window if call.name in nodes else None
            size = tuple(max(sizes[source][axis] for source in read) for axis in (0, 1))
            down, across = (
                _cut(None if steps[call].flattens else window or Window(), axis, size[axis], of[call][axis])
                for axis in (0, 1)
            )
            cuts[call] = (down, across)
            for source in read:
                spans = (down.given, across.given)
                known = of.get(source, spans)
                of[source] = (spans[0].with_(known[0]), spans[1].with_(known[1]))
        return cls(of, cuts)

    def apply(self, call: Call, step: Step, values: Mapping[Call, tf.Tensor]) -> tf.Tensor:
        """Return the needed part of what a call makes of the needed parts of its sources."""
        cuts, given = self.cuts[call], []
        for source in step.sources:
            given.append(self._part(source, values[source], cuts) if source in values else None)
        made = step.apply(given)
        if step.flattens:
            return made
        down, across = (
            Span(span.first - cut.before, span.last - cut.before)
            for span, cut in zip(self.of[call], cuts, strict=True)
        )
        return made[:, down.first : down.last + 1, across.first : across.last + 1]

    def _part(self, source: Call, value: tf.Tensor, cuts: tuple[Cut, Cut]) -> tf.Tensor:
        down, across = (
            Span(cut.given.first - whole.first, cut.given.last - whole.first)
            for cut, whole in zip(cuts, self.of[source], strict=True)
        )
        return value[:, down.first : down.last + 1, across.first : across.last + 1]


def _cut(window: Window | None, axis: int, size: int, wanted: Span) -> Cut:
    """Return which positions of a source of some size are enough for the wanted ones.

    The part is cut so that padding begins as far before it as before the whole map, or a whole number of
    strides from there.
    """
    whole = Cut(Span(0, size - 1), 0)
    if window is None or window.up[axis] > 1:
        return whole
    stride, before = window.stride[axis], window.before(size, axis)
    first = wanted.first * stride - before
    last = wanted.last * stride - before + (window.kernel[axis] - 1) * window.dilation[axis]
    first, last = max(0, first), min(size - 1, last)
    margin = stride + abs(before)
    for more in range(2 * margin):
        for less in range(min(more, margin) + 1):
            given = Span(first - less, last + more - less)
            if given.first < 0 or given.last >= size:
                continue
            shift = given.first + before - window.before(given.size, axis)
            begin = shift // stride
            end = begin + window.size_after(given.size, axis)
            if shift % stride == 0 and begin <= wanted.first and wanted.last < end:
                return Cut(given, begin)
    return whole
