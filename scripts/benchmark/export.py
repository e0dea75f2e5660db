"""Write the network, cut at a layer, as files that other tools can load without fvcli.

FOLDER/ unit.keras   input RGB 0 to 1,   224 px   | standard Keras layers only
        bytes.keras  input RGB 0 to 255, 224 px   |
        nodes.json, arrays.npz                    the same as a list of layers, in Keras's layout
        test.npz                                  a picture and the activations that are right for it
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import keras
import numpy as np

from benchmark.units import CANVAS_PX, MODEL
from fvcli.models import ModelChoice, describe, load
from fvcli.models.graph import Node, ancestors

# Factor and offset from the tool's range to the network's, -1 to 1.
RANGES = {"unit": (2.0, -1.0), "bytes": (1 / 127.5, -1.0)}


@cache
def whole_network() -> keras.Model:
    return load(ModelChoice(MODEL)).keras_model


@cache
def network_at(layer: str) -> keras.Model:
    """Return the network up to a layer: RGB from -1 to 1 in, the layer's activations out, any size."""
    model = whole_network()
    return keras.Model(model.input, model.output[layer])


def export(layer: str, folder: Path) -> Path:
    """Write the files unless they are there; the test picture is the last of them."""
    if (folder / "test.npz").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    nodes = _nodes_of(layer)
    for name, (factor, offset) in RANGES.items():
        _with_range(nodes, factor, offset).save(folder / f"{name}.keras")
    _write_plain(nodes, folder)
    pixels = np.random.default_rng(0).integers(0, 256, (1, CANVAS_PX, CANVAS_PX, 3), dtype=np.uint8)
    acts = network_at(layer)(pixels.astype(np.float32) / 127.5 - 1.0, training=False)
    np.savez(folder / "test.npz", pixels=pixels, activations=np.asarray(acts))
    return folder


def _nodes_of(layer: str) -> list[Node]:
    facts = describe(ModelChoice(MODEL))
    needed = ancestors(facts.inputs_of, [layer])
    return [node for node in facts.nodes if node.name in needed]


def _with_range(nodes: list[Node], factor: float, offset: float) -> keras.Model:
    """Rebuild the layers flat, so that tools find them by name, behind a Rescaling."""
    image = keras.Input((CANVAS_PX, CANVAS_PX, 3), name="picture")
    tensors = {"input": keras.layers.Rescaling(factor, offset, name="to_range")(image)}
    for node in nodes:
        original = whole_network().get_layer(node.name)
        copy = type(original).from_config(original.get_config())
        sources = [tensors[name] for name in node.inputs]
        tensors[node.name] = copy(sources if len(sources) > 1 else sources[0])
        copy.set_weights(original.get_weights())
    model = keras.Model(image, tensors[nodes[-1].name], name="network")
    model.trainable = False
    return model


def _write_plain(nodes: list[Node], folder: Path) -> None:
    arrays = {
        f"{node.name}/{i}": array
        for node in nodes
        for i, array in enumerate(whole_network().get_layer(node.name).get_weights())
    }
    np.savez(folder / "arrays.npz", **arrays)
    (folder / "nodes.json").write_text(json.dumps([_plain(node) for node in nodes], indent=1))


def _plain(node: Node) -> dict[str, object]:
    """Write a node as tools without fvcli read it: square windows only."""
    kernel, stride = (node.window.kernel[0], node.window.stride[0]) if node.window else (1, 1)
    plain = {key: getattr(node, key) for key in ("name", "kind", "inputs", "channels")}
    return {**plain, "kernel": kernel, "stride": stride}
