"""What is known of a model before it is loaded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from fvcli.models.choice import Preprocessing
from fvcli.models.graph import LayerFacts, Node, Pair, ancestors, bound_nodes, layer_facts

LARGEST_MIN_PX = 4096  # no network needs more for its layers to have a position


@dataclass(frozen=True)
class ModelFacts:
    """A network as plans and tables see it.

    native_size_px: height and width of the network's own input.
    preprocessing: what its input is made of a picture by.
    labels: class names by index; none where there are no classes.
    logits: the layer that class objectives read, or None.
    weights: which they are: ``imagenet``, ``random`` or a path.
    weights_sha256: SHA-256 of the weights.
    parameters: how many numbers it has learnt; None where nobody counted.
    aliases: other names of layers.
    branches: for a layer that is put together from others, a name of each part and its first channel.
    remarks: what should be known about it at every command, because it may be wrong, in sentences.
    findings: what was found out for certain, in sentences; for whoever inspects it.
    path: of the file or folder that it is in; None if it has a name that commands take.
    """

    name: str
    nodes: tuple[Node, ...]
    input_channels: int
    native_size_px: Pair
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    logits: str | None
    weights: str
    weights_sha256: str
    parameters: int | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    path: str | None = None

    @property
    def called(self) -> str:
        """What commands such as ``fvcli layers`` take: the path, or the name."""
        return self.path or self.name

    @cached_property
    def inputs_of(self) -> dict[str, tuple[str, ...]]:
        return {node.name: node.inputs for node in self.nodes}

    @cached_property
    def _layers_by_size(self) -> dict[Pair, dict[str, LayerFacts]]:
        """Keep what was worked out: a plan asks for the same few sizes once a job."""
        return {}

    @cached_property
    def _bound(self) -> frozenset[str]:
        return bound_nodes(self.nodes)

    def layers_at(self, height_px: int, width_px: int) -> Mapping[str, LayerFacts]:
        """Return the facts of every layer, in order and read-only, for an input of this size.

        Layers that are bound to the network's own size have it, whatever the size of the input.
        """
        size = (height_px, width_px)
        if size not in self._layers_by_size:
            self._layers_by_size[size] = layer_facts(self.nodes, size, self.native_size_px)
        return MappingProxyType(self._layers_by_size[size])

    def input_size(self, layers: Sequence[str]) -> Pair | None:
        """Return the size that pictures are resized to for these layers, or None if they take any."""
        return self.native_size_px if self._bound.intersection(layers) else None

    def takes(self, layers: Sequence[str], size_px: Pair) -> bool:
        """Tell whether all that these layers are made of has a size for such an input."""
        at = self.layers_at(*size_px)
        needed = ancestors(self.inputs_of, layers)
        return all(min(at[name].height, at[name].width) > 0 for name in needed if name in at)

    @cached_property
    def min_size_px(self) -> int:
        """The smallest side at which the layers that take any size have a position of their own."""
        return self._least([node for node in self.nodes if node.name not in self._bound])

    @cached_property
    def _least_by_layers(self) -> dict[frozenset[str], int]:
        """Keep what was worked out: a plan asks for the same layers once a job."""
        return {}

    @cached_property
    def has_maps_of_one_position(self) -> bool:
        """Tell whether a layer that takes any size makes one position of the network's own size.

        Then no smaller picture will do for all layers, as behind a pooling of the whole map.
        """
        at = self.layers_at(*self.native_size_px)
        maps = [node.name for node in self.nodes if node.window is not None and node.name not in self._bound]
        return any(min(at[name].height, at[name].width) == 1 for name in maps)

    def least_px(self, layers: Sequence[str]) -> int:
        """Return the smallest side of pictures for these layers.

        It is 1 where pictures are resized to the network's own size. Otherwise it is the same for all layers,
        unless some of them need the network's whole size.
        """
        if self.input_size(layers) is not None:
            return 1
        if not self.has_maps_of_one_position:
            return self.min_size_px
        asked = frozenset(layers)
        if asked not in self._least_by_layers:
            needed = ancestors(self.inputs_of, layers)
            self._least_by_layers[asked] = self._least([node for node in self.nodes if node.name in needed])
        return self._least_by_layers[asked]

    def _least(self, nodes: Sequence[Node]) -> int:
        sizes = (1 << power for power in range(3, LARGEST_MIN_PX.bit_length()))
        upper = next((side for side in sizes if self._fits(nodes, side)), LARGEST_MIN_PX)
        below = range(upper // 2, upper)  # what fits an input fits all larger ones
        return below.start + bisect_left(below, True, key=lambda side: self._fits(nodes, side))

    def _fits(self, nodes: Sequence[Node], side: int) -> bool:
        at = layer_facts(nodes, (side, side), self.native_size_px)
        strides = [max(fact.stride_px) for fact in at.values() if fact.stride_px]
        return side >= max(strides, default=1) and all(min(f.height, f.width) > 0 for f in at.values())

    def activation_bytes(self, layers: Sequence[str], height_px: int, width_px: int) -> int:
        """Sum the float32 outputs of one image over all layers that these layers need."""
        needed = ancestors(self.inputs_of, layers)
        at = self.layers_at(height_px, width_px)
        return sum(fact.output_bytes for name, fact in at.items() if name in needed)
