"""Find what a network's graph computes of a picture: which nodes, in which order, from what; no TensorFlow.

Graphs from the time before inference graphs were cut out keep both branches of what training does otherwise:

    x --> Switch(learning phase) --false--> Merge --> ...
                                 --true---> Dropout --/

Where the switch is a constant, or a placeholder that is filled with one, the branch that is not taken goes
away before anything is looked at.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fvcli.errors import FvcliError
from fvcli.models.files.graph_file import GIVE, OUTSIDE, node_name, refusal
from fvcli.models.files.graph_noise import Inputs, NoisyPart, Output, output_of, without_noise

SWITCHES, MERGES = {"Switch", "RefSwitch"}, {"Merge", "RefMerge"}
PASSED_ON = {"Identity", "IdentityN", "ReadVariableOp", "PlaceholderWithDefault", "Switch"}
DECIDED_BY = "_fvcli_decided_by"  # an attribute of calls: what an If in their place read
LONGEST_CHAIN = 100  # from a switch to the constant that sets it


@dataclass(frozen=True)
class Wiring:
    """What is computed of a picture.

    order: Names of the nodes that are needed, each behind those that it reads; the picture's own first.
    inputs: What each of them reads.
    of_picture: Those whose value the picture has a say in.
    ends: Those of them that nothing reads.
    left_out: Ends of the graph that cannot be computed, which nothing else needs.
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
) -> Wiring:
    """Follow the picture through a graph, and find all nodes on its way to be allowed.

    Args:
        nodes: NodeDefs by name.
        picture: The node that the picture takes the place of.
        allowed: Ops that may be computed.
        fill: What other placeholders are filled with.
        name: What to call the file in messages.
        is_idle: Tells of a part that draws random numbers whether it does nothing in inference.

    Raises:
        FvcliError: A node reads what is not there, reads itself, or is of an op that is not allowed.
    """
    inputs = _inputs(nodes, picture, name)
    order = _sorted(inputs)
    live = _without_dead_branches(nodes, order, inputs, fill)
    live, idle = without_noise(nodes, order, live, picture, is_idle)
    readers = _readers(live)
    reached = closure([picture], lambda n: readers[n])
    left_out = _ends(nodes, reached, readers, allowed)
    reached -= {*left_out}
    needed = closure(reached, lambda n: [output.node for output in live.get(n, ())])
    _refuse(nodes, needed - {picture}, allowed, name)
    _refuse_loops(needed, order, live, name)
    _refuse_outside(nodes, needed, picture, name)
    kept = [picture, *(n for n in order if n in needed and n != picture)]
    ends = frozenset(n for n in reached if not reached.intersection(readers[n]))
    return Wiring(
        tuple(kept), {n: live[n] for n in kept}, frozenset(reached), ends, tuple(left_out), tuple(idle)
    )


def _inputs(nodes: Mapping[str, Any], picture: str, name: str) -> dict[str, tuple[Output, ...]]:
    found = {}
    for key, node in nodes.items():
        missing = [text for text in node.input if node_name(text) not in nodes]
        if missing and key != picture:
            raise FvcliError(f"{name}: node {key} reads {node_name(missing[0])!r}, which is not there", GIVE)
        data = [text for text in node.input if not text.startswith("^")]
        found[key] = () if key == picture else tuple(map(output_of, data))
    return found


def _sorted(inputs: Mapping[str, Sequence[Output]]) -> list[str]:
    """Return the nodes, each behind what it reads, else in the order of the file.

    Those in loops, and all behind them, are not there.
    """
    place = {node: i for i, node in enumerate(inputs)}
    waiting = {node: len({output.node for output in reads}) for node, reads in inputs.items()}
    readers, names = _readers(inputs), list(inputs)
    ready = [place[node] for node, count in waiting.items() if count == 0]
    order = []
    while ready:
        node = names[heapq.heappop(ready)]
        order.append(node)
        for reader in readers[node]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, place[reader])
    return order


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


# ---- branches that are not taken


