"""Find the first layer of a Keras model that the weights of a file do not fit, by their shapes alone.

Keras says of such a file that some objects could not be loaded, or that a number of layers differs. Where
the network has layers in an order, the first that does not fit tells more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import keras

from fvcli.models.files.keras_config import shown
from fvcli.models.files.keras_hdf5 import Contents, Shape

MAX_LISTED = 8
Kind = tuple[str, int]  # a layer's class in lower case, and which layer of that class it is


def first_mismatch(model: keras.Model, stored: Contents) -> str | None:
    """Return a sentence about the first layer that does not fit, None if all do.

    Args:
        model: A built model.
        stored: The shapes in the file.
    """
    if stored.by_layer is not None:
        return _by_order(model, stored.by_layer)
    return _by_class(model, stored.by_path) if _is_graph(model) else None


def _is_graph(layer: keras.Layer) -> bool:
    """Tell whether a layer is a functional or sequential model, whose layers are stored in its order."""
    return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")


def _by_order(model: keras.Model, stored: list[tuple[str, list[Shape]]]) -> str | None:
    """Compare with the older layout, in which the layers with weights follow each other."""
    layers = [layer for layer in model.layers if layer.weights]
    for layer, entry in zip_longest(layers, stored):
        if layer is None:
            return f"the file has a layer {shown(entry[0])}, and the model has none left for it"
        name, shapes = entry or (None, [])
        variables = layer.trainable_weights + layer.non_trainable_weights
        problem = _difference(
            layer, variables, shapes, f"the file's layer {shown(name)}" if name else "the file"
        )
        if problem:
            return problem
    return None


def _by_class(model: keras.Model, stored: dict[str, Shape]) -> str | None:
    """Compare with the newer layout, in which each layer has a place named after its class."""
    claimed = []
    for layer, place in _places(model, stored, "layers/", set()):
        claimed.append(f"{place}/")
        shapes = _shapes_at(stored, f"{place}/")
        problem = _difference(layer, layer.weights, shapes, "the file")
        orders = layer.weights, _of_each_part(layer)
        if problem and all(Counter(shapes) != Counter(_shapes(variables)) for variables in orders):
            return problem  # parts have an order of their own
    left = [path for path in stored if path.startswith("layers/") and not path.startswith(tuple(claimed))]
    return f"the file has weights at {shown(left[0])}, and the model has no layer for them" if left else None


def _of_each_part(layer: keras.Layer) -> list[Any]:
    """Return the variables of a layer and its parts; SpectralNormalization and its part list one kernel."""
    parts = layer._flatten_layers()
    return [v for part in parts for v in (*part._trainable_variables, *part._non_trainable_variables)]


def _places(
    model: keras.Model, stored: dict[str, Shape], prefix: str, seen: set[int]
) -> Iterator[tuple[keras.Layer, str]]:
    """Yield every layer that is no graph itself with the path of its weights, empty if there is none."""
    found = {_kind(name): name for name in _members(stored, prefix)}
    numbers: Counter[str] = Counter()
    for layer in model.layers:
        class_name = type(layer).__name__.lower().replace("_", "")
        place = found.get((class_name, numbers[class_name]))
        numbers[class_name] += 1
        if id(layer) in seen:  # a layer used by two models is stored once
            continue
        seen.add(id(layer))
        if _is_graph(layer):
            yield from _places(layer, stored, f"{prefix}{place}/layers/", seen)
        elif place or layer.weights:
            yield layer, f"{prefix}{place}" if place else ""


def _members(stored: dict[str, Shape], prefix: str) -> set[str]:
    return {path[len(prefix) :].split("/")[0] for path in stored if path.startswith(prefix)}


def _kind(name: str) -> Kind:
    """Read a place such as ``batch_normalization_3``."""
    base, _, number = name.rpartition("_")
    if base and number.isdigit():
        return base.replace("_", ""), int(number)
    return name.replace("_", ""), 0


def _shapes_at(stored: dict[str, Shape], place: str) -> list[Shape]:
    """Return the shapes at a place, numbered ones in their order, without the states of random generators."""
    paths = [
        path for path in stored if place != "/" and path.startswith(place) and "seed_generator" not in path
    ]
    return [stored[path] for path in sorted(paths, key=_number_last)]


def _number_last(path: str) -> tuple[str, int, str]:
    group, _, name = path.rpartition("/")
    return (group, int(name), "") if name.isdigit() else (group, 0, name)


def _shapes(variables: list[Any]) -> list[Shape]:
    return [tuple(variable.shape) for variable in variables]


def _difference(layer: keras.Layer, variables: list[Any], shapes: list[Shape], holder: str) -> str | None:
    """Return what differs between a layer and the shapes stored for it."""
    expected = _shapes(variables)
    if expected == shapes:
        return None
    wrong = [number for number, pair in enumerate(zip(expected, shapes, strict=False)) if len({*pair}) > 1]
    if len(expected) == len(shapes) and len(wrong) == 1:
        (number,) = wrong
        name = variables[number].name
        return (
            f"layer {shown(layer.name)}: its {name} is {expected[number]}, but {shapes[number]} in {holder}"
        )
    return (
        f"layer {shown(layer.name)}: its weights are {_listed(expected)}, but {_listed(shapes)} in {holder}"
    )


def _listed(shapes: list[Shape]) -> str:
    rest = ", ..." if len(shapes) > MAX_LISTED else ""
    return (", ".join(map(str, shapes[:MAX_LISTED])) or "none") + rest
