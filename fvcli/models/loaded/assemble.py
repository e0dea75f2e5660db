"""Put facts and calls together to a loaded model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fvcli.errors import UsageError
from fvcli.models.choice import IMAGENET, ModelChoice, Preprocessing
from fvcli.models.graph import Node, Pair
from fvcli.models.label_file import read_labels
from fvcli.models.labels import imagenet_labels
from fvcli.models.loaded.keras_model.build import build_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.models.model_facts import ModelFacts

PROBABILITIES = {"softmax", "sigmoid"}  # what comes before them is the evidence
PASSED_ON = {"reshape", "flatten", "identity", "linear", "dropout"}  # by these nothing is changed
MAX_LISTED = 4
MOST_PLANES = 16  # satellites see as many
LOOK_AROUND = {"conv", "depthwise_conv", "separable_conv", "conv_transpose", "attention"}
RECURRENT = ("LSTM", "GRU", "RNN", "Bidirectional")


def load_from_nodes(facts: ModelFacts, arrays: Mapping[str, list[np.ndarray]]) -> LoadedModel:
    """Build the Keras model of facts that were known without it, and load that."""
    model = build_keras(facts.name, facts.nodes, facts.input_channels, arrays)
    return LoadedModel(facts, lay_open(model).graph, model)


def choose_logits(nodes: Mapping[str, Node], output: str, asked: str | None) -> str | None:
    """Return the layer that class objectives read: before a softmax at the end, or what was asked for.

    Raises:
        UsageError: What was asked for is no vector of the network.
    """
    if asked is not None:
        if asked not in nodes or not _is_vector(nodes[asked]):
            known = ", ".join([name for name, node in nodes.items() if _is_vector(node)][-MAX_LISTED:])
            what = "is no layer whose output is a vector" if asked in nodes else "is no layer"
            raise UsageError(f"model.logits: {asked} {what}", f"the last that could be are {known or 'none'}")
        return asked
    node = nodes.get(output)
    behind = node
    while behind is not None and behind.kind in PASSED_ON and behind.inputs:
        behind = nodes.get(behind.inputs[0])
    if behind is not None and behind.kind in PROBABILITIES and behind.inputs:
        node = nodes.get(behind.inputs[0])
    return node.name if node is not None and _is_vector(node) and node.channels > 1 else None


def _is_vector(node: Node) -> bool:
    return node.window is None and node.size == (1, 1) and node.channels > 0


def choose_labels(choice: ModelChoice, classes: int) -> tuple[str, ...]:
    """Return the names of the classes: a file's, ImageNet's if there are as many, or numbers.

    Raises:
        UsageError: The file cannot be read, or has another number of names.
    """
    known = imagenet_labels()
    if choice.labels not in {None, IMAGENET}:
        return read_labels(Path(str(choice.labels)), classes)
    if len(known) == classes:
        return known
    if choice.labels == IMAGENET:
        raise UsageError(f"model.labels: ImageNet has {len(known)} classes, and the model {classes}")
    return tuple(map(str, range(classes)))


def _doubts_about_pictures(network: NetworkGraph) -> list[str]:
    """Say why what a network takes is hardly a picture."""
    kinds = {node.kind for node in network.nodes}
    doubts = []
    if network.channels > MOST_PLANES:
        doubts.append(
            f"an input of {network.channels} channels is hardly a picture, but perhaps what another network "
            "makes"
        )
    if not kinds & LOOK_AROUND and any(word in kind for kind in kinds for word in RECURRENT):
        doubts.append("recurrent layers read the input and no convolution does: it may be text or sound")
    return doubts


def facts_of(
    network: NetworkGraph,
    choice: ModelChoice,
    *,
    name: str,
    native_size_px: Pair,
    preprocessing: Preprocessing,
    weights: str,
    weights_sha256: str,
    parameters: int | None,
    remarks: tuple[str, ...] = (),
    findings: tuple[str, ...] = (),
) -> ModelFacts:
    """Return the facts of a network that was laid open."""
    nodes = {node.name: node for node in network.nodes}
    logits = choose_logits(nodes, network.outputs[0], choice.logits)
    return ModelFacts(
        name=name,
        nodes=network.nodes,
        input_channels=network.channels,
        native_size_px=native_size_px,
        preprocessing=preprocessing,
        labels=choose_labels(choice, nodes[logits].channels) if logits else (),
        logits=logits,
        weights=weights,
        weights_sha256=weights_sha256,
        parameters=parameters,
        aliases=network.aliases,
        remarks=(*network.remarks, *remarks, *_doubts_about_pictures(network)),
        findings=findings,
        path=choice.path,
    )
