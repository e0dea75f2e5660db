"""Turn a Keras model into calls and nodes: nested models laid open, shared layers once for each call.

    backbone (Functional, called twice)        backbone/conv    backbone@2/conv
    shared   (a layer, called twice)           shared           shared@2
    conv     (with activation="relu")          conv_pre_activation, conv

Where the model has channels first, calls have them last: convolutions and poolings are computed that way,
and what cannot be is computed as it is, with its maps turned before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras

from fvcli.errors import UsageError
from fvcli.models.graph import Pair
from fvcli.models.loaded.keras_model.checked_sizes import with_sizes_of_keras
from fvcli.models.loaded.keras_model.data_format import picture_shape, settle_format
from fvcli.models.loaded.keras_model.fill import check_fill
from fvcli.models.loaded.keras_model.fixed_batch import forget_states
from fvcli.models.loaded.keras_model.layer_call import bias_remark
from fvcli.models.loaded.keras_model.open_layers import Opening
from fvcli.models.loaded.keras_model.picture_input import find_picture
from fvcli.models.loaded.keras_model.precision import make_scopes_valid, to_float32
from fvcli.models.loaded.keras_model.quantized import quantized_remark
from fvcli.models.loaded.keras_model.reference import KerasReference
from fvcli.models.loaded.keras_model.wiring import graph_of
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.optvis.calls import CallGraph


def lay_open(
    model: keras.Model,
    picture: str | None = None,
    fill: Mapping[str, float] | None = None,
    first: bool | None = None,
    size_px: Pair | None = None,
) -> NetworkGraph:
    """Return a functional or sequential model as calls and nodes.

    Args:
        model: Its layers are set to float32.
        picture: What the picture takes the place of: the name of an input, or of a layer's output; None: the
            only input that could.
        fill: What other inputs are filled with, by name; zeros where it says nothing.
        first: Whether the picture has its channels first; None: its shape and the layers tell.
        size_px: Height and width of the pictures that a flat input takes without a reshape.

    Raises:
        UsageError: The model has no graph of layers, no input for a picture, or a layer that makes the
            pictures of a batch depend on each other.
    """
    function = _function_of(model)
    make_scopes_valid(model)
    mixed, forgetful = to_float32(model), forget_states(model)
    chosen = find_picture(function, picture, size_px)
    others = [t for t in function.inputs if t is not chosen.tensor]
    check_fill(fill or {}, [t.name for t in others])
    first = settle_format(function, chosen, first)
    reference = KerasReference(model, function, chosen, first, dict(fill or {}))
    walk = Opening(reference)
    outputs = walk.through(function, walk.inputs)
    said = [
        f"{mixed} layers are of mixed, double or half precision, and are computed in float32"
        if mixed
        else None,
        f"recurrent layers begin each picture with empty states: {', '.join(forgetful)}"
        if forgetful
        else None,
        quantized_remark(model),
        bias_remark(model),
    ]
    channels, size_px = picture_shape(chosen, first)
    nodes = tuple(value.node for value in walk.named.values())
    if size_px[0] is not None and size_px[1] is not None:
        nodes = with_sizes_of_keras(nodes, walk.sizes, (size_px[0], size_px[1]))
    return NetworkGraph(
        graph=CallGraph(walk.picture, {name: value.call for name, value in walk.named.items()}),
        nodes=nodes,
        channels=channels or 3,
        size_px=size_px,
        outputs=tuple(value.node.name for value in outputs),
        aliases=walk.aliases,
        remarks=tuple(filter(None, (*said, *walk.remarks()))),
        reference=replace(reference, turned=frozenset(n for n, value in walk.named.items() if value.first)),
    )


def _function_of(model: keras.Model) -> Any:
    function = graph_of(model)
    if function is None and type(model) is keras.Sequential:
        raise UsageError(
            f"Sequential {model.name} was saved before it had an input",
            "begin it with keras.Input, or call it once before it is saved",
        )
    if function is None:
        raise UsageError(
            f"model {model.name} is a subclassed {type(model).__name__}, whose layers have no graph",
            "build it with keras.Model(inputs, outputs)",
        )
    return function
