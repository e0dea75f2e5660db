"""Look through a SavedModel before TensorFlow loads it; no TensorFlow.

Loading gives variables and tables their contents, and runs functions of the model for that. So may nothing
else be run, and nothing of the whole model may reach out of it, whether it is run or not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from fvcli.errors import UsageError
from fvcli.models.files.graph_file import OUTSIDE, node_name, refusal, shown

# What a model may run while it is loaded: giving variables and tables their contents.
LOADERS = re.compile(
    r"""NoOp|Const|Identity(N)?|Placeholder(WithDefault)?|Pack|StringJoin|Reshape|Squeeze|Fill|Cast
    | (Stateful)?PartitionedCall|VarHandleOp|VarIsInitializedOp|Variable(V2)?|IsVariableInitialized
    | Assign(VariableOp)?|ReadVariableOp|Restore(V2|Slice)?|ShardedFilename|\w*HashTable(V2)?
    | LookupTableImport(V2)?|InitializeTable(V2)?|DisableCopyOnRead|DestroyResourceOp
    """,
    re.VERBOSE,
)
AT_LOAD = ("_create_resource", "_initialize", "_destroy_resource")
INIT_OPS = ("__saved_model_init_op", "saved_model_main_op", "legacy_init_op", "main_op")


def check_saved_model(graph: Any, name: str) -> None:
    """Refuse a SavedModel that holds what reaches out of the graph, or runs more than it must to be loaded.

    Args:
        graph: Its MetaGraphDef.
        name: What to call it in messages.
    """
    functions = {f.signature.name: f.node_def for f in graph.graph_def.library.function}
    for nodes in (graph.graph_def.node, *functions.values()):
        for node in nodes:
            if OUTSIDE.fullmatch(node.op):
                raise refusal(node, name)
    for node in _run_at_load(graph, functions):
        if not LOADERS.fullmatch(node.op):
            what = shown(f"{node.op} {node.name}")
            raise UsageError(f"{name}: loading it would run the {what}", "save the model without it")


def _run_at_load(graph: Any, functions: dict[str, Any]) -> list[Any]:
    """Return the nodes that TensorFlow runs, or might, when it loads a SavedModel."""
    by_name = {node.name: node for node in graph.graph_def.node}
    roots = [graph.saver_def.restore_op_name, *_init_ops(graph)]
    found = ancestors(by_name, roots)
    return found + _bodies([*_called_by(found), *_loading_functions(graph.object_graph_def)], functions)


def _init_ops(graph: Any) -> list[str]:
    named = [graph.signature_def[key] for key in INIT_OPS if key in graph.signature_def]
    found = [info.name for signature in named for info in signature.outputs.values()]
    for key in INIT_OPS:
        if key in graph.collection_def:
            found += graph.collection_def[key].node_list.value
    return found


def ancestors(by_name: Mapping[str, Any], roots: Collection[str]) -> list[Any]:
    """Return the nodes that others need, and those themselves, each once.

    Args:
        by_name: All nodes.
        roots: The others: their names, or names of what they make.
    """
    seen: dict[str, Any] = {}
    todo = list(roots)
    while todo:
        name = node_name(todo.pop())
        if name in by_name and name not in seen:
            seen[name] = by_name[name]
            todo += by_name[name].input
    return list(seen.values())


def _loading_functions(objects: Any) -> list[str]:
    """Return the names of the functions with which objects are made, filled and taken down."""
    numbers = [
        child.node_id for node in objects.nodes for child in node.children if child.local_name in AT_LOAD
    ]
    numbers += [s.restore_function for node in objects.nodes for s in node.saveable_objects.values()]
    found = []
    for number in numbers:
        if 0 <= number < len(objects.nodes):
            node = objects.nodes[number]
            found += [*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name]
    return found


def _called_by(nodes: Iterable[Any]) -> list[str]:
    return [value.func.name for node in nodes for value in node.attr.values() if value.func.name]


def _bodies(names: Iterable[str], functions: dict[str, Any]) -> list[Any]:
    """Return the nodes of functions and of all that they call."""
    seen: set[str] = set()
    found: list[Any] = []
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in functions and name not in seen:
            seen.add(name)
            found += functions[name]
            todo += _called_by(functions[name])
    return found
