"""Take branches out of a TensorFlow graph that are not taken; no TensorFlow.

Graphs from the time before inference graphs were cut out keep both branches of what training does otherwise:

    x --> Switch(learning phase) --false--> Merge --> ...
                                 --true---> Dropout --/

Where the switch is a constant, or a placeholder that is filled with one, the branch that is not taken goes
away before anything is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fvcli.models.files.graph_file import node_name
from fvcli.models.files.graph_noise import Output, output_of

SWITCHES, MERGES = {"Switch", "RefSwitch"}, {"Merge", "RefMerge"}
COME_BACK = {"NextIteration", "RefNextIteration"}  # what goes back to where a loop begins
PASSED_ON = {"Identity", "IdentityN", "ReadVariableOp", "PlaceholderWithDefault", "Switch"}
DECIDED_BY = "_fvcli_decided_by"  # an attribute of calls: what an If in their place read
LONGEST_CHAIN = 100  # from a switch to the constant that sets it


def without_dead_branches(
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
        if node.op in MERGES and {nodes[output.node].op for output in found} <= COME_BACK:
            dead.add(key)  # of a loop that is never begun
        elif node.op in MERGES and len(found) == 1:
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
