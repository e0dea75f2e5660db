"""Use cases that paint instead of rendering, and a cache folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.engines import ENGINES
from tests.helpers.painting import PaintingEngine


@pytest.fixture
def easel(monkeypatch: pytest.MonkeyPatch) -> PaintingEngine:
    """Let renders paint; returns the engine."""
    engine = PaintingEngine()
    monkeypatch.setitem(ENGINES, "local", lambda: engine)
    return engine


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that fvcli takes for its cache; it is not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fvcli"
