"""Find what of a network's graph a picture needs: which nodes, in which order, from what; no TensorFlow."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fvcli.errors import FvcliError
from fvcli.models.files.graph_branches import COME_BACK, without_dead_branches
from fvcli.models.files.graph_file import GIVE, LEARNS, LEARNS_INSIDE, OUTSIDE, node_name, refusal
from fvcli.models.files.graph_noise import Inputs, NoisyPart, Output, draws, output_of, without_noise

SIZES = {"Shape", "ShapeN", "Size", "Rank"}
NAMES = {"Identity", "IdentityN"}  # what only gives a tensor another name
LONGEST_CHAIN = 100  # of calls in calls


@dataclass(frozen=True)
class Wiring:
    """What is computed of a picture.

    order: Names of the nodes that are needed, each behind those that it reads; the picture's own first.
    inputs: What each of them reads.
    of_picture: Those whose value the picture has a say in.
    ends: Those of them that nothing reads.
    left_out: Nodes of its ends that cannot be computed, which nothing that is learnt needs.
    idle: Parts that draw random numbers and do nothing in inference, which are gone.
    """

    order: tuple[str, ...]
    inputs: Mapping[str, tuple[Output, ...]]
    of_picture: frozenset[str]
    ends: frozenset[str]
    left_out: tuple[str, ...]
    idle: tuple[NoisyPart, ...] = ()


def wire(
    nodes: Mapping[str, Any],
    picture: str,
    allowed: Collection[str],
    fill: Mapping[str, float],
    name: str,
    is_idle: Callable[[NoisyPart, Inputs], bool] = lambda *_: False,
    same_size: Collection[str] = (),
) -> Wiring:
    """Follow the picture through a graph, and find all nodes on its way to be allowed.

    Args:
        nodes: NodeDefs by name.
        picture: The node that the picture takes the place of.
        allowed: Ops that may be computed.
        fill: What other placeholders are filled with.
        name: What to call the file in messages.
        is_idle: Tells of a part that draws random numbers whether it does nothing in inference.
        same_size: Nodes before the picture of which only the size counts: it is the picture's.

    Raises:
        FvcliError: A node reads what is not there, reads itself, or is of an op that is not allowed.
    """
    inputs = _inputs(nodes, picture, name, same_size)
    order = _sorted(inputs, {key for key, node in nodes.items() if node.op in COME_BACK})
    live = without_dead_branches(nodes, order, inputs, fill)
    live, idle = without_noise(nodes, _sorted(live), live, picture, is_idle)
    live = _through_calls(nodes, live)
    readers = _readers(live)
    reached = closure([picture], lambda n: readers[n])
    left_out = _ends(nodes, reached, live, readers, allowed)
    reached -= left_out
    needed = _with_all_before(reached, live)
    _refuse(nodes, needed - {picture}, allowed, name)
    _refuse_loops(needed, order, live, name)
    _refuse_outside(nodes, needed, picture, name)
    kept = [picture, *(n for n in order if n in needed and n != picture)]
    ends = frozenset(n for n in reached if not reached.intersection(readers[n]))
    unknown = tuple(n for n in nodes if n in left_out and nodes[n].op not in {*allowed, *NAMES})
    return Wiring(tuple(kept), {n: live[n] for n in kept}, frozenset(reached), ends, unknown, tuple(idle))


def _inputs(
    nodes: Mapping[str, Any], picture: str, name: str, same_size: Collection[str]
) -> dict[str, tuple[Output, ...]]:
    found = {}
    for key, node in nodes.items():
        missing = [text for text in node.input if node_name(text) not in nodes]
        if missing and key != picture:
            raise FvcliError(f"{name}: node {key} reads {node_name(missing[0])!r}, which is not there", GIVE)
        data = [text for text in node.input if not text.startswith("^")]
        found[key] = () if key == picture else tuple(map(output_of, data))
        if node.op in SIZES:
            found[key] = tuple(Output(picture, 0) if one.node in same_size else one for one in found[key])
    return found


def _through_calls(
    nodes: Mapping[str, Any], inputs: Mapping[str, tuple[Output, ...]]
) -> dict[str, tuple[Output, ...]]:
    """Return what nodes read where each output of a call is taken from where the call has it."""

    def source(output: Output) -> Output:
        for _ in range(LONGEST_CHAIN):
            reads = inputs.get(output.node, ())
            if nodes[output.node].op != "IdentityN" or output.number >= len(reads):
                break
            output = reads[output.number]
        return output

    return {node: tuple(map(source, reads)) for node, reads in inputs.items()}


def _sorted(inputs: Mapping[str, Sequence[Output]], come_back: Collection[str] = ()) -> list[str]:
    """Return the nodes, each behind what it reads, else in the order of the file.

    Those in loops, and all behind them, are not there; but a node may be before those that come back to it.
    """
    place = {node: i for i, node in enumerate(inputs)}
    waiting = {node: len(_read_before(reads, come_back)) for node, reads in inputs.items()}
    readers, names = _readers(inputs), list(inputs)
    ready = [place[node] for node, count in waiting.items() if count == 0]
    order = []
    while ready:
        node = names[heapq.heappop(ready)]
        order.append(node)
        for reader in () if node in come_back else readers[node]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, place[reader])
    return order


def _read_before(reads: Sequence[Output], come_back: Collection[str]) -> set[str]:
    return {output.node for output in reads if output.node not in come_back}


def _readers(inputs: Mapping[str, Sequence[Output]]) -> Mapping[str, list[str]]:
    readers: dict[str, list[str]] = defaultdict(list)
    for node, reads in inputs.items():
        for source in dict.fromkeys(output.node for output in reads):
            readers[source].append(node)
    return readers


def closure(start: Collection[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    """Return nodes and all that can be reached from them, by what says which nodes follow one."""
    seen = {*start}
    todo = list(start)
    while todo:
        new = [node for node in following(todo.pop()) if node not in seen]
        seen.update(new)
        todo += new
    return seen


def _with_all_before(start: Collection[str], live: Mapping[str, Sequence[Output]]) -> set[str]:
    return closure(start, lambda node: [output.node for output in live.get(node, ())])


def ancestors(nodes: Mapping[str, Any], roots: Iterable[str]) -> list[Any]:
    """Return the nodes that others need, and those themselves, in the order of the file.

    Args:
        nodes: NodeDefs by name.
        roots: The others: their names, or names of what they make.
    """

    def reads(name: str) -> list[str]:
        return [node_name(text) for text in nodes[name].input if node_name(text) in nodes]

    found = closure([name for name in map(node_name, roots) if name in nodes], reads)
    return [node for name, node in nodes.items() if name in found]


# ---- what must not be there


def _ends(
    nodes: Mapping[str, Any],
    reached: Collection[str],
    live: Mapping[str, Sequence[Output]],
    readers: Mapping[str, Sequence[str]],
    allowed: Collection[str],
) -> set[str]:
    """Return nodes that cannot be computed and all behind them, where nothing more is learnt.

    They choose among boxes, look up labels or make statistics. What reaches out of the graph, or draws random
    numbers that more than a name is given to, is none of them.
    """

    def with_all_behind(start: Collection[str]) -> set[str]:
        return closure(start, lambda node: readers[node])

    foreign = {n for n in reached if nodes[n].op not in allowed and not OUTSIDE.fullmatch(nodes[n].op)}
    tails = with_all_behind(foreign - _with_all_before([n for n in reached if _matters(nodes[n])], live))
    if not any(_learns(nodes[n]) for n in {*reached} - tails):
        tails = set()
    computing = [n for n in reached if nodes[n].op not in NAMES]
    read = _with_all_before([output.node for n in computing for output in live[n]], live)
    return tails | with_all_behind(foreign - tails - read)


def _learns(node: Any) -> bool:
    return bool(LEARNS.fullmatch(node.op)) or LEARNS_INSIDE in node.attr


def _matters(node: Any) -> bool:
    """Tell whether a node must not be left out without a word."""
    return _learns(node) or bool(OUTSIDE.fullmatch(node.op)) or draws(node)


def _refuse(nodes: Mapping[str, Any], needed: Collection[str], allowed: Collection[str], name: str) -> None:
    for key, node in nodes.items():  # in the order of the file, so that the same one is named every time
        if key in needed and node.op not in allowed:
            raise refusal(node, name)


def _refuse_loops(
    needed: Collection[str], order: Sequence[str], live: Mapping[str, Sequence[Output]], name: str
) -> None:
    fine = live.keys() & {*order}
    loops = [node for node in needed if node not in fine]
    if loops:
        raise FvcliError(f"{name}: node {min(loops)} reads what is made of itself", GIVE)


def _refuse_outside(nodes: Mapping[str, Any], needed: Collection[str], picture: str, name: str) -> None:
    """Refuse what TensorFlow itself would run before a needed node, though nothing of it is read."""

    def reads(node: str) -> list[str]:
        return [] if node == picture else [node_name(text) for text in nodes[node].input]

    before = closure(needed, reads) - {picture}
    for node in nodes:
        if node in before and OUTSIDE.fullmatch(nodes[node].op):
            raise refusal(nodes[node], name)
