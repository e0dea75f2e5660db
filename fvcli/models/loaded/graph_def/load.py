"""Load a TensorFlow graph: a frozen one (.pb), such as Lucid saves, or the folder of a SavedModel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.choice import ModelChoice, Preprocessing
from fvcli.models.files.graph_branches import deciding
from fvcli.models.files.graph_file import listed
from fvcli.models.files.graph_nodes import Wiring, wire
from fvcli.models.files.lucid_metadata import NODE, LucidMetadata, parse_metadata
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.graph import Pair
from fvcli.models.loaded.assemble import facts_of
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.dropout_and_augmentation import idle_parts
from fvcli.models.loaded.graph_def.input import GraphInput, find_input, node_behind_loop
from fvcli.models.loaded.graph_def.names import main_output, scopes, shown_names
from fvcli.models.loaded.graph_def.read import read_nodes
from fvcli.models.loaded.graph_def.walk import Walk
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.models.loaded.preprocessing import Resolved, native_size, resolve_preprocessing
from fvcli.optvis.calls import Call, CallGraph

USUAL_RANGES, NEAR = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)), 0.02
CALLED = "StatefulPartitionedCall/"  # in the names of a SavedModel's nodes


def load_graph_def(path: Path, choice: ModelChoice) -> LoadedModel:
    """Return the network of a frozen graph, or of a SavedModel.

    No op of the file is run before all that are needed were found to be plain mathematics.

    Raises:
        FvcliError: The file is damaged or another one, is not frozen, holds what fvcli does not compute, or
            several inputs that could take the picture.
    """
    if choice.weights is not None:
        raise UsageError("model.weights: a TensorFlow graph brings its own", "leave weights out")
    fill = choice.fill or {}
    sha256, nodes, producer = read_nodes(choice)
    metadata = _metadata(nodes, str(path))
    picture = find_input(nodes, choice, metadata, producer)
    wiring = _wired(nodes, picture, fill, str(path))
    shown = shown_names(nodes, wiring, strip=path.is_dir())
    walk = Walk(nodes, wiring, shown, fill, str(path))
    return _loaded(path, choice, walk, picture, metadata, sha256)


def _wired(nodes: Mapping[str, Any], picture: GraphInput, fill: Mapping[str, float], name: str) -> Wiring:
    is_idle = idle_parts(nodes, picture, fill)
    try:
        return wire(nodes, picture.node, ops.ALLOWED, fill, name, is_idle, picture.same_size)
    except UsageError as refused:
        behind = node_behind_loop(nodes, picture)
        if behind is None:
            raise
        hint = f"a loop prepares pictures: name the node behind it, whose place they take: input: {behind}"
        raise UsageError(refused.message, hint) from refused


def _loaded(
    path: Path, choice: ModelChoice, walk: Walk, picture: GraphInput, metadata: LucidMetadata, sha256: str
) -> LoadedModel:
    size, remark = native_size(picture, _with_size(choice, picture, metadata))
    channels = picture.channels or metadata.channels or 3
    image = walk.follow(size, channels, picture)
    passed_on = {} if path.is_dir() else walk.aliases  # in a SavedModel they are its functions' doing
    aliases = {key: name for key, name in passed_on.items() if key not in walk.layers}
    network = _network_graph(walk, image, picture, channels, aliases)
    choice = replace(choice, logits=network.aliases.get(choice.logits or "", choice.logits))
    try:
        found = _preprocessing(network, choice, size, metadata, picture, walk)
    except tf.errors.OpError as error:  # what only shows when pictures go through
        raise UsageError(f"{path}: the network cannot be computed here ({reason_of(error)})") from error
    facts = facts_of(
        network,
        choice,
        name=path.name if path.is_dir() else path.stem,
        native_size_px=size,
        preprocessing=found.preprocessing,
        weights=choice.called,
        weights_sha256=sha256,
        parameters=walk.parameters,
        remarks=tuple(filter(None, (picture.remark, remark, found.remark))),
        findings=tuple(filter(None, (found.finding,))),
    )
    return LoadedModel(facts, network.graph)


# ---- what it says of itself


def _metadata(nodes: Mapping[str, Any], name: str) -> LucidMetadata:
    node = nodes.get(NODE)
    texts = [] if node is None else node.attr["value"].tensor.string_val
    return parse_metadata(texts[0], name) if texts else LucidMetadata()


def _with_size(choice: ModelChoice, picture: GraphInput, metadata: LucidMetadata) -> ModelChoice:
    """Return the choice with the size that Lucid wrote down, where neither it nor the graph has one."""
    open_ = None in picture.size_px and choice.size_px is None
    return replace(choice, size_px=metadata.size_px) if open_ and None not in metadata.size_px else choice


def _preprocessing(
    network: NetworkGraph,
    choice: ModelChoice,
    size_px: Pair,
    metadata: LucidMetadata,
    picture: GraphInput,
    walk: Walk,
) -> Resolved:
    """Return what is declared, or what Lucid wrote down, or a guess and what to say about it."""
    if choice.declares_values:
        return resolve_preprocessing(network, choice, size_px)
    order = "BGR" if metadata.reverse else "RGB"
    if metadata.value_range is not None:
        known = choice.preprocessing(
            Preprocessing(metadata.value_range, channel_order=order), network.channels
        )
        return Resolved(known, finding=f"preprocessing from Lucid's metadata: {known}")
    if picture.value_range is not None:
        known = choice.preprocessing(
            Preprocessing(picture.value_range, channel_order=order), network.channels
        )
        said = known.said(network.channels)
        return Resolved(known, finding=f"preprocessing: {said}, because the network takes bytes")
    range_ = _usual_range(walk.quantized)
    if range_ is not None:
        known = choice.preprocessing(Preprocessing(range_, channel_order=order), network.channels)
        said = known.said(network.channels)
        return Resolved(known, finding=f"preprocessing: {said}, because that range of its input is quantized")
    if metadata.reverse and choice.channel_order is None:
        choice = replace(choice, channel_order=order)
    return resolve_preprocessing(network, choice, size_px)


def _usual_range(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the range that networks take which is nearly a given one."""
    near = (one for one in USUAL_RANGES if ends and np.allclose(ends, one, rtol=0, atol=NEAR * one[1]))
    return next(near, None)


def _network_graph(
    walk: Walk, image: Call, picture: GraphInput, channels: int, aliases: Mapping[str, str]
) -> NetworkGraph:
    if not walk.layers:
        raise UsageError(
            f"{walk.name}: no layer is made of {picture.node}", "model.input names another input"
        )
    nodes = tuple(walk.layers.values())
    said = [
        f"input {name} is filled with {walk.fill.get(name, 0.0):g}"
        for name in deciding(walk.nodes, walk.fill)
    ]
    remarks = list(dict.fromkeys([*walk.remarks, *said]))
    if walk.wiring.idle:
        names = ", ".join(part.exit.node.replace(CALLED, "") for part in walk.wiring.idle)
        remarks.append(f"left out, because dropout and augmentation do nothing in inference: {names}")
    if any(walk.nodes[name].op in ops.QUANTIZERS for name in walk.wiring.order):
        remarks.append("it imitates numbers of few bits (FakeQuant), which is computed as it was trained")
    if walk.wiring.left_out:
        remarks.append(f"left out, because fvcli does not compute it: {listed(walk.wiring.left_out)}")
    return NetworkGraph(
        CallGraph(image, walk.calls),
        nodes,
        channels,
        picture.size_px,
        (main_output(walk.layers),),
        scopes(walk.layers) | aliases,
        tuple(remarks),
    )
