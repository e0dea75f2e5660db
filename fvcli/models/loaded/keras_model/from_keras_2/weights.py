"""Give a model the weights of an HDF5 file that Keras 2 wrote.

Keras 2 lists the weights of each layer with names, such as ``conv1/kernel:0``, in an order that depends on
its version, and on which inner layers were frozen. Keras 3 goes by order alone: a mean may become a variance,
and nobody would know. So weights go by their names. Where those are other ones, they go by their order, as in
Keras; where they are the same ones in another order, they are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np

from fvcli.models.files.keras_config import shown
from fvcli.models.files.keras_hdf5 import KERAS_2_LAYERS, keras_3_paths, names_of
from fvcli.models.loaded.keras_model.original_names import title_of

DEPTHWISE, KERNEL = "depthwise_kernel", "kernel"  # what a DepthwiseConv2D has in Keras 2, and in Keras 3
THEANO = "theano"
FOR_TRAINING = {"moving_stddev", "renorm_mean", "renorm_stddev", "renorm_mean_weight", "renorm_stddev_weight"}
# Such as block1_conv1_W_1, in files that were converted from Keras 1.
OF_KERAS_1 = re.compile(r"(.+?)_(W|b|gamma|beta|running_mean|running_std)(?:_\d+)?")
NAMES_OF_KERAS_1 = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",
}
Key = tuple[str, str]  # a layer and what its variable is called


class UnfitWeightsError(Exception):
    """What does not fit, as a sentence."""


class Stored(NamedTuple):
    """An array of a file.

    key: The innermost layer that it belongs to, and which of its variables it is.
    """

    key: Key
    array: np.ndarray


def assign_weights(model: keras.Model, path: Path) -> None:
    """Load the weights of a file into a model.

    Args:
        model: A built model.
        path: An HDF5 file in the layout of layers, which was looked through.

    Raises:
        UnfitWeightsError: They are of another network; some may have been loaded.
    """
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        if THEANO in {file.attrs.get("backend"), root.attrs.get("backend")}:
            raise UnfitWeightsError(
                "it was written with Theano, which turns the kernels of convolutions around"
            )
        names = names_of(root, "layer_names") or []
        groups = [(name, _stored(root[name])) for name in names]
    groups = [(name, stored) for name, stored in groups if stored]
    layers = [layer for layer in model.layers if layer.weights]
    for layer, group in _pairs(layers, groups):
        _assign(layer, *group)


def with_keras_3_paths(path: Path) -> Path:
    """Return a file that has the weights of another at the paths where Keras 3 looks for them.

    Args:
        path: An HDF5 file in the layout of paths.
    """
    with h5py.File(path, "r") as file:
        if KERAS_2_LAYERS not in file:
            return path
        moved = path.with_name(f"moved-{path.name}")
        with h5py.File(moved, "w") as target:
            for old, new in keras_3_paths(file):
                if isinstance(file[old], h5py.Group):
                    target.require_group(new)
                else:
                    target[new] = file[old][()]
    return moved


def _stored(group: Any) -> list[Stored]:
    names = names_of(group, "weight_names") or []
    return [
        Stored(_key(name), np.asarray(group[name])) for name in names if _key(name)[1] not in FOR_TRAINING
    ]


def _key(name: str) -> Key:
    scope, _, variable = name.partition(":")[0].rpartition("/")
    older = None if scope else OF_KERAS_1.fullmatch(variable)
    if older:
        return older[1], NAMES_OF_KERAS_1.get(older[2], older[2])
    return scope.rpartition("/")[2], _plain(variable)


def _plain(variable: str) -> str:
    return KERNEL if variable == DEPTHWISE else variable


def _pairs(
    layers: Sequence[keras.Layer], groups: Sequence[tuple[str, list[Stored]]]
) -> list[tuple[keras.Layer, tuple[str, list[Stored]]]]:
    """Return each layer with what the file has of it: by their names, or else in order."""
    by_name = {name: (name, stored) for name, stored in groups}
    titles = [title_of(layer) for layer in layers]
    if {*titles} == {*by_name} and len(titles) == len(groups):
        return [(layer, by_name[title]) for layer, title in zip(layers, titles, strict=True)]
    for layer, group in zip_longest(layers, groups):
        if layer is None:
            raise UnfitWeightsError(
                f"the file has a layer {shown(group[0])}, and the model has none left for it"
            )
        if group is None:
            raise UnfitWeightsError(f"layer {shown(layer.name)}: its weights are not in the file")
    return list(zip(layers, groups, strict=True))


def _assign(layer: keras.Layer, name: str, stored: Sequence[Stored]) -> None:
    variables = _variables(layer)
    where = f"layer {shown(title_of(layer))}"
    if len(variables) != len(stored):
        raise UnfitWeightsError(
            f"{where}: it has {len(variables)} weights, and layer {shown(name)} of the file {len(stored)}"
        )
    for (_, variable), array in zip(variables, _sorted(variables, stored, where), strict=True):
        if tuple(variable.shape) != array.shape:
            raise UnfitWeightsError(
                f"{where}: its {variable.name} is {tuple(variable.shape)}, but {array.shape} in the file"
            )
        variable.assign(array)
    for part in layer._flatten_layers():
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()  # which works out what it subtracts and divides by


def _variables(layer: keras.Layer) -> list[tuple[Key, Any]]:
    """Return the variables of a layer and of those within, in the order of files: what is trained first."""
    owners = {}
    for part in layer._flatten_layers():
        for variable in part._trainable_variables + part._non_trainable_variables:
            owners[id(variable)] = title_of(part)
    variables = [v for v in layer.trainable_weights + layer.non_trainable_weights if id(v) in owners]
    return [((owners[id(v)], _plain(v.name)), v) for v in variables]


def _sorted(variables: Sequence[tuple[Key, Any]], stored: Sequence[Stored], where: str) -> list[np.ndarray]:
    """Return the arrays in the order of the variables."""
    keys = [key for key, _ in variables]
    by_key = dict(stored)
    if len(by_key) == len(stored) and {*keys} == {*by_key}:
        return [by_key[key] for key in keys]
    names, known = [one.key[1] for one in stored], [name for _, name in keys]
    if names != known and sorted(names) == sorted(known):
        raise UnfitWeightsError(
            f"{where}: its weights are {_listed(keys)}, but {_listed(s.key for s in stored)}"
        )
    return [one.array for one in stored]


def _listed(keys: Any) -> str:
    counts = Counter(shown(f"{owner}/{name}") for owner, name in keys)
    return ", ".join(counts)
