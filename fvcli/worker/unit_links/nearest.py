"""Which of some layers are next below a layer, counted in layers that mix channels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fvcli.optvis.calls import Call
from fvcli.worker.unit_links.steps import PICTURE, End, Step, Steps

MOST_MIXING = 8  # layers with weights, beyond which the linear parts alone say little


@dataclass(frozen=True)
class Between:
    """What lies between a layer and those next below it.

    steps: The calls in between, each with its step, the layer itself last.
    nearest: The calls of the next layers below.
    mixing: How many layers with weights between channels lead to them on the shortest way.
    reason: Why there are none, in words; empty if there are.
    """

    steps: Mapping[Call, Step]
    nearest: tuple[Call, ...] = ()
    mixing: int = 0
    reason: str = ""


def between(steps: Steps, upper: Call, lowers: Mapping[Call, str]) -> Between:
    """Walk down from a layer to the nearest of some others.

    A layer counts as below if a layer with weights between channels is on the way to it. What has the same
    channels, such as a layer and its activation, is passed. Of several at the same distance, those are left
    out that another of them is made of. The branches of a module stand beside each other, and all are taken.

    Args:
        steps: Of the network.
        upper: Where to begin.
        lowers: The calls of the other layers, and their names.
    """
    walk = _Walk(steps, upper, lowers)
    walk.go()
    found = walk.next_below()
    if not found:
        return Between({}, reason=walk.why_none())
    least = min(found.values())
    near = [call for call, mixing in found.items() if mixing == least]
    nearest = tuple(one for one in near if not any(_is_made_of(o, one) for o in near if o is not one))
    passed = {call: step for call, step in reversed(walk.passed.items()) if call not in walk.ends}
    return Between(passed, nearest, int(least))


class _Walk:
    """Goes through calls from a layer towards the picture.

    passed: The calls that it went through, and their steps.
    terminals: The layers that it stopped at, and how many mixing layers lead there on the shortest way.
    ends: The calls that it could not go on from, and why.
    """

    def __init__(self, steps: Steps, upper: Call, lowers: Mapping[Call, str]) -> None:
        self._steps, self._upper, self._lowers = steps, upper, lowers
        self.passed: dict[Call, Step] = {}
        self.terminals: dict[Call, float] = {}
        self.ends: dict[Call, str] = {}

    def go(self) -> None:
        mixing: dict[Call, float] = {}  # the fewest on a way that has one
        without = {self._upper}  # what a way without any leads to
        for call in _from_above(self._steps, self._upper):
            least = mixing.get(call, math.inf)
            if call not in without and least == math.inf:
                continue
            if call in self._lowers and call is not self._upper and least < math.inf:
                self.terminals[call] = least
                continue
            step = self._steps[call]
            if isinstance(step, End):
                self.ends[call] = step.reason
                continue
            if least > MOST_MIXING and call not in without:
                self.ends[call] = f"more than {MOST_MIXING} layers of weights lie between"
                continue
            self.passed[call] = step
            for source in step.sources:
                if step.mixes:
                    least_here = min(least + 1, 1 if call in without else math.inf)
                else:
                    least_here = least
                    without |= {source} if call in without else set()
                mixing[source] = min(mixing.get(source, math.inf), least_here)

    def next_below(self) -> dict[Call, float]:
        """Return the layers below to which all ways can be followed."""
        return {call: mixing for call, mixing in self.terminals.items() if self._hides(call) is None}

    def why_none(self) -> str:
        hidden = [self._hides(call) for call in self.terminals]
        others = sorted(self.ends.values(), key=lambda reason: reason == PICTURE)
        return next((reason for reason in (*hidden, *others) if reason), "no layer is below it")

    def _hides(self, call: Call) -> str | None:
        """Return why a way to a layer cannot be followed, if one cannot."""
        return next((why for end, why in self.ends.items() if _is_made_of(end, call)), None)


def _from_above(steps: Steps, upper: Call) -> list[Call]:
    """Return a call and all that its steps lead to, each before what it is made of."""
    order: list[Call] = []
    seen: set[Call] = set()
    todo = [(upper, False)]
    while todo:
        call, is_done = todo.pop()
        if is_done:
            order.append(call)
        elif call not in seen:
            seen.add(call)
            todo.append((call, True))
            step = steps[call]
            todo += [(source, False) for source in (step.sources if isinstance(step, Step) else ())]
    return order[::-1]


def _is_made_of(call: Call, below: Call) -> bool:
    seen: set[Call] = set()
    todo = [call]
    while todo:
        one = todo.pop()
        if one is below:
            return True
        if one not in seen:
            seen.add(one)
            todo += one.inputs
    return False
