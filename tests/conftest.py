"""What tests share: the real default network, loaded once, and the place of the test data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from fvcli.engines.quiet import quiet_start
from fvcli.models import ModelChoice, ModelFacts, describe, load

# The same examples every time: a suite that guards a gate must not fail by chance.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

LITE0 = ModelChoice("efficientnet-lite0")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Set TensorFlow up as a worker does, before its first use, so that bytes agree with a worker's.

    The user's cache is left alone.
    """
    cache = tempfile.TemporaryDirectory(prefix="fvcli-tests-")
    session.config.add_cleanup(cache.cleanup)
    os.environ["XDG_CACHE_HOME"] = cache.name
    with quiet_start():
        from fvcli.worker.device import set_up_device

        set_up_device()


@pytest.fixture(scope="session")
def facts() -> ModelFacts:
    """Facts of the default network; no TensorFlow."""
    return describe(LITE0)


@pytest.fixture(scope="session")
def model():
    """The default network as a Keras model with ImageNet weights."""
    return load(LITE0).keras_model


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of test photos, from FVCLI_TEST_DATA."""
    place = os.environ.get("FVCLI_TEST_DATA")
    if not place:
        pytest.skip("FVCLI_TEST_DATA is not set: no photos to test with")
    if not Path(place).is_dir():
        pytest.skip(f"FVCLI_TEST_DATA names {place}, which is not there: no photos to test with")
    return Path(place)
