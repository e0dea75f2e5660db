"""Read the nodes of a TensorFlow graph: of a frozen one, or of the folder of a SavedModel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tensorflow.core.framework import graph_pb2, types_pb2

from fvcli.errors import FvcliError
from fvcli.models.choice import ModelChoice
from fvcli.models.files.checksums import check_sum
from fvcli.models.files.graph_file import GIVE, folder_sum, nodes_by_name, not_a_graph, read_graph
from fvcli.models.loaded.graph_def.inline import inlined
from fvcli.models.loaded.graph_def.saved_model import freeze_saved_model
from fvcli.models.loaded.last_read_cache import last_read_cache

TYPES = frozenset(types_pb2.DataType.values())


def read_nodes(choice: ModelChoice) -> tuple[str, dict[str, Any], int]:
    """Return the sum of a graph's file or folder, its nodes and its version.

    Raises:
        FvcliError: The file is damaged, or another one.
    """
    sha256, read = _read(choice)
    graph = inlined(read, str(choice.path), choice.fill or {})
    nodes = nodes_by_name(graph.node, str(choice.path))
    for node in nodes.values():
        _check_types(node, str(choice.path))
    return sha256, nodes, graph.versions.producer


def _check_types(node: Any, name: str) -> None:
    """Refuse a node that speaks of a type of numbers that TensorFlow does not have."""
    for value in node.attr.values():
        for number in (value.type, *value.list.type, value.tensor.dtype):
            if number not in TYPES:
                fault = f"node {node.name} has type {number}, which TensorFlow does not know"
                raise FvcliError(f"{name}: a damaged graph ({fault})", GIVE)


@last_read_cache
def _read(choice: ModelChoice) -> tuple[str, Any]:
    """Return the sum of the file or folder, and its graph."""
    path = Path(str(choice.path))
    return _saved(path, choice) if path.is_dir() else _frozen(path, choice.sha256)


def _saved(folder: Path, choice: ModelChoice) -> tuple[str, Any]:
    sha256 = folder_sum(folder)
    check_sum(f"model.sha256: {folder}", sha256, choice.sha256)
    return sha256, freeze_saved_model(folder, choice.signature)


def _frozen(path: Path, expected: str | None) -> tuple[str, Any]:
    data = read_graph(path)
    sha256 = hashlib.sha256(data).hexdigest()
    check_sum(f"model.sha256: {path}", sha256, expected)
    try:
        graph = graph_pb2.GraphDef.FromString(data)
    except Exception as error:  # protobuf's own, whose module is no public one
        raise not_a_graph(path, data) from error
    if not graph.node or not all(node.op for node in graph.node):
        raise not_a_graph(path, data)
    return sha256, graph
