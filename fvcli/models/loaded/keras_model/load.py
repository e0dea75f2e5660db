"""Load a Keras model from files that were looked at first, and end all that fails in one plain error."""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.file_beside import file_beside
from fvcli.models.files.keras_2.rewrite import is_keras_2
from fvcli.models.files.keras_config import USE_FACTORY, VERSION, shown
from fvcli.models.files.keras_file import (
    check_architecture,
    check_h5,
    check_keras_archive,
    check_weights,
    unpack_weights,
)
from fvcli.models.files.keras_hdf5 import Contents
from fvcli.models.files.model_format import format_of
from fvcli.models.files.words_of_others import printable
from fvcli.models.loaded.keras_model.from_keras_2.layers import OBJECTS
from fvcli.models.loaded.keras_model.from_keras_2.weights import (
    UnfitWeightsError,
    assign_weights,
    with_keras_3_paths,
)
from fvcli.models.loaded.keras_model.match import first_mismatch

HDF5_ENDINGS = {".h5", ".hdf5"}
SUFFIXES = {"keras": {".keras"}, "hdf5": HDF5_ENDINGS}  # by which Keras knows what a file is
OTHER_NETWORK = "the weights must be of the network that the model describes"
UNKNOWN_NAME = re.compile(
    r"(?:Unknown \w+: |Could not locate (?:class|function) |Could not interpret [\w ]+ identifier: )'?(\w+)"
)
INNER_ERROR = re.compile(
    r"Exception encountered: (.+)|Example error message for object .*?:\n\n(.+?)\n\n", re.S
)
RANDOM_LEFT = "freshly-initialized"  # how Keras warns that a file has no weights for some layers


def load_keras(path: Path, weights: Path | None = None, architecture: Path | None = None) -> keras.Model:
    """Return the model in a file, not compiled.

    Args:
        path: A `.keras` file, a `.h5` file of a whole model, or one of weights; or an architecture as JSON.
        weights: Weights to load instead of those in the file.
        architecture: The JSON file of the description, for a `.h5` file of weights.

    Raises:
        FvcliError: A file is damaged, hostile, of another kind, or Keras cannot load it.
    """
    if architecture is not None:
        model = _build(check_architecture(architecture), architecture)
        load_weights(model, path)
    elif format_of(path) == "json" and weights is None:
        check_architecture(path)
        its_weights = file_beside(path, HDF5_ENDINGS) or "my.weights.h5"
        hint = f"give the file of the weights, too: model: {{path: {path}, weights: {its_weights}}}"
        raise UsageError(f"{path}: a description without weights", hint)
    else:
        model = _load_whole(path)
    if weights is not None:
        load_weights(model, weights)
    return model


def load_weights(model: keras.Model, path: Path) -> None:
    """Load the weights in a file into a model; if they do not fit, some may have been loaded.

    Args:
        model: A built model.
        path: A `.weights.h5`, a `.h5` or a `.keras` file; what else is in it is not looked at.

    Raises:
        FvcliError: The file is damaged, or its weights are of another network.
    """
    stored = check_weights(path)
    if stored.by_layer is not None and is_keras_2(stored.version or "1"):
        _load_weights_of_keras_2(model, path)
        return
    try:
        with _named_for_keras(path, stored) as place, _watched(path):
            model.load_weights(place)
    except FvcliError:
        raise
    except Exception as error:  # Keras raises all kinds
        raise _no_fit(model, stored, path) or _failed(path, error) from error
    problem = _no_fit(model, stored, path)
    if problem:  # Keras passes over what the file has beyond the model
        raise problem


def _load_weights_of_keras_2(model: keras.Model, path: Path) -> None:
    try:
        assign_weights(model, path)
    except UnfitWeightsError as problem:
        raise FvcliError(f"{path}: {problem}", OTHER_NETWORK) from problem


