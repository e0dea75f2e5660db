"""results.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fvcli import __version__
from fvcli.golden.reports.results_file import write_results
from fvcli.golden.results import Drift, Side
from tests.helpers.plain_comparisons import HOSTILE, comparison, hostile_comparison, unit_result


def test_everything_is_written(tmp_path: Path) -> None:
    unit = unit_result(
        status="diff",
        gate="score",
        why="score -2.6 % (limit 1 %)",
        values={"score": -0.026},
        limits={"score": 0.01},
        excess=2.6,
        golden=Side(picture=str(tmp_path / "golden" / "unit.png"), size_px=(8, 9, 3)),
    )
    path = tmp_path / "report" / "results.json"
    write_results(comparison(unit, drift=Drift(1, -0.026, 0.003), remarks=("one",)), path)
    text = path.read_text()
    assert text.endswith("}\n")
    assert text.startswith('{\n "version": 2,\n')
    data = json.loads(text)
    (found,) = data["units"]
    assert found["golden"]["picture"] == "../golden/unit.png"
    assert found["golden"]["size_px"] == [8, 9, 3]
    assert found["run"]["picture"] is None
    assert {key: found[key] for key in ("path", "status", "gate", "why", "values", "excess", "passes")} == {
        "path": "job/unit",
        "status": "diff",
        "gate": "score",
        "why": "score -2.6 % (limit 1 %)",
        "values": {"score": -0.026},
        "excess": 2.6,
        "passes": False,
    }
    assert (data["verdict"], data["counts"]["diff"], data["fvcli"]) == ("fail", 1, __version__)
    assert data["drift"] == {"units": 1, "mean": -0.026, "limit": 0.003, "is_beyond": True}


def test_numbers_that_are_none_become_null(tmp_path: Path) -> None:
    values: Any = {"a": float("nan"), "b": float("inf"), "c": np.float32(0.5), "d": np.float64("-inf")}
    path = tmp_path / "results.json"
    write_results(comparison(unit_result(values=values, excess=float("inf"))), path)
    (unit,) = json.loads(path.read_text())["units"]
    assert unit["values"] == {"a": None, "b": None, "c": 0.5, "d": None}
    assert unit["excess"] is None


def test_hostile_names_come_back(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(hostile_comparison(), path)
    data = json.loads(path.read_text())
    assert [unit["label"] for unit in data["units"]] == HOSTILE
    assert data["remarks"] == HOSTILE
    assert path.read_bytes().isascii()
