"""What scripts/bench scale measures: every step of a run that is large enough to be in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmark.scale import STEPS, scale, spec_of

from fvcli.run import RunFolder


@pytest.mark.parametrize("units", [10_000, 1_000_000])
def test_the_spec_has_so_many_units(units: int) -> None:
    rest = spec_of(units)["jobs"][-1]["vectors"][0]["random"]
    assert 0 < int(rest.split("-")[1]) < units / 2


def test_every_step_is_measured(tmp_path: Path) -> None:
    text = scale(tmp_path, 12_000)
    assert all(f"| **{step}** |" in text for step in STEPS)
    assert "| read a batch of 8 units |" in text
    results = json.loads((tmp_path / "scale/scale.json").read_text())
    assert all(0 < result["peak_rss_mb"] < 500 for result in results.values())
    run = RunFolder.read(tmp_path / "scale/run")
    assert len(run.plan.units) == 12_000
    assert len(run.plan.programs) > 5
