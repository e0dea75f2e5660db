"""The networks: which there are, what their layers are, and loading them."""

from fvcli.models.facts import ModelFacts
from fvcli.models.graph import LayerFacts
from fvcli.models.registry import ModelChoice, describe, list_models, load, model_names, weights_in_use

__all__ = [
    "LayerFacts",
    "ModelChoice",
    "ModelFacts",
    "describe",
    "list_models",
    "load",
    "model_names",
    "weights_in_use",
]
