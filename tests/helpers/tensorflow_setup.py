"""Set TensorFlow up as a worker does, before its first use, so that bytes agree with a worker's.

The conftest of every folder that needs TensorFlow imports this; nothing else that all tests share may.
"""

from __future__ import annotations

import pytest

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.models import ModelChoice, load

with importing_tensorflow():
    from fvcli.worker.device import set_up_device

    set_up_device()


@pytest.fixture(scope="session")
def model():
    """The default network as a Keras model with ImageNet weights."""
    return load(ModelChoice("efficientnet-lite0")).keras_model
