"""Rewrite the description of a model that Keras 2 wrote into the one that Keras 3 would have written.

Keras 3 reads some descriptions of Keras 2 itself, but not those with keys that it dropped, inner models,
functions of TensorFlow as layers, or policies of precision; and some it reads as another network. Here every
difference is dealt with in one place, before Keras sees the description:

    the keys of each layer                   layer_settings.py
    which layer reads which tensor           connections.py
    functions of TensorFlow as layers        tensorflow_functions.py

Nothing that training alone needs is kept: initializers, regularizers, constraints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fvcli.models.files.keras_2.connections import Connections
from fvcli.models.files.keras_2.layer_settings import (
    CLASSES,
    OURS,
    is_keras_own,
    is_scale_of_inception_resnet,
    settings_of,
    upsamples_from_corners,
)
from fvcli.models.files.keras_2.names import without_slash
from fvcli.models.files.keras_2.plain_values import plain
from fvcli.models.files.keras_2.tensorflow_functions import FUNCTION_LAYERS, as_function, settle

FUNCTIONAL = {"Container", "Network", "Model", "Functional"}  # what functional models were called
SEQUENTIAL = "Sequential"


def as_keras_3(description: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the description of a model as Keras 3 writes it.

    Args:
        description: A class name and a config, as JSON has them.
        version: Of the Keras that wrote it, such as ``2.2.4-tf``.

    Raises:
        KerasTwoError: It uses what Keras 3 has no more, or means something else by.
        KeyError, TypeError, ValueError and the like: It is damaged.
    """
    rewriting = _Rewriting(upsamples_from_corners(version, json.dumps(description)))
    return rewriting.layer(plain(description))


def is_keras_2(version: str) -> bool:
    """Tell whether a version is one of Keras 1 or 2."""
    return version.partition(".")[0] in {"1", "2"}


class _Rewriting:
    """How descriptions of one version are rewritten."""

    def __init__(self, from_corners: bool) -> None:
        self._from_corners = from_corners
        self._unnamed = 0  # Sequential models so far that had no name

    def layer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a layer or model, without what it reads."""
        name = given["class_name"]
        if is_scale_of_inception_resnet(given):
            name = "CustomScaleLayer"
        elif not is_keras_own(given):
            return dict(given)  # for which it will be refused
        if name in FUNCTIONAL:
            return _made("keras.src.models.functional", "Functional", self._functional(given["config"]))
        if name == SEQUENTIAL:
            return _made("keras", SEQUENTIAL, self._sequential(given["config"], given))
        if name in FUNCTION_LAYERS:
            return as_function(name, given["config"])
        settings = settings_of(name, given["config"], self._from_corners)
        inner = {key: self._inner(value) for key, value in settings.items()}
        module, kind = CLASSES.get(name, ("keras.layers", name))
        module = OURS if "from_corners" in inner else module
        return _made(module, kind, _without_slash(inner))

    def _inner(self, value: Any) -> Any:
        """Rewrite layers that are settings of another, such as what a Bidirectional runs twice."""
        if isinstance(value, list):
            return [self._inner(item) for item in value]
        kinds = dict, list  # Sequential models were lists of layers before Keras 2.2.3
        is_layer = (
            isinstance(value, dict) and isinstance(value.get("config"), kinds) and "class_name" in value
        )
        return self.layer(value) if is_layer else value

    def _functional(self, config: Mapping[str, Any]) -> dict[str, Any]:
        layers = config["layers"]
        models = {_name(layer) for layer in layers if layer["class_name"] in (*FUNCTIONAL, SEQUENTIAL)}
        sequential = {_name(layer) for layer in layers if layer["class_name"] == SEQUENTIAL}
        connections = Connections(config, models, sequential)
        made = []
        for layer in layers:
            rewritten = self.layer(layer)
            rewritten["name"] = rewritten["config"]["name"] = without_slash(_name(layer))
            rewritten["inbound_nodes"] = connections.of(layer)
            settle(rewritten)
            made.append(rewritten)
        return _without_slash(
            {
                "name": config["name"],
                "trainable": config.get("trainable", True),
                "layers": made,
                "input_layers": connections.ends("input_layers"),
                "output_layers": connections.ends("output_layers"),
            }
        )

    def _sequential(self, config: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(config, list):  # before Keras 2.2.3
            config = {"name": given.get("name") or self._next_name(), "layers": config}
        layers = config["layers"]
        made = [self.layer(layer) for layer in layers]
        shape = input_shape({"class_name": SEQUENTIAL, "config": config})
        if layers and layers[0]["class_name"] != "InputLayer" and shape is not None:
            first = made[0]["config"]["name"]
            made.insert(
                0, _made("keras.layers", "InputLayer", {"batch_shape": shape, "name": f"{first}_input"})
            )
        return _without_slash({"name": config["name"], "layers": made})

    def _next_name(self) -> str:
        """Name a model as Keras does: the model itself comes first, and then those inside."""
        self._unnamed += 1
        return "sequential" if self._unnamed == 1 else f"sequential_{self._unnamed - 1}"


def _made(module: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    registered = f"{OURS}>{name}" if module == OURS else None
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def _name(layer: Mapping[str, Any]) -> str:
    name = layer.get("name") or layer["config"]["name"]
    return str(name)


def _without_slash(config: dict[str, Any]) -> dict[str, Any]:
    name = config.get("name")
    return {**config, "name": without_slash(name)} if isinstance(name, str) else config


def input_shape(layer: Mapping[str, Any]) -> Sequence[int | None] | None:
    """Return the shape with which a model or layer begins, where it says so, batch first."""
    config = layer["config"]
    layers = config if isinstance(config, list) else config.get("layers")
    if layers is None:
        shape = config.get("batch_input_shape")
    else:
        later = None if isinstance(config, list) else config.get("build_input_shape")
        shape = (input_shape(layers[0]) if layers else None) or later
    return shape  # type: ignore[no-any-return]
