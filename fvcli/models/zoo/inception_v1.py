"""InceptionV1 by name: the network of the Feature Visualization article, from one of three public files.

    InceptionV1.pb, tensorflow_inception_graph.pb    Lucid's graph, TensorFlow's Inception5h
    bvlc_googlenet.caffemodel                        Caffe's replication, by BVLC
    googlenet-1378be20.pth                           torchvision's

The file tells which it is: by its suffix.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError, UsageError
from fvcli.models.choice import IMAGENET, RANDOM, ModelChoice
from fvcli.models.files.caffe_file import read_blobs
from fvcli.models.files.checksums import check_sum
from fvcli.models.files.file_kinds import GRAPH
from fvcli.models.files.graph_constants import Graph, read_graph
from fvcli.models.files.model_format import what_is
from fvcli.models.files.network_as_weights import refuse_network
from fvcli.models.files.torch_file import read_tensors
from fvcli.models.files.ways_out import PYTORCH
from fvcli.models.graph import Node
from fvcli.models.label_file import read_labels
from fvcli.models.labels import imagenet_labels
from fvcli.models.model_facts import ModelFacts
from fvcli.models.zoo.arrays import (
    OTHER_NETWORK,
    WEIGHTED,
    from_channels_first,
    random_arrays,
    shapes_of,
    take_arrays,
)
from fvcli.models.zoo.inception_names import aliases, tensor_names
from fvcli.models.zoo.inception_nodes import (
    CAFFE,
    CHANNELS,
    LOGITS,
    LRN,
    LUCID,
    VARIANTS,
    Variant,
    branches,
    nodes,
)

NAME = "inceptionv1"
SUFFIX_OF = {GRAPH: ".pb", "a Caffe file": ".caffemodel", PYTORCH: ".pth"}  # where a file has another
PREPROCESSING = LUCID.preprocessing
NATIVE_PX = 224
FILES = (
    "https://storage.googleapis.com/modelzoo/vision/other_models/InceptionV1.pb (the same graph is in "
    "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip)",
    "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
    "https://download.pytorch.org/models/googlenet-1378be20.pth",
)
WEIGHTS_FILES = "Lucid's .pb, Caffe's .caffemodel or torchvision's .pth"
INSTALL = f"give {WEIGHTS_FILES} as weights"
RANDOM_SUM = "random"  # in the place of a file's SHA-256
FIRST_TENSOR = "conv2d0_w"
MAX_DEPTH_RADIUS = 1024  # no layer has more channels
LRN_ATTRIBUTES = ("depth_radius", "bias", "alpha", "beta")
Arrays = dict[str, list[np.ndarray]]


def needs_weights(choice: ModelChoice) -> bool:
    """Tell whether the choice names no weights: none come with fvcli."""
    return choice.weights in {None, IMAGENET}


def describe(choice: ModelChoice) -> ModelFacts:
    """Read and check the weights, and return what is known of the model, without TensorFlow.

    Raises:
        FvcliError: Weights missing, damaged or of another network.
    """
    if choice.weights == RANDOM:
        return _facts(LUCID, choice, RANDOM_SUM)
    return describe_with_arrays(choice)[0]


def describe_with_arrays(choice: ModelChoice) -> tuple[ModelFacts, Arrays]:
    """Do the same, and return the weights, too, each layer's in Keras order and layout.

    Those of a local response normalization are its settings: depth radius, bias, alpha and beta.
    """
    if choice.weights == RANDOM:
        layers = nodes(LUCID)
        drawn = random_arrays(layers, _shapes(LUCID, layers))
        return _facts(LUCID, choice, RANDOM_SUM), drawn | _normalizations(LUCID, layers)
    if needs_weights(choice):
        raise UsageError(
            f"the weights of {NAME} are not distributed with pip: take one of " + ", ".join(FILES),
            f"model: {{name: {NAME}, weights: FILE}}",
        )
    path = Path(str(choice.weights))
    variant = _variant_of(path)
    content, sha256 = _content(path, choice.sha256)
    facts = _facts(variant, choice, sha256)
    return facts, _read_arrays(variant, facts.nodes, path, content)


def _variant_of(path: Path) -> Variant:
    refuse_network(path, NAME, WEIGHTS_FILES)
    known = {suffix for variant in VARIANTS for suffix in variant.suffixes}
    suffix = path.suffix.lower()
    if suffix not in known and path.is_file():
        suffix = SUFFIX_OF.get(what_is(path), suffix)
    for variant in VARIANTS:
        if suffix in variant.suffixes:
            return variant
    raise UsageError(f"{path}: no weights of {NAME} are in a file of this kind", INSTALL)


def _content(path: Path, sha256: str | None) -> tuple[bytes, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", INSTALL) from error
    found = hashlib.sha256(content).hexdigest()
    check_sum(path, found, sha256)
    return content, found


# ---- arrays


def _shapes(variant: Variant, layers: tuple[Node, ...]) -> dict[str, list[tuple[int, ...]]]:
    return shapes_of(layers, CHANNELS, biased=variant.normalization is not None)


def _read_arrays(variant: Variant, layers: tuple[Node, ...], path: Path, content: bytes) -> Arrays:
    shapes = _shapes(variant, layers)
    keys = {node.name: tensor_names(variant, node) for node in layers if node.name in shapes}
    if variant == LUCID:
        graph = read_graph(content, str(path))
        tensors = _without_prefix(graph.constants)
        taken = take_arrays(layers, shapes, keys, tensors, path, _as_it_is)
        return taken | _normalizations_of(graph, layers, path)
    tensors = _caffe_tensors(content, path) if variant == CAFFE else read_tensors(content, str(path))
    taken = take_arrays(layers, shapes, keys, tensors, path, from_channels_first)
    return taken | _normalizations(variant, layers)


def _as_it_is(node: Node, index: int, array: np.ndarray) -> np.ndarray:
    return array


def _without_prefix(constants: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take off what an import into another graph has put before every name, such as ``import/``."""
    first = next((name for name in constants if f"/{name}".endswith(f"/{FIRST_TENSOR}")), FIRST_TENSOR)
    prefix = first.removesuffix(FIRST_TENSOR)
    return {name.removeprefix(prefix): array for name, array in constants.items()}


