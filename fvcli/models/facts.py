"""What is known of a model before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from fvcli.models.graph import LayerFacts, Node, ancestors, layer_facts


@dataclass(frozen=True)
class ModelFacts:
    """A network as plans and tables see it.

    value_range: what the network's input channels take for a picture's 0 and 1.
    min_size_px: the smallest side of an image that still gives every layer a position of its own.
    labels: class names by index.
    logits: the layer that class objectives read.
    weights_sha256: SHA-256 of the weights file.
    """

    name: str
    nodes: tuple[Node, ...]
    input_channels: int
    native_size_px: int
    min_size_px: int
    value_range: tuple[float, float]
    labels: tuple[str, ...]
    logits: str
    weights: str
    weights_sha256: str

    @cached_property
    def inputs_of(self) -> dict[str, tuple[str, ...]]:
        return {node.name: node.inputs for node in self.nodes}

    @cached_property
    def _layers_by_size(self) -> dict[tuple[int, int], dict[str, LayerFacts]]:
        """Keep what was worked out: a plan asks for the same few sizes once a job."""
        return {}

    def layers_at(self, height_px: int, width_px: int) -> Mapping[str, LayerFacts]:
        """Return the facts of every layer, in order and read-only, for an input of this size."""
        size = (height_px, width_px)
        if size not in self._layers_by_size:
            self._layers_by_size[size] = layer_facts(self.nodes, *size, self.input_channels)
        return MappingProxyType(self._layers_by_size[size])

    def activation_bytes(self, layers: Sequence[str], height_px: int, width_px: int) -> int:
        """Sum the float32 outputs of one image over all layers that these layers need."""
        needed = ancestors(self.inputs_of, layers)
        at = self.layers_at(height_px, width_px)
        return sum(fact.output_bytes for name, fact in at.items() if name in needed)
