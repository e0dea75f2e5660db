"""The units of an atlas as a Parquet table."""

from __future__ import annotations

import builtins
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import LAYER


@pytest.fixture(scope="module")
def table(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    site = tmp_path_factory.mktemp("table") / "site"
    built = build_site(run, SiteOptions(out=site, table=True))
    assert built.files == [site / "index.html", site / "units.parquet"]
    return site, pq.read_table(site / "units.parquet").to_pylist()


def test_each_unit_of_atlas_json_is_a_row(table: tuple[Path, list[dict[str, Any]]]) -> None:
    site, rows = table
    told = [
        {"layer": layer["name"], **unit}
        for layer in json.loads((site / "atlas.json").read_text())["layers"]
        for name in layer["data"]
        for unit in json.loads((site / name).read_text())["units"]
    ]
    assert len(rows) == len(told) == 99
    exact = ("layer", "name", "number", "title", "label", "note", "status", "classes", "page")
    for row, unit in zip(rows, told, strict=True):
        assert {key: row[key] for key in exact} == {key: unit[key] for key in exact}
        assert row["similar"] == [name for name, _ in unit["similar"]]
        for key in ("score", "mean", "max", "min", "fires", "density"):
            assert row[key] == (None if unit[key] is None else pytest.approx(unit[key], rel=1e-6))


def test_pictures_are_as_pages_show_them_and_missing_ones_are_none(
    table: tuple[Path, list[dict[str, Any]]],
) -> None:
    site, rows = table
    by_name = {(row["layer"], row["name"]): row for row in rows}
    first = by_name[LAYER, "0"]["picture"]
    assert first["bytes"] == (site / first["path"]).read_bytes()
    assert Image.open(io.BytesIO(first["bytes"])).size == (64, 64)
    assert by_name[LAYER, "6"]["status"] == "failed"
    assert by_name[LAYER, "6"]["picture"] is None
    assert by_name[LAYER, "7"]["status"] == "missing"
    assert by_name[LAYER, "7"]["picture"] is None


def test_vectors_are_of_length_one_and_places_are_all_different(
    table: tuple[Path, list[dict[str, Any]]],
) -> None:
    _, rows = table
    ours = [row for row in rows if row["layer"] == LAYER]
    known = [row for row in ours if row["vector"] is not None]
    assert {row["vector_of"] for row in known} == {"activations"}
    assert len(known) == 12  # of the others there are no photos
    assert [np.linalg.norm(row["vector"]) for row in known] == pytest.approx([1.0] * 12, abs=1e-5)
    places = [(row["x"], row["y"]) for row in known]
    assert len(set(places)) == 12
    assert all(row["x"] is None and row["y"] is None for row in ours if row["vector"] is None)


def test_a_build_without_a_table_takes_an_older_one_away(run: RunFolder, tmp_path: Path) -> None:
    build_site(run, SiteOptions(out=tmp_path / "site", table=True))
    build_site(run, SiteOptions(out=tmp_path / "site"))
    assert not (tmp_path / "site" / "units.parquet").exists()
    assert "units.parquet" not in (tmp_path / "site" / "index.html").read_text("utf-8")


def test_without_pyarrow_nothing_is_built(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **others: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *more, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install .*table"):
        build_site(run, SiteOptions(out=tmp_path / "site", table=True))
    assert not (tmp_path / "site").exists()
