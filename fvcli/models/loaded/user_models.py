"""Load a user's own network: a Keras file, or what a Python function makes."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

from fvcli.errors import FvcliError, UsageError
from fvcli.models.choice import ModelChoice
from fvcli.models.files.checksums import check_sum
from fvcli.models.files.model_format import format_of
from fvcli.models.loaded.assemble import facts_of
from fvcli.models.loaded.graph_def.load import load_graph_def
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.keras_model.load import load_keras, load_weights
from fvcli.models.loaded.keras_model.sizes_by_trial import with_sizes_tried
from fvcli.models.loaded.last_read_cache import last_read_cache
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.loaded.preprocessing import native_size, resolve_preprocessing
from fvcli.models.loaded.weights import weights_sum


def load(choice: ModelChoice, allow_code: bool, compare: bool = False) -> LoadedModel:
    """Return the network of a file or a factory.

    Raises:
        FvcliError: The file is missing, damaged, hostile or of an unknown kind; the factory is not allowed,
            cannot be found or fails; or the network is none that can be rendered.
    """
    if choice.path is not None:
        path = Path(choice.path)
        if format_of(path) in {"graph", "saved_model"}:
            return load_graph_def(path, choice)
    return _from_keras(choice, *_keras_model(choice, allow_code), compare)


@last_read_cache
def _keras_model(choice: ModelChoice, allow_code: bool) -> tuple[keras.Model, str]:
    """Return the model, and the sum of its file or, where there are several or none, of its weights."""
    weights = None if choice.weights_path is None else Path(choice.weights_path)
    if choice.factory is not None:
        model = _made_by_factory(choice.factory, allow_code)
        if weights is not None:
            load_weights(model, weights)
        return model, weights_sum(model)
    path = Path(str(choice.path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    check_sum(path, sha256, choice.sha256)
    model = load_keras(path, weights)
    return model, sha256 if weights is None else weights_sum(model)


def _from_keras(choice: ModelChoice, model: keras.Model, sha256: str, compare: bool) -> LoadedModel:
    first = None if choice.data_format is None else choice.data_format == "channels_first"
    network = lay_open(model, choice.input, choice.fill, first, choice.size_px)
    size, remark = native_size(network, choice)
    with _telling(choice):
        network = with_sizes_tried(network, size)
        found = resolve_preprocessing(network, choice, size)
    doubt = compare_with_keras(network, size, found.preprocessing, choice.called) if compare else None
    facts = facts_of(
        network,
        choice,
        name=name_of(choice),
        native_size_px=size,
        preprocessing=found.preprocessing,
        weights=str(choice.weights or choice.called),
        weights_sha256=sha256,
        parameters=model.count_params(),
        remarks=tuple(filter(None, (remark, found.remark, doubt))),
        findings=tuple(filter(None, (found.finding,))),
    )
    return LoadedModel(facts, network.graph, model)


@contextlib.contextmanager
def _telling(choice: ModelChoice) -> Iterator[None]:
    """Let an error of a layer say which file it is of."""
    try:
        yield
    except UsageError:
        raise
    except FvcliError as error:
        raise FvcliError(f"{choice.called}: {error.message}", error.hint) from error


def name_of(choice: ModelChoice) -> str:
    """Return what a model of one's own is called: its file's stem, or its factory's function."""
    return choice.factory.rpartition(":")[2] if choice.factory else Path(str(choice.path)).stem


# ---- factories


def _made_by_factory(factory: str, allow_code: bool) -> keras.Model:
    if not allow_code:
        raise UsageError(
            f"model.factory: {factory} is Python code, which fvcli runs only where it is allowed to",
            "add --allow-code if you trust it",
        )
    function = _find(factory)
    keras.backend.clear_session()  # or layers without a name would be numbered on from other networks'
    try:
        model = function()
    except Exception as error:  # whatever the user's code raises
        raise UsageError(f"model.factory: {factory} failed with {type(error).__name__}: {error}") from error
    if not isinstance(model, keras.Model):
        raise UsageError(f"model.factory: {factory} returned {type(model).__name__}", "return a keras.Model")
    return model


def _find(factory: str) -> Callable[[], Any]:
    module, _, name = factory.partition(":")
    sys.path.insert(0, os.getcwd())  # as python -m does
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module raises
        raise UsageError(
            f"model.factory: {factory} cannot be imported ({error})",
            "write module:function; the module is looked for in this folder and where Python finds others",
        ) from error
    finally:
        sys.path.pop(0)
    return found  # type: ignore[no-any-return]
