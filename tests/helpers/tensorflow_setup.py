"""Set TensorFlow up as a worker does, before its first use, so that bytes agree with a worker's.

The conftest of every folder that needs TensorFlow imports this; nothing else that all tests share may.
"""

from __future__ import annotations

import functools
import gc

import pytest

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.models import ModelChoice, load
from fvcli.models.loaded.model import LoadedModel

with importing_tensorflow():
    from fvcli.worker.device import set_up_device

    set_up_device()


@functools.cache
def default_network() -> LoadedModel:
    """Return the default network, which takes half a second to build; nothing changes what is loaded."""
    network = load(ModelChoice("efficientnet-lite0"))
    gc.collect()
    gc.freeze()  # it stays for good
    return network


@pytest.fixture(scope="session")
def model():
    """The default network as a Keras model with ImageNet weights."""
    return default_network().keras_model
