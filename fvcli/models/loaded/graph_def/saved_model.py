"""Freeze a TensorFlow SavedModel to a graph with constants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.graph_file import MAX_BYTES, SAVED_MODEL, reason_of, shown
from fvcli.models.files.saved_model_file import check_saved_model

DEFAULT_SIGNATURE = "serving_default"
SERVE = "serve"
GIVE = "give the folder that model.export() or tf.saved_model.save() wrote"


def freeze_saved_model(folder: Path) -> Any:
    """Return the GraphDef of what a SavedModel serves, with its weights as constants.

    Raises:
        FvcliError: The folder is none, is damaged, would run or hold what no network needs, or serves
            nothing, or several things.
    """
    graph = _meta_graph(folder)
    check_saved_model(graph, str(folder))
    try:
        loaded = tf.saved_model.load(str(folder), tags=list(graph.meta_info_def.tags) or None)
    except Exception as error:  # whatever a broken folder raises, the folder is what is wrong
        raise FvcliError(f"{folder}: a damaged SavedModel ({reason_of(error)})", GIVE) from error
    function = loaded.signatures[_signature(folder, list(loaded.signatures))]
    try:
        return convert_variables_to_constants_v2(function).graph.as_graph_def()
    except Exception as error:  # as above
        raise FvcliError(f"{folder}: it cannot be frozen ({reason_of(error)})", GIVE) from error


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
    return next((graph for graph in graphs if SERVE in graph.meta_info_def.tags), graphs[0])


def _signature(folder: Path, names: list[str]) -> str:
    public = [name for name in names if not name.startswith("__")]
    if DEFAULT_SIGNATURE in public or len(public) == 1:
        return DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in public else public[0]
    found = shown(f"several: {', '.join(public)}") if public else "none"
    raise UsageError(
        f"{folder}: its signatures are {found}", f"save it with one of them as {DEFAULT_SIGNATURE}"
    )
