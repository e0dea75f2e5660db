"""Put the functions that a TensorFlow graph calls into the graph itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import graph_pb2, node_def_pb2, op_def_pb2
from tensorflow.python.framework import op_def_registry

from fvcli.errors import FvcliError
from fvcli.models.files.graph_branches import DECIDED_BY, truth_of
from fvcli.models.files.graph_file import CALLS, GIVE, LEARNS, LEARNS_INSIDE, MAX_NODES, RANDOM
from fvcli.models.files.graph_noise import DRAWS_INSIDE

IFS = {"If", "StatelessIf"}
SCOPE = "_fvcli_scope"  # an attribute of calls: what stands between their name and those of the nodes inside


def inlined(graph: Any, name: str, fill: Mapping[str, float] | None = None) -> Any:
    """Return a graph in which the nodes of functions stand where the functions were called.

    What a call makes is then made by an IdentityN of its name. An If that is set is a call of its branch.

    Args:
        graph: A GraphDef.
        name: What to call the file in messages.
        fill: What placeholders are filled with.

    Raises:
        FvcliError: Functions are damaged, or call each other without an end.
    """
    if not graph.library.function:
        return graph
    bodies = _Bodies({function.signature.name: function for function in graph.library.function})
    done = graph_pb2.GraphDef(versions=graph.versions)
    todo = list(reversed(graph.node))
    known = {node.name: node for node in todo}
    try:
        while todo and len(done.node) + len(todo) <= MAX_NODES:
            node = bodies.decided(todo.pop(), known, fill or {})
            called = bodies.called_by(node)
            if called is None:
                done.node.append(node)
                for mark, ops in ((DRAWS_INSIDE, RANDOM), (LEARNS_INSIDE, LEARNS)):
                    if bodies.hold(node, ops):
                        done.node[-1].attr[mark].b = True
            else:
                new = bodies.expanded(node, called)
                known.update((one.name, one) for one in new)
                todo += reversed(new)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise FvcliError(f"{name}: a damaged graph (one of its functions is no function)", GIVE) from error
    if todo:
        raise FvcliError(f"{name}: a damaged graph (it has too many nodes)", GIVE)
    return done


class _Bodies:
    """The functions of a graph."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self._functions = functions
        self._places: dict[str, Mapping[str, str]] = {}

    def called_by(self, node: Any) -> str | None:
        called = node.attr["f"].func.name if CALLS.fullmatch(node.op) else node.op
        return called if called in self._functions else None

    def decided(self, node: Any, known: Mapping[str, Any], fill: Mapping[str, float]) -> Any:
        """Return the call of a branch instead of an If that is set, and any other node as it is."""
        if node.op not in IFS:
            return node
        truth = truth_of(known, node.input[0], fill)
        if truth is None:
            return node
        made = node_def_pb2.NodeDef(name=node.name, op="PartitionedCall", input=node.input[1:])
        made.attr[DECIDED_BY].s = node.input[0].encode()
        branch = "then_branch" if truth else "else_branch"
        made.attr["f"].CopyFrom(node.attr[branch])
        made.attr[
            SCOPE
        ].s = f"/{branch}".encode()  # a node of its function may have a name of those around it
        return made

    def hold(self, node: Any, ops: re.Pattern[str]) -> bool:
        """Tell whether functions of a node, such as the body of a loop, have an op of some kind."""
        seen, todo = set(), _functions_of(node)
        while todo:
            name = todo.pop()
            if name in self._functions and name not in seen:
                seen.add(name)
                if any(ops.fullmatch(one.op) for one in self._functions[name].node_def):
                    return True
                todo += [found for one in self._functions[name].node_def for found in _functions_of(one)]
        return False

    def expanded(self, call: Any, called: str) -> list[Any]:
        """Return the nodes of a function, named and connected as those of one call."""
        function = self._functions[called]
        scope = call.name + call.attr[SCOPE].s.decode()
        if called not in self._places:
            self._places[called] = self._outputs(function)
        outputs, arguments = self._places[called], [arg.name for arg in function.signature.input_arg]
        inside = {name: f"{scope}/{place}" for name, place in outputs.items()}
        given = dict(zip(arguments, call.input, strict=False))
        nodes = [_inside(node, scope, inside | given) for node in function.node_def]
        made = node_def_pb2.NodeDef(name=call.name, op="IdentityN")
        if DECIDED_BY in call.attr:
            made.attr[DECIDED_BY].CopyFrom(call.attr[DECIDED_BY])
        returned = [function.ret[arg.name] for arg in function.signature.output_arg]
        made.input.extend((inside | given)[text] for text in returned)
        made.input.extend(f"^{scope}/{name}" for name in function.control_ret.values())
        made.input.extend(text for text in call.input if text.startswith("^"))
        return [*nodes, made]

    def _outputs(self, function: Any) -> dict[str, str]:
        """Return what a graph calls the tensors that a function calls node:output:number."""
        found = {}
        for node in function.node_def:
            count = 0
            for arg in self._definition(node).output_arg:
                for i in range(_size(arg, node)):
                    found[f"{node.name}:{arg.name}:{i}"] = f"{node.name}:{count}" if count else node.name
                    count += 1
        return found

    def _definition(self, node: Any) -> Any:
        if node.op in self._functions:
            return self._functions[node.op].signature
        definition = op_def_registry.get(node.op)
        return op_def_pb2.OpDef() if definition is None else definition  # of an op that nobody knows here


def _functions_of(node: Any) -> list[str]:
    return [value.func.name for value in node.attr.values() if value.func.name]


def _size(arg: Any, node: Any) -> int:
    """Return how many tensors of a node go by the name of one output."""
    if arg.number_attr:
        return int(node.attr[arg.number_attr].i)
    return len(node.attr[arg.type_list_attr].list.type) if arg.type_list_attr else 1


def _inside(node: Any, call: str, names: Mapping[str, str]) -> Any:
    made = node_def_pb2.NodeDef()
    made.CopyFrom(node)
    made.name = f"{call}/{node.name}"
    del made.input[:]
    for text in node.input:
        made.input.append(f"^{call}/{text[1:]}" if text.startswith("^") else names[text])
    return made