def _without_dead_branches(
    nodes: Mapping[str, Any],
    order: Sequence[str],
    inputs: Mapping[str, tuple[Output, ...]],
    fill: Mapping[str, float],
) -> dict[str, tuple[Output, ...]]:
    """Return what live nodes read once switches that are set have been taken out."""
    taken: dict[Output, Output | None] = {}  # None: nothing comes out of it
    dead: set[str] = set()
    live = dict(inputs)
    for key in order:
        node = nodes[key]
        reads = [taken.get(output, None if output.node in dead else output) for output in inputs[key]]
        live[key] = found = tuple(output for output in reads if output is not None)
        if node.op in MERGES and len(found) == 1:
            taken[Output(key, 0)] = found[0]
        elif len(found) < len(reads) or any(_is_dead(text, dead) for text in node.input):
            dead.add(key)
        elif node.op in SWITCHES and len(found) == 2:
            _take(key, found[0], truth_of(nodes, node.input[1], fill), taken)
    gone = dead | {output.node for output in taken}
    return {key: reads for key, reads in live.items() if key not in gone}


def _is_dead(text: str, dead: Collection[str]) -> bool:
    return text.startswith("^") and node_name(text) in dead


def _take(key: str, data: Output, truth: bool | None, taken: dict[Output, Output | None]) -> None:
    if truth is not None:
        taken[Output(key, int(truth))] = data
        taken[Output(key, int(not truth))] = None


def truth_of(nodes: Mapping[str, Any], text: str, fill: Mapping[str, float]) -> bool | None:
    """Return what a switch is set to, if that is known without computing anything.

    Args:
        nodes: NodeDefs by name.
        text: What the switch reads.
        fill: What placeholders are filled with.
    """
    node, turned = _set_by(nodes, text, fill)
    if node is None:
        return None
    filled = node.op != "Const" or node.name in fill
    return (fill.get(node.name, 0.0) != 0.0 if filled else _constant(node)) != turned


def deciding(nodes: Mapping[str, Any], fill: Mapping[str, float]) -> list[str]:
    """Return the placeholders that say which branches of a graph are taken, in the order of the file."""
    texts = [node.input[1] for node in nodes.values() if node.op in SWITCHES and len(node.input) > 1]
    texts += [node.attr[DECIDED_BY].s.decode() for node in nodes.values() if DECIDED_BY in node.attr]
    found = [_set_by(nodes, text, fill)[0] for text in texts if node_name(text) in nodes]
    names = {node.name for node in found if node is not None and node.op != "Const"}
    return [name for name in nodes if name in names]


def _set_by(nodes: Mapping[str, Any], text: str, fill: Mapping[str, float]) -> tuple[Any, bool]:
    """Return the constant or placeholder that a switch reads, if any, and whether it is turned around."""
    turned = False
    for _ in range(LONGEST_CHAIN):
        output = output_of(text)
        node = nodes[output.node]
        if node.name in fill or node.op in {"Placeholder", "Const"}:
            return node, turned
        if node.op not in {*PASSED_ON, "LogicalNot"} or not node.input:
            return None, turned
        turned = turned != (node.op == "LogicalNot")
        text = node.input[output.number if node.op == "IdentityN" else 0]
    return None, turned


def _constant(node: Any) -> bool:
    tensor = node.attr["value"].tensor
    return bool(tensor.tensor_content.strip(b"\0") or any(tensor.bool_val) or any(tensor.int_val))


# ---- what must not be there


def _ends(
    nodes: Mapping[str, Any],
    reached: Collection[str],
    readers: Mapping[str, Sequence[str]],
    allowed: Collection[str],
) -> list[str]:
    """Return nodes that cannot be computed and that nothing reads: statistics and the like.

    What reaches out of the graph is none of them: such a graph is not to be trusted.
    """

    def is_end(node: str) -> bool:
        passed_on = closure([node], lambda n: readers[n] if n == node or nodes[n].op == "Identity" else ())
        return all(nodes[reader].op == "Identity" for reader in passed_on - {node})

    foreign = [n for n in reached if nodes[n].op not in allowed and not OUTSIDE.fullmatch(nodes[n].op)]
    ends = [node for node in foreign if is_end(node)]
    return sorted(closure(ends, lambda n: readers[n]))


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
