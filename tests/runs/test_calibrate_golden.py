"""`fvcli compare --calibrate`, with three of its variants rendered for real.

That a learning rate of 2 % less is caught is tested in test_own_golden.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fvcli.app import calibrate_golden
from fvcli.golden.variants import WEIGHTS
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 48, steps: 6, redirect_steps: 0}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-4}
"""
KEPT = ["one thread", "oneDNN off", WEIGHTS]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrated")
    result = fvcli("render", write_spec(folder, SPEC), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    result = fvcli("accept", folder / "run", "--golden", folder / "golden", "--reason", "first")
    assert result.exit_code == 0, result.stderr
    return folder / "golden"


def test_it_measures_and_keeps_what_it_measured(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_variants = calibrate_golden.variants_of
    monkeypatch.setattr(
        calibrate_golden,
        "variants_of",
        lambda *given: [variant for variant in all_variants(*given) if variant.name in KEPT],
    )
    result = fvcli("compare", "--calibrate", golden)
    assert result.exit_code == 0, result.stderr
    rows = [re.split(r"  +", line) for line in result.stdout.splitlines()[1:-1]]
    assert [(row[0], row[1]) for row in rows] == [
        *(("one thread", "same"), ("oneDNN off", "cpu")),
        *((WEIGHTS, "same"), (WEIGHTS, "cpu")),
    ]
    kept = json.loads((golden / "calibration.json").read_text())
    wrong = {(row["name"], row["limits"]): (row["caught"], row["wrong"]) for row in kept["confusion"]}
    assert wrong["one thread", "same"] == wrong["oneDNN off", "cpu"] == (0, 0)
    for limits in ("same", "cpu"):
        assert wrong[WEIGHTS, limits] == (5, 0)
    assert kept["steps"] == [6]
    assert kept["size_px"] == [[48, 48]]
    assert max(kept["distributions"]["one thread"]["first_steps"]) == 0
    tolerances = json.loads((golden / "golden.json").read_text())["tolerances"]
    assert tolerances == kept["tolerances"]
    assert (
        tolerances["same"]["first_steps_of_all"] == 1e-6
    )  # nothing was measured, so it is the least there is
    assert tolerances["cpu"]["score"] >= 0.2  # of five units nobody knows the worst
    assert fvcli("compare", golden, golden.parent / "run").exit_code == 0


def test_it_renders_goldens_only_and_takes_no_run(golden: Path) -> None:
    result = fvcli("compare", "--calibrate", golden, golden.parent / "run")
    assert (result.exit_code, "--calibrate takes no RUN" in result.stderr) == (2, True)
    result = fvcli("compare", "--calibrate", golden.parent / "run")
    assert (result.exit_code, "is a run, not a golden" in result.stderr) == (2, True)
    result = fvcli("compare", golden)
    assert (result.exit_code, "there is no RUN to compare with" in result.stderr) == (2, True)
