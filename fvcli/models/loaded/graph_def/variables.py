"""Read the variables of a SavedModel from its checkpoint, without running anything of the model.

A SavedModel carries the graph by which TensorFlow gives its variables their contents. It is read, not run:

    RestoreV2(prefix, names, slices) --i--> Identity --> AssignVariableOp(variable)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from fvcli.models.files.graph_noise import output_of

ASSIGN = {"Assign", "AssignVariableOp"}
PASSED_ON = {"Identity", "IdentityN"}
LONGEST_CHAIN = 100  # from an assignment to what it reads
OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "VARIABLE_VALUE"


class Saved(NamedTuple):
    """Where the contents of a variable are in a checkpoint.

    key: Of the tensor. part: Which part of it, as TensorFlow writes it; all, if empty.
    """

    key: str
    part: str = ""


def saved_by_name(restoring: Iterable[Any]) -> dict[str, Saved]:
    """Return where the contents of variables are, by the names of their nodes.

    Args:
        restoring: The nodes that give variables their contents, with all functions put in their places.
    """
    nodes = {node.name: node for node in restoring}
    found = {}
    for node in nodes.values():
        if node.op in ASSIGN and len(node.input) > 1:
            variable, _ = _behind_identities(nodes, node.input[0])
            source, number = _behind_identities(nodes, node.input[1])
            if source in nodes and nodes[source].op == "RestoreV2":
                keys, parts = (_texts(nodes, text) for text in nodes[source].input[1:3])
                found[variable] = Saved(keys[number], parts[number])
    return found


def _behind_identities(nodes: Mapping[str, Any], text: str) -> tuple[str, int]:
    """Return the node and the number of the output that reaches an input, whatever passes it on."""
    for _ in range(LONGEST_CHAIN):
        name, number = output_of(text)
        if name not in nodes or nodes[name].op not in PASSED_ON:
            return name, number
        text = nodes[name].input[number]
    return text, 0


def _texts(nodes: Mapping[str, Any], text: str) -> list[str]:
    node = nodes[_behind_identities(nodes, text)[0]]
    return [value.decode() for value in tf.make_ndarray(node.attr["value"].tensor).ravel().tolist()]


def saved_by_object(objects: Any, prefix: str) -> dict[int, Saved]:
    """Return where the contents of variables are, by the numbers of a SavedModel's objects.

    The checkpoint numbers its objects in its own way, but both name their parts alike.

    Args:
        objects: The SavedObjectGraph.
        prefix: Of the checkpoint's files.
    """
    text = tf.train.load_checkpoint(prefix).get_tensor(OBJECTS)
    own = trackable_object_graph_pb2.TrackableObjectGraph.FromString(text).nodes
    seen, found = {0}, {}
    todo = [(0, 0)]
    for number, place in todo:  # which grows meanwhile
        for attribute in own[place].attributes:
            if attribute.name == VALUE:
                found[number] = Saved(attribute.checkpoint_key)
        places = {child.local_name: child.node_id for child in own[place].children}
        for child in objects.nodes[number].children:
            if child.local_name in places and child.node_id not in seen:
                seen.add(child.node_id)
                todo.append((child.node_id, places[child.local_name]))
    return found


def read_saved(prefix: str, saved: Mapping[str, Saved]) -> dict[str, np.ndarray]:
    """Return the contents of variables, by whatever they are asked for by."""
    dtypes = tf.train.load_checkpoint(prefix).get_variable_to_dtype_map()
    return {
        name: tf.raw_ops.RestoreV2(
            prefix=prefix,
            tensor_names=[one.key],
            shape_and_slices=[one.part],
            dtypes=[dtypes[one.key]],
        )[0].numpy()
        for name, one in saved.items()
    }
