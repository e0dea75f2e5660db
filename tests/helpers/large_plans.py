"""Let a few units be a large plan, so that tests of large plans take no time."""

from __future__ import annotations

import pytest

from fvcli.plan import head, unit_folders, unit_lines
from fvcli.run import plan_files


def make_small_plans_large(
    monkeypatch: pytest.MonkeyPatch, *, whole: int = 5, a_part: int = 4, max_entries: int | None = None
) -> None:
    """Let plans of more units than whole be written in parts, and folders have at most so many entries."""
    monkeypatch.setattr(head, "WHOLE", whole)
    for module in (head, unit_lines, plan_files):
        monkeypatch.setattr(module, "A_PART", a_part)
    if max_entries is not None:
        monkeypatch.setattr(unit_folders, "MAX_ENTRIES", max_entries)
