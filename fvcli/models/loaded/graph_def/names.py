"""Name the layers of a TensorFlow graph, and find the one that it is all for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fvcli.models.files.graph_nodes import Wiring
from fvcli.models.graph import IMAGE, Node
from fvcli.models.loaded.assemble import PROBABILITIES
from fvcli.models.loaded.graph_def.ops import PASSED_ON

NUMBER = re.compile(r"_[0-9]+$")
SAME_VALUES = {"reshape", "log_softmax", "identity", "topkv2"}  # from a vector to what says no more


def shown_names(nodes: Mapping[str, Any], wiring: Wiring, strip: bool) -> dict[str, str]:
    """Return what each node is called; strip: without the functions that a SavedModel was made of."""
    layers = [n for n in wiring.order if n in wiring.of_picture and nodes[n].op not in PASSED_ON]
    names = _without_numbers(_without_prefix(layers[1:])) if strip else {}
    names = {name: name for name in wiring.order} | names
    return {key: f"{name}:0" if name == IMAGE else name for key, name in names.items()}


def _without_prefix(names: Sequence[str]) -> dict[str, str]:
    prefix = _common_prefix(names)
    return {name: name.removeprefix(prefix) for name in names}


def _without_numbers(names: dict[str, str]) -> dict[str, str]:
    """Return names without what Keras adds to the name of each layer when it exports a model."""
    parted = {key: name.partition("/") for key, name in names.items()}
    plain = {scope: NUMBER.sub("", scope) for scope, slash, _ in parted.values() if slash}
    if len(set(plain.values())) < len(plain) or any(scope == name for scope, name in plain.items()):
        return names
    return {key: plain.get(scope, scope) + slash + rest for key, (scope, slash, rest) in parted.items()}


def _common_prefix(names: Sequence[str]) -> str:
    """Return the scopes that all of some nodes are in, with their slash."""
    scopes = [name.split("/")[:-1] for name in names]
    common = []
    for parts in zip(*scopes, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0] + "/")
    return "".join(common)


def main_output(layers: Mapping[str, Node]) -> str:
    """Return the last end of the network that is a softmax, or the last that is a vector."""
    read = {name for node in layers.values() for name in node.inputs}
    ends = [_behind_reshapes(layers, name) for name in layers if name not in read]
    for wanted in (_is_probabilities, _is_vector):
        found = [name for name in ends if wanted(layers[name])]
        if found:
            return found[-1]
    return ends[-1]


def _behind_reshapes(layers: Mapping[str, Node], name: str) -> str:
    """Return the layer whose values an end of the network gives out in another form."""
    node = layers[name]
    while node.kind in SAME_VALUES and _is_vector(node) and len(node.inputs) == 1:
        below = layers.get(node.inputs[0])
        if below is None or not _is_vector(below):
            break
        node = below
    return node.name


def _is_probabilities(node: Node) -> bool:
    return node.kind in PROBABILITIES and _is_vector(node)


def _is_vector(node: Node) -> bool:
    return node.window is None and node.size == (1, 1)


def scopes(layers: Mapping[str, Node]) -> dict[str, str]:
    """Return the scopes of which one layer only is read elsewhere, and that layer: conv1 is conv1/Relu."""
    ways_out: dict[str, set[str]] = defaultdict(set)
    readers: dict[str, list[str]] = defaultdict(list)
    for name, node in layers.items():
        for source in node.inputs:
            readers[source].append(name)
    for name in layers:
        parts = name.split("/")
        for count in range(1, len(parts)):
            scope = "/".join(parts[:count])
            inside = [reader.startswith(scope + "/") for reader in readers[name]]
            if not inside or not all(inside):
                ways_out[scope].add(name)
    return {scope: min(ways) for scope, ways in ways_out.items() if len(ways) == 1 and scope not in layers}
