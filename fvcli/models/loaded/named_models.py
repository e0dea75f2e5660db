"""Load the networks that can be named."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import keras

from fvcli.errors import FvcliError, UsageError
from fvcli.models.choice import IMAGENET, RANDOM, ModelChoice
from fvcli.models.files.checksums import check_sum
from fvcli.models.loaded.assemble import facts_of, load_from_nodes
from fvcli.models.loaded.keras_model.compare import compare_with_keras
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.keras_model.load import load_weights
from fvcli.models.loaded.last_read_cache import last_read_cache, stamp
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.loaded.weights import randomize, weights_sum
from fvcli.models.zoo import efficientnet_lite as lite
from fvcli.models.zoo import inception_v1
from fvcli.models.zoo.applications import APPLICATIONS, Application, keras_cache


def load(choice: ModelChoice, compare: bool = False) -> LoadedModel:
    """Return a network by name; compare: see to it that Keras computes the same as fvcli does.

    Raises:
        FvcliError: Its weights are missing, damaged or of another network.
    """
    if choice.name in lite.VARIANTS:
        return load_from_nodes(*lite.describe_with_arrays(choice))
    if choice.name == inception_v1.NAME:
        return load_from_nodes(*inception_v1.describe_with_arrays(choice))
    return _load_application(APPLICATIONS[str(choice.name)], choice, compare)


def _load_application(entry: Application, choice: ModelChoice, compare: bool) -> LoadedModel:
    model = _with_weights(choice, entry, stamp(entry.cached_weights()))
    network = lay_open(model)
    side = entry.native_size_px
    preprocessing = choice.preprocessing(entry.preprocessing, network.channels)
    doubt = compare_with_keras(network, (side, side), preprocessing, entry.name) if compare else None
    facts = facts_of(
        network,
        choice,
        name=entry.name,
        native_size_px=(side, side),
        preprocessing=preprocessing,
        weights=choice.weights or IMAGENET,
        weights_sha256=_sum(model, choice),
        parameters=model.count_params(),
        remarks=() if doubt is None else (doubt,),
    )
    return LoadedModel(facts, network.graph, model)


@last_read_cache
def _with_weights(choice: ModelChoice, entry: Application, _cached: object) -> keras.Model:
    keras.backend.clear_session()  # or layers without a name would be numbered on from other networks'
    shape = (entry.native_size_px, entry.native_size_px, 3)
    build = partial(
        getattr(keras.applications, entry.function), input_shape=shape, classifier_activation=None
    )
    if choice.weights in {None, IMAGENET}:
        return _downloaded(entry, build)
    model = build(weights=None)
    if choice.weights == RANDOM:
        randomize(model)
    else:
        load_weights(model, Path(str(choice.weights_path)))
    return model


def _downloaded(entry: Application, build: Any) -> keras.Model:
    """Let Keras take the weights from its cache, or from the network."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints what it downloads
            return build(weights=IMAGENET)
    except Exception as error:  # Keras raises a bare one where it cannot download
        if entry.cached_weights() is not None:
            place = keras_cache() / entry.weights_file
            message = f"{place}: not readable as the weights of {entry.name} ({_first_line(error)})"
            raise FvcliError(message, "remove it, so that Keras downloads it again") from error
        raise UsageError(
            f"the ImageNet weights of {entry.name} are not in {keras_cache()}, and Keras could not download "
            f"them ({_first_line(error)})",
            f"copy {entry.url} there from a machine that is online, or write weights: random to try without",
        ) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rpartition(" -- ")[2]


def _sum(model: keras.Model, choice: ModelChoice) -> str:
    if choice.weights_path is None:
        found = weights_sum(model)
    else:
        found = hashlib.sha256(Path(choice.weights_path).read_bytes()).hexdigest()
    check_sum(choice.called, found, choice.sha256)
    return found