def _caffe_tensors(content: bytes, path: Path) -> dict[str, np.ndarray]:
    blobs = read_blobs(content, str(path))
    return {
        f"{layer}.{what}": array
        for layer, arrays in blobs.items()
        for what, array in zip(WEIGHTED, arrays, strict=False)  # other kinds of layers may have more
    }


def _normalizations(variant: Variant, layers: tuple[Node, ...]) -> Arrays:
    """Return the settings of each local response normalization."""
    return {node.name: [np.array(variant.normalization)] for node in layers if node.kind == LRN}


def _normalizations_of(graph: Graph, layers: tuple[Node, ...], path: Path) -> Arrays:
    """Do the same for a graph, whose own settings come first."""
    found = _normalizations(LUCID, layers)
    said = {name.rpartition("/")[2]: attributes for name, attributes in graph.attributes.items()}
    for name, (ours,) in found.items():
        own = said.get(name, {})
        settings = np.array([own.get(key, value) for key, value in zip(LRN_ATTRIBUTES, ours, strict=True)])
        if not np.isfinite(settings).all() or not 0 <= settings[0] <= MAX_DEPTH_RADIUS:
            raise FvcliError(f"{path}: layer {name} has impossible settings {own}", OTHER_NETWORK)
        found[name] = [settings]
    return found


# ---- facts


def _facts(variant: Variant, choice: ModelChoice, sha256: str) -> ModelFacts:
    layers = nodes(variant)
    names = aliases(layers)
    count = sum(math.prod(shape) for shapes in _shapes(variant, layers).values() for shape in shapes)
    return ModelFacts(
        name=NAME,
        nodes=layers,
        input_channels=CHANNELS,
        native_size_px=(NATIVE_PX, NATIVE_PX),
        preprocessing=choice.preprocessing(variant.preprocessing, CHANNELS),
        labels=_labels(variant, choice),
        logits=_logits(choice, layers, names),
        weights=choice.weights or IMAGENET,
        weights_sha256=sha256,
        parameters=count,
        aliases=names,
        branches=branches(variant),
        remarks=_remarks(variant, choice),
    )


def _logits(choice: ModelChoice, layers: tuple[Node, ...], names: Mapping[str, str]) -> str:
    asked = choice.logits or LOGITS
    found = names.get(asked, asked)
    if found not in {node.name for node in layers if node.window is None}:
        raise UsageError(f"model.logits: {asked} is no layer whose output is a vector")
    return found


def _labels(variant: Variant, choice: ModelChoice) -> tuple[str, ...]:
    if choice.labels not in {None, IMAGENET}:
        return read_labels(Path(str(choice.labels)), variant.classes, variant.spare)
    if not variant.spare:
        return imagenet_labels()
    if choice.labels == IMAGENET:
        message = (
            f"model.labels: the {variant.classes:,} classes of {NAME}'s graph are not in ImageNet's order"
        )
        raise UsageError(message, "give the list of names that came with the weights")
    return tuple(map(str, range(variant.classes)))


def _remarks(variant: Variant, choice: ModelChoice) -> tuple[str, ...]:
    if not variant.spare or choice.labels is not None:
        return ()
    return (
        f"its {variant.classes:,} classes have an order of their own and go by number; model.labels takes "
        "the list of names that came with the weights",
    )
