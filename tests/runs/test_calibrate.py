"""This machine measured, and what is estimated from it; its table is tested in tests/cli/test_tables.py."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fvcli.app.speed_table import read_speed
from fvcli.plan.cost import Speed
from tests.helpers.running import SMALL_SPEC, fvcli, pictures, write_spec


def test_what_a_measured_machine_takes_is_of_the_order_of_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a factor of ten: a machine may be busy while one of the two runs; wrong units would show."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # with it, TensorFlow's remarks are shown
    spec = write_spec(tmp_path, SMALL_SPEC.replace("render: {", "render: {early_stop: 0, "))
    calibrated = subprocess.run(
        [sys.executable, "-m", "fvcli", "calibrate", "--quick", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert calibrated.stderr == ""
    printed = Speed.model_validate_json(calibrated.stdout)
    assert printed == read_speed(tmp_path / "cache" / "fvcli" / "speed.json", printed.host)
    assert printed.device == "cpu" or printed.device.startswith("gpu")
    text = fvcli("plan", spec).stdout.splitlines()
    assert text[0].endswith("time")
    assert text[-1].startswith("time: at most about ")
    data = json.loads(fvcli("plan", spec, "--json").stdout)
    expected = data["time"]["seconds"]
    parts = data["time"]["start_seconds"], *data["time"]["job_seconds"].values()
    assert sum(parts) == pytest.approx(expected, abs=0.1)
    began = time.perf_counter()
    run = tmp_path / "run"
    subprocess.run(
        [sys.executable, "-m", "fvcli", "render", spec, "-o", run], capture_output=True, check=True
    )
    took = time.perf_counter() - began
    assert len(pictures(run)) == 7
    assert "seconds" not in (run / "plan.json").read_text()
    assert expected / 10 < took < expected * 10


def test_calibrate_refuses_an_unknown_network() -> None:
    assert fvcli("calibrate", "no-such-net").exit_code == 2
