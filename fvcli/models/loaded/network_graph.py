"""A network of whatever origin as calls, which compute, and nodes, which are plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fvcli.models.graph import Node
from fvcli.models.loaded.keras_model.reference import KerasReference
from fvcli.optvis.calls import CallGraph


@dataclass(frozen=True)
class NetworkGraph:
    """A network laid open.

    graph: Its calls.
    nodes: The same as plain facts, in the same order.
    channels, size_px: Of the picture; a side that the network leaves open is None.
    outputs: Names of the nodes that the model returns.
    aliases: Other names that layers go by: a nested model's is that of its output.
    remarks: What was found and dealt with, in sentences.
    reference: What Keras itself makes of pictures, where Keras brought the network.
    """

    graph: CallGraph
    nodes: tuple[Node, ...]
    channels: int
    size_px: tuple[int | None, int | None]
    outputs: tuple[str, ...]
    aliases: Mapping[str, str]
    remarks: tuple[str, ...]
    reference: KerasReference | None = None

    @property
    def takes_whole_numbers(self) -> bool:
        """Tell whether pictures are of a type that has no fractions."""
        return self.reference is not None and not self.reference.takes_floats
