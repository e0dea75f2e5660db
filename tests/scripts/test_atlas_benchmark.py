"""What scripts/bench atlas measures: building, building again, one more unit, a page in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmark.atlas import LARGE, LARGEST, atlas, spec_of

from fvcli.app.plan_spec import plan_of_spec
from fvcli.run import RunFolder


@pytest.mark.parametrize("units", [200, 12_000])
def test_the_spec_has_so_many_units_and_a_full_page_of_a_layer(units: int, tmp_path: Path) -> None:
    spec = spec_of(units, 64)
    assert spec["jobs"][0]["layer"] == LARGE
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    planned = plan_of_spec(str(tmp_path / "spec.yaml"), [])
    assert len(planned.plan.units) == units
    of_it = sum(unit.job == f"{LARGE}-0" for unit in planned.plan.units)
    assert of_it >= min(units, LARGEST)


def test_every_step_and_the_page_are_measured(tmp_path: Path) -> None:
    text = atlas(tmp_path, 200, 48)
    steps = ("make up a run of 200 units", "build its atlas", "build it again", "build what changed")
    assert all(f"| {step} |" in text for step in steps)
    told = json.loads((tmp_path / "atlas/atlas.json").read_text())
    assert all(0 < one["peak_rss_mb"] < 500 for one in told["steps"].values())
    sizes = told["sizes"]
    assert sizes["sheets at first, kB"].endswith(" files")
    assert 0 < float(sizes["first load of a page of 200 units, MB"]) < 1
    assert float(sizes["its tiles are seen after, s"]) > 0
    run = RunFolder.read(tmp_path / "atlas/run")
    states = [run.sidecar(unit) for unit in run.plan.units]
    assert [i for i, one in enumerate(states) if one is None] == [3]
    assert {one.status for one in states if one is not None} == {"done", "dead", "failed"}
