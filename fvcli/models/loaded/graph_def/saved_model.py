"""Turn what a TensorFlow SavedModel serves into a graph with constants, without running any of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.graph_file import MAX_BYTES, SAVED_MODEL, node_name
from fvcli.models.files.graph_nodes import ancestors
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.loaded.graph_def.inline import inlined
from fvcli.models.loaded.graph_def.serving import Argument, Served, choose_served
from fvcli.models.loaded.graph_def.variables import Saved, read_saved, saved_by_name, saved_by_object

SERVE, TRAIN = "serve", "train"
GIVE = "give the folder that model.export() or tf.saved_model.save() wrote"
PREFIX = ("variables", "variables")
CALL, OBJECT = "StatefulPartitionedCall", "fvcli_object_"  # names of nodes
VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}


def freeze_saved_model(folder: Path, asked: str | None = None) -> Any:
    """Return the GraphDef of what a SavedModel serves, with its weights as constants.

    Args:
        folder: Of the SavedModel.
        asked: The name of one of its signatures, or of a function of its object.

    Raises:
        FvcliError: The folder is none, is damaged, or serves nothing, or several things.
    """
    graph = _meta_graph(folder)
    try:
        served = choose_served(graph, folder, asked)
        made = _called(graph, served) if served.function else _cut_out(graph, served)
        return _with_contents(made, graph, folder)
    except FvcliError:
        raise
    except Exception as error:  # whatever a broken folder raises, the folder is what is wrong
        raise FvcliError(f"{folder}: a damaged SavedModel ({reason_of(error)})", GIVE) from error


def _meta_graph(folder: Path) -> Any:
    """Return the part of a SavedModel that is for serving."""
    file = folder / SAVED_MODEL
    if not file.is_file():
        raise UsageError(f"{folder}: no SavedModel: there is no {SAVED_MODEL} in it", GIVE)
    try:
        data = file.read_bytes() if file.stat().st_size < MAX_BYTES else b""
        graphs = saved_model_pb2.SavedModel.FromString(data).meta_graphs
    except Exception as error:  # protobuf's own, whose module is no public one
        raise FvcliError(f"{folder}: a damaged SavedModel ({SAVED_MODEL} is cut short)", GIVE) from error
    if not graphs:
        raise FvcliError(f"{folder}: a damaged SavedModel ({SAVED_MODEL} holds no graph)", GIVE)
    served = [graph for graph in graphs if SERVE in graph.meta_info_def.tags]
    untrained = [graph for graph in graphs if TRAIN not in graph.meta_info_def.tags]
    return [*served, *untrained, *graphs][0]


# ---- what is computed


def _cut_out(graph: Any, served: Served) -> Any:
    """Return the graph of a signature: what is between its inputs and its outputs."""
    nodes = {node.name: node for node in graph.graph_def.node}
    cut = {node_name(one.tensor): _placeholder(node_name(one.tensor), one, nodes) for one in served.inputs}
    kept = ancestors(nodes | cut, [one.tensor for one in served.outputs])
    return _graph(graph, kept)


def _placeholder(name: str, argument: Argument, nodes: Mapping[str, Any]) -> Any:
    """Return the node that takes an input, in the place of whatever makes it in the graph."""
    if name in nodes and nodes[name].op == "Placeholder":
        return nodes[name]
    made = node_def_pb2.NodeDef(name=name, op="Placeholder")
    made.attr["dtype"].type = argument.dtype.as_datatype_enum
    made.attr["shape"].shape.CopyFrom(argument.shape)
    return made


def _called(graph: Any, served: Served) -> Any:
    """Return a graph that calls a function, with a placeholder for each of its inputs."""
    nodes = {node.name: node for node in graph.graph_def.node}
    inputs = [_placeholder(one.name, one, {}) for one in served.inputs]
    bound = {number: _bound(graph.object_graph_def.nodes[number], number, nodes) for number in served.bound}
    call = node_def_pb2.NodeDef(name=CALL, op="StatefulPartitionedCall")
    call.attr["f"].func.name = str(served.function)
    call.input.extend([node.name for node in inputs] + [bound[number].name for number in served.bound])
    return _graph(graph, [*inputs, *{node.name: node for node in bound.values()}.values(), call])


def _bound(thing: Any, number: int, nodes: Mapping[str, Any]) -> Any:
    """Return the node of an object that a function reads: a constant, a variable, or a table."""
    kind = thing.WhichOneof("kind")
    if kind == "constant":
        return nodes[thing.constant.operation]
    return node_def_pb2.NodeDef(
        name=f"{OBJECT}{number}", op="VarHandleOp" if kind == "variable" else "HashTableV2"
    )


def _graph(graph: Any, nodes: list[Any]) -> Any:
    made = graph_pb2.GraphDef(versions=graph.graph_def.versions, library=graph.graph_def.library)
    made.node.extend(nodes)
    return made


# ---- what its variables hold


def _with_contents(made: Any, graph: Any, folder: Path) -> Any:
    """Return a graph with constants where it has variables."""
    variables = [node for node in made.node if node.op in VARIABLES]
    if not variables:
        return made
    prefix = str(folder.joinpath(*PREFIX))
    saved = _saved(graph, variables, prefix)
    contents = read_saved(prefix, {node.name: saved[node.name] for node in variables if node.name in saved})
    done = graph_pb2.GraphDef(versions=made.versions, library=made.library)
    done.node.extend(
        _constant(node.name, contents[node.name]) if node.name in contents else node for node in made.node
    )
    return done


def _saved(graph: Any, variables: list[Any], prefix: str) -> dict[str, Saved]:
    """Return where the contents of variables are, by the names of their nodes."""
    if all(node.name.startswith(OBJECT) for node in variables):
        by_object = saved_by_object(graph.object_graph_def, prefix)
        return {f"{OBJECT}{number}": saved for number, saved in by_object.items()}
    nodes = {node.name: node for node in graph.graph_def.node}
    restoring = ancestors(nodes, [graph.saver_def.restore_op_name])
    return saved_by_name(inlined(_graph(graph, restoring), prefix).node)


def _constant(name: str, array: Any) -> Any:
    made = node_def_pb2.NodeDef(name=name, op="Const")
    tensor = tf.make_tensor_proto(array)
    made.attr["dtype"].type = tensor.dtype
    made.attr["value"].tensor.CopyFrom(tensor)
    return made
