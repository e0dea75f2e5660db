"""Commands that paint instead of rendering."""

from __future__ import annotations

import pytest

from fvcli.engines import ENGINES
from tests.helpers.painting import PaintingEngine


@pytest.fixture
def easel(monkeypatch: pytest.MonkeyPatch) -> PaintingEngine:
    """Let ``fvcli render`` paint instead of rendering; returns the engine."""
    engine = PaintingEngine()
    monkeypatch.setitem(ENGINES, "local", lambda: engine)
    return engine
