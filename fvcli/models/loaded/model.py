"""A network in memory, and its facts."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from fvcli.models.loaded.sanity import sanity_lines
from fvcli.models.loaded.subject import Subject
from fvcli.models.model_facts import ModelFacts
from fvcli.optvis.calls import CallGraph
from fvcli.optvis.network import Network


@dataclass(frozen=True)
class LoadedModel:
    """A network that can be rendered with.

    facts: What plans know of it.
    graph: Its calls.
    keras_model: The Keras model that they come from, where there is one.
    """

    facts: ModelFacts
    graph: CallGraph
    keras_model: keras.Model | None = None

    def network(
        self, precision: str = "float32", input_px: tuple[int, int] | None = None, is_folded: bool = True
    ) -> Network:
        """Return what objectives read.

        Args:
            precision: What it is computed in.
            input_px: What pictures are resized to first; None: they are taken as they are.
            is_folded: See ``Network``.
        """
        preprocessing = self.facts.preprocessing
        return Network(
            self.graph,
            preprocessing.ends,
            precision,
            reverse_channels=preprocessing.channel_order == "BGR",
            input_px=input_px,
            is_folded=is_folded,
        )

    @property
    def parameters(self) -> int | None:
        """How many numbers it has learnt, or None where a graph does not tell them from others."""
        if self.facts.parameters is not None or self.keras_model is None:
            return self.facts.parameters
        return int(self.keras_model.count_params())

    def sanity_lines(self) -> list[str]:
        """Return what the network makes of noise and of the built-in test pictures, a sentence each."""
        facts = self.facts
        nodes = {node.name: node for node in facts.nodes}
        subject = Subject(self.graph, nodes, facts.input_channels, facts.native_size_px, facts.logits)
        is_certain = any(finding.startswith("preprocessing") for finding in facts.findings)
        return sanity_lines(subject, facts.preprocessing, is_certain)

    def activations(self, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return a layer's activations, float32 [batch, h, w, channels].

        Args:
            pictures: [batch, h, w, channels], 0 to 1.
            layer: Its name, or another that it goes by.
        """
        layer = self.facts.aliases.get(layer, layer)
        network = self.network(input_px=self.facts.input_size([layer]))
        return network(tf.constant(pictures, tf.float32), redirect=False)(layer).numpy()
