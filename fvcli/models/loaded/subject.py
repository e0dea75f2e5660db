"""A network of which the preprocessing is in question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.models.choice import COLOURS, Preprocessing
from fvcli.models.graph import Node, Pair
from fvcli.models.zoo.applications import BUILT_IN, CAFFE, TF, TORCH
from fvcli.optvis.calls import Call, CallGraph, Linear, Normalization, Relu
from fvcli.optvis.network import Network

UNIT = Preprocessing((0.0, 1.0))
COLOUR_CANDIDATES = (TF, TORCH, UNIT, CAFFE, BUILT_IN)  # the likelier ones first
GREY_CANDIDATES = (UNIT, TF, BUILT_IN)


@dataclass(frozen=True)
class Subject:
    """A network of which the preprocessing is in question.

    nodes: Its layers by name.
    logits: The layer with the evidence for classes, or None.
    """

    graph: CallGraph
    nodes: Mapping[str, Node]
    channels: int
    size_px: Pair
    logits: str | None

    def read(self, preprocessing: Preprocessing, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return a layer's activations on pictures."""
        reverse = preprocessing.channel_order == "BGR"
        network = Network(self.graph, preprocessing.ends, reverse_channels=reverse)
        return network(tf.constant(pictures), redirect=False)(layer).numpy()

    @property
    def candidates(self) -> tuple[Preprocessing, ...]:
        return COLOUR_CANDIDATES if self.channels == COLOURS else GREY_CANDIDATES

    @property
    def first_normalization(self) -> tuple[str, Normalization] | None:
        """The first convolution, or its activation, that is normalized with statistics of its training."""
        for call in self.graph.calls.values():
            known = isinstance(call.role, Normalization) and is_trained(call.role)
            below = call.inputs[0] if call.inputs else None
            if known and below is not None and below.name and _is_of_kernel(below):
                return below.name, call.role
        return None


def _is_of_kernel(call: Call) -> bool:
    """Tell whether a call is a convolution, or the activation of one."""
    activated = isinstance(call.role, Relu) and isinstance(call.inputs[0].role, Linear)
    return isinstance(call.role, Linear) or activated


def is_trained(normalization: Normalization) -> bool:
    """Tell whether it has statistics, and not those that it began with."""
    mean, variance = normalization.mean, normalization.variance
    if mean is None or variance is None:
        return False
    return bool(np.any(mean != 0.0) or np.any(variance != 1.0))
