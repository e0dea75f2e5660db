"""results.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli import __version__
from fvcli.errors import UsageError
from fvcli.golden.reports.results_file import read_results, write_results
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
    assert text.startswith('{\n "version": 1,\n')
    data = json.loads(text)
    assert data == read_results(path)
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
    (unit,) = read_results(path)["units"]
    assert unit["values"] == {"a": None, "b": None, "c": 0.5, "d": None}
    assert unit["excess"] is None


def test_hostile_names_come_back(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(hostile_comparison(), path)
    data = read_results(path)
    assert [unit["label"] for unit in data["units"]] == HOSTILE
    assert data["remarks"] == HOSTILE
    assert path.read_bytes().isascii()


def good() -> dict[str, Any]:
    return comparison(unit_result()).to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "a newer fvcli wrote it (format 2; this one reads 1): upgrade fvcli"),
        ({"version": 0}, "damaged (no results of a comparison)"),
        ({"version": True}, "damaged (no results of a comparison)"),
        ({"version": "1"}, "damaged (no results of a comparison)"),
        ({"units": {}}, "damaged (units is missing or of another kind)"),
        ({"drift": 1}, "damaged (drift is missing or of another kind)"),
        ({"networks": None}, "damaged (networks is missing or of another kind)"),
        ({"units": [1]}, "damaged (units[0] is no object)"),
        ({"units": [{"path": 1}]}, "damaged (units[0].path is missing or of another kind)"),
    ],
)
def test_data_of_another_shape_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**good(), **change}))
    with pytest.raises(UsageError) as caught:
        read_results(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_status_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    data = good()
    data["units"][0]["status"] = "fine"
    path = tmp_path / "results.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"units\[0\]\.status is none of error, missing"):
        read_results(path)


def test_numbers_that_are_no_json_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(comparison(unit_result(excess=float("nan"))).to_dict()))
    with pytest.raises(UsageError, match="NaN is no JSON"):
        read_results(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"version": NaN}', b"[" * 100_000])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="give a results"):
        read_results(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_results(tmp_path / "results.json")
