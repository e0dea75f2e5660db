"""What all tests share, and which of them are quick: `pytest -m quick` needs no TensorFlow and no browser.

A test is quick by where it stands. The folders named below set TensorFlow up in a conftest of their own;
tests in all others must pass where TensorFlow cannot be imported.
"""

from __future__ import annotations

import builtins
import gc
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

from fvcli.engines import ENGINES
from fvcli.models import ModelChoice, ModelFacts, describe
from tests.helpers.painting import PaintingEngine

# The same examples every time: a suite that guards a gate must not fail by chance.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

TESTS = Path(__file__).parent
NEED_TENSORFLOW = {"loaded", "optvis", "runs", "scripts", "with_tensorflow", "worker"}  # folders
NEED_A_BROWSER = {"in_browser"}  # which has to be there, and takes its time
LITE0 = ModelChoice("efficientnet-lite0")
REAL_IMPORT = builtins.__import__


def is_quick(path: Path) -> bool:
    """Tell whether a test file or a folder needs no TensorFlow and no browser."""
    return (NEED_TENSORFLOW | NEED_A_BROWSER).isdisjoint(path.relative_to(TESTS).parts)


def pytest_configure(config: pytest.Config) -> None:
    """Leave the user's cache alone, and do not wait for the disk."""
    config.addinivalue_line(
        "markers", "quick: needs no TensorFlow and no browser; set by the folder, never by hand"
    )
    cache = tempfile.TemporaryDirectory(prefix="fvcli-tests-")
    config.add_cleanup(cache.cleanup)
    os.environ["XDG_CACHE_HOME"] = cache.name
    patch = pytest.MonkeyPatch()
    # 4 ms a file, which help only where the power fails; processes of their own still wait
    patch.setattr(os, "fsync", lambda _: None)
    config.add_cleanup(patch.undo)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what needs TensorFlow when only quick tests are asked for."""
    only_quick = config.getoption("markexpr").strip() == "quick"
    return True if only_quick and not is_quick(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is quick; of several processes let none be left with a slow file at the end."""
    for item in items:
        if is_quick(item.path):
            item.add_marker("quick")
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("quick") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let no quick test import TensorFlow, also where tests before it have."""
    with pytest.MonkeyPatch.context() as patched:
        if item.get_closest_marker("quick"):
            patched.setattr(builtins, "__import__", _import_without_tensorflow)
        return (yield)


def _import_without_tensorflow(name: str, *how: Any, **more: Any) -> ModuleType:
    if name.partition(".")[0] in {"tensorflow", "keras"}:
        raise ImportError(f"a quick test imports {name}: put it into one of {sorted(NEED_TENSORFLOW)}")
    return REAL_IMPORT(name, *how, **more)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what stays for good: modules and tests.

    Each program that a worker drops is followed by a full collection, which would walk through them all.
    """
    gc.freeze()


@pytest.fixture(scope="session")
def facts() -> ModelFacts:
    """Facts of the default network."""
    return describe(LITE0)


@pytest.fixture
def easel(monkeypatch: pytest.MonkeyPatch) -> PaintingEngine:
    """Let renders paint; returns the engine."""
    engine = PaintingEngine()
    monkeypatch.setitem(ENGINES, "local", lambda: engine)
    return engine


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of test photos, from FVCLI_TEST_DATA."""
    place = os.environ.get("FVCLI_TEST_DATA")
    if not place:
        pytest.skip("FVCLI_TEST_DATA is not set: no photos to test with")
    if not Path(place).is_dir():
        pytest.skip(f"FVCLI_TEST_DATA names {place}, which is not there: no photos to test with")
    return Path(place)
