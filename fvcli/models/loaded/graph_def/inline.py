"""Put the functions that a TensorFlow graph calls into the graph itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

from fvcli.errors import FvcliError
from fvcli.models.files.graph_file import CALLS, GIVE, MAX_NODES


def inlined(graph: Any, name: str) -> Any:
    """Return a graph in which the nodes of functions stand where the functions were called.

    What a call makes is then made by an IdentityN of its name.

    Args:
        graph: A GraphDef.
        name: What to call the file in messages.

    Raises:
        FvcliError: Functions are damaged, or call each other without an end.
    """
    if not graph.library.function:
        return graph
    bodies = _Bodies({function.signature.name: function for function in graph.library.function})
    done = graph_pb2.GraphDef(versions=graph.versions)
    todo = list(reversed(graph.node))
    try:
        while todo and len(done.node) + len(todo) <= MAX_NODES:
            node = todo.pop()
            called = bodies.called_by(node)
            if called is None:
                done.node.append(node)
            else:
                todo += reversed(bodies.expanded(node, called))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise FvcliError(f"{name}: a damaged graph (one of its functions is no function)", GIVE) from error
    if todo:
        raise FvcliError(f"{name}: a damaged graph (it has too many nodes)", GIVE)
    return done


class _Bodies:
    """The functions of a graph, as graphs of their own."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self._functions = functions
        self._graphs: dict[str, tuple[Any, Mapping[str, str]]] = {}

    def called_by(self, node: Any) -> str | None:
        called = node.attr["f"].func.name if CALLS.fullmatch(node.op) else node.op
        return called if called in self._functions else None

    def expanded(self, call: Any, called: str) -> list[Any]:
        """Return the nodes of a function, named and connected as those of one call."""
        function = self._functions[called]
        if called not in self._graphs:
            self._graphs[called] = function_def_to_graph_def(function)
        graph, flat = self._graphs[called]
        given = dict(zip((arg.name for arg in function.signature.input_arg), call.input, strict=False))
        nodes = [_renamed(node, call.name, given) for node in graph.node]
        outputs = [flat[function.ret[arg.name]] for arg in function.signature.output_arg]
        controls = [f"^{call.name}/{name}" for name in function.control_ret.values()]
        made = node_def_pb2.NodeDef(name=call.name, op="IdentityN")
        made.input.extend([f"{call.name}/{output}" for output in outputs] + controls)
        made.input.extend(text for text in call.input if text.startswith("^"))
        return [*nodes, made]


def _renamed(node: Any, call: str, given: Mapping[str, str]) -> Any:
    made = node_def_pb2.NodeDef()
    made.CopyFrom(node)
    made.name = f"{call}/{node.name}"
    del made.input[:]
    if node.op == "Placeholder" and node.name in given:
        made.op = "Identity"
        made.input.append(given[node.name])
        return made
    for text in node.input:
        made.input.append(f"^{call}/{text[1:]}" if text.startswith("^") else f"{call}/{text}")
    return made