def _load_whole(path: Path) -> keras.Model:
    written = format_of(path)
    if written == "json":
        return _build(check_architecture(path), path)
    config = check_keras_archive(path) if written == "keras" else _config_of_h5(path)
    if VERSION in config:  # of Keras 2, and rewritten
        model = _build(config, path)
        load_weights(model, path)
        return model
    try:
        with _watched(path), _with_suffix(path, SUFFIXES[written]) as place:
            model = keras.models.load_model(place, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises all kinds
        raise _explained(config, path, error) from error
    return _only_model(model, path)


@contextmanager
def _with_suffix(path: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Give a file a name that Keras reads it by, if it has another."""
    if path.suffix in suffixes:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"model{min(suffixes, key=len)}")
        place.symlink_to(path.absolute())
        yield place


def _config_of_h5(path: Path) -> dict[str, Any]:
    config = check_h5(path)
    if config is None:
        described = file_beside(path, {".json"}) or "my.json"
        raise UsageError(
            f"{path}: it has the weights of a model, but not the model",
            "give its architecture as JSON, too, which model.to_json() returns: "
            f"model: {{path: {described}, weights: {path}}}; weights of a network that fvcli knows are named "
            f"so: model: {{name: resnet50, weights: {path}}}",
        )
    return config


def _build(config: dict[str, Any], path: Path) -> keras.Model:
    """Return a model with random weights from a description that was looked through."""
    try:
        with _watched(path):
            model = _only_model(_from_config(config), path)
            _build_activations(model)
            return model
    except FvcliError:
        raise
    except Exception as error:  # Keras raises all kinds
        raise _failed(path, error) from error


def _build_activations(model: keras.Model) -> None:
    """Make the weights of layers that are activations of others, such as a PReLU; Keras waits for a call."""
    for layer in model._flatten_layers():
        activation = getattr(layer, "activation", None)
        if isinstance(activation, keras.Layer) and not activation.built and layer._inbound_nodes:
            activation.build(layer._inbound_nodes[0].output_tensors[0].shape)


def _from_config(config: dict[str, Any]) -> Any:
    if VERSION in config:
        with keras.saving.custom_object_scope(OBJECTS):
            return keras.models.model_from_json(json.dumps({**config, VERSION: None}))
    if "module" in config:
        return keras.models.model_from_json(json.dumps(config))
    # As Keras 3 writes it in HDF5.
    kind = keras.Sequential if config["class_name"] == "Sequential" else keras.Model
    return kind.from_config(json.loads(json.dumps(config["config"])))


def _only_model(model: Any, path: Path) -> keras.Model:
    if not isinstance(model, keras.Model):
        raise FvcliError(
            f"{path}: it describes a {type(model).__name__}, not a model", "save the whole model"
        )
    return model


@contextmanager
def _watched(path: Path) -> Iterator[None]:
    """Keep Keras's warnings off the screen, but for the one that weights are missing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if any(RANDOM_LEFT in str(warning.message) for warning in caught):
        raise FvcliError(f"{path}: it has no weights for some parts of the layers", OTHER_NETWORK)


@contextmanager
def _named_for_keras(path: Path, stored: Contents) -> Iterator[str]:
    """Give the weights a file name by which Keras knows their layout."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "model.weights.h5" if stored.by_layer is None else "model.h5")
        if format_of(path) == "keras":
            unpack_weights(path, place)
            place = with_keras_3_paths(place)
        else:
            place.symlink_to(path.absolute())
        yield str(place)


def _no_fit(model: keras.Model, stored: Contents, path: Path) -> FvcliError | None:
    problem = first_mismatch(model, stored)
    return FvcliError(f"{path}: {problem}", OTHER_NETWORK) if problem else None


def _explained(config: dict[str, Any], path: Path, error: Exception) -> FvcliError:
    """Return why a whole model failed to load: the first layer that its weights do not fit, if it is that."""
    if isinstance(error, FvcliError):
        return error
    try:
        with _watched(path):
            problem = _no_fit(_from_config(config), check_weights(path), path)
    except Exception:  # the description is what is wrong, and Keras has said so already
        problem = None
    return problem or _failed(path, error)


def _failed(path: Path, error: Exception) -> FvcliError:
    """Shorten what Keras raised to the line that says what is wrong."""
    text = str(error) or type(error).__name__
    unknown = UNKNOWN_NAME.search(text)
    if unknown:
        return FvcliError(f"{path}: it uses {shown(unknown[1])}, which is not part of Keras", USE_FACTORY)
    while inner := INNER_ERROR.search(text):
        text = (inner[1] or inner[2]).strip()
    line = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return FvcliError(f"{path}: Keras cannot load it ({printable(line)})")
