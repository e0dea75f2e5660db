"""Copies that a spec asks for when its pictures are finished already."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.media.copies import MOST_PX
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

UNIT = "units/edges/channel-0000"


@pytest.fixture
def run(tmp_path: Path, easel: PaintingEngine) -> Path:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    return tmp_path / "run"


def again(run: Path, *sets: str) -> str:
    """Render with other keys of output; return what was said."""
    words = [word for one in sets for word in ("--set", f"output.{one}")]
    result = fvcli("render", run.parent / "spec.yaml", "-o", run, *words)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def sidecar(run: Path, unit: str = UNIT) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((run / f"{unit}.json").read_text())
    return read


def test_copies_are_written_beside_what_is_finished(run: Path, easel: PaintingEngine) -> None:
    before, painted = sidecar(run), len(easel.painted)
    again(run, "also=jpeg")
    copies = [
        {"name": name, "bytes": (run / f"{UNIT}.{name}").stat().st_size, "quality": 90}
        for name in ("jpg", "step-0001.jpg")
    ]
    assert sidecar(run) == before | {"extras": [*before["extras"], *copies]}
    assert len(list(run.glob("units/*/*.jpg"))) == len(list(run.glob("units/*/*.png"))) == 14
    assert (run / "grids/edges.jpg").exists()
    assert len(easel.painted) == painted
    assert fvcli("status", run, "--check").exit_code == 0


def test_a_film_is_not_replaced_by_a_copy_of_its_name(run: Path) -> None:
    """Where ffmpeg was missing, a film of the unit stands where a copy would."""
    film = run / f"{UNIT}.webp"
    film.write_bytes(b"a film")
    told = sidecar(run)
    told["extras"].append({"name": "webp", "bytes": 6})
    (run / f"{UNIT}.json").write_text(json.dumps(told))
    again(run, "also=webp", "quality=5")
    assert film.read_bytes() == b"a film"
    assert sidecar(run)["extras"][1] == {"name": "webp", "bytes": 6}
    assert (run / f"{UNIT}.step-0001.webp").exists()


@pytest.mark.parametrize(("name", "content"), [("curve.json", b'{"scores": [1.0]}'), ("npy", b"")])
def test_what_is_no_picture_beside_a_unit_can_be_checked(run: Path, name: str, content: bytes) -> None:
    file = run / f"{UNIT}.{name}"
    file.write_bytes(content)
    if name == "npy":
        np.save(file, np.zeros((2, 2, 3), np.float32))
    told = sidecar(run)
    told["extras"].append({"name": name, "bytes": file.stat().st_size})
    (run / f"{UNIT}.json").write_text(json.dumps(told))
    assert fvcli("status", run, "--check").exit_code == 0
    file.write_bytes(b"x" * file.stat().st_size)
    damaged = fvcli("status", run, "--check")
    assert (damaged.exit_code, f"{file.name} cannot be read" in damaged.stdout) == (1, True)


def test_another_quality_and_another_format(run: Path) -> None:
    again(run, "also=jpeg")
    fine, kept = (
        (run / f"{UNIT}.jpg").read_bytes(),
        (run / "units/edges/channel-0001.json").stat().st_mtime_ns,
    )
    again(run, "also=jpeg")
    assert (run / "units/edges/channel-0001.json").stat().st_mtime_ns == kept
    again(run, "also=[jpeg, webp]", "quality=5")
    assert [extra.get("quality") for extra in sidecar(run)["extras"]] == [None, 5, 5, 5, 5]
    assert (run / f"{UNIT}.jpg").read_bytes() != fine
    assert (run / "grids/edges.webp").exists()
    again(run)  # what is there stays
    assert (run / f"{UNIT}.jpg").exists()


@pytest.mark.parametrize("content", [None, b"cut"])
def test_a_copy_that_is_gone_is_made_from_its_picture(
    content: bytes | None, run: Path, easel: PaintingEngine
) -> None:
    """Its unit stays finished: a copy is never a reason to render again."""
    again(run, "also=webp")
    copy, painted = run / f"{UNIT}.webp", len(easel.painted)
    whole = copy.read_bytes()
    copy.unlink()
    if content is not None:  # such as of a kill while another quality was written
        copy.write_bytes(content)
    assert json.loads(fvcli("status", run, "--json").stdout)["pending"] == 0
    again(run, "also=webp")
    assert copy.read_bytes() == whole
    assert len(easel.painted) == painted


def test_a_copy_that_is_gone_stops_no_merge_and_no_new_name(run: Path) -> None:
    again(run, "also=webp")
    (run / f"{UNIT}.webp").unlink()
    merged = fvcli("merge", run, "-o", run.parent / "whole")
    assert merged.exit_code == 0, merged.stderr
    assert (run.parent / "whole" / f"{UNIT}.webp").exists()
    spec = run.parent / "spec.yaml"
    spec.write_text(spec.read_text().replace("edges", "lines"))
    again(run, "also=webp")
    assert (run / "units/lines/channel-0000.webp").exists()


def test_prepare_writes_copies_and_says_that_sheets_are_to_be_drawn(run: Path) -> None:
    made = fvcli("prepare", run.parent / "spec.yaml", "-o", run, "--set", "output.also=jpeg")
    assert made.stdout == f"{run}: nothing is missing\nnext: fvcli grid {run}\n"
    assert (run / f"{UNIT}.jpg").exists()
    assert not (run / "grids/edges.jpg").exists()
    fvcli("grid", run)
    assert (run / "grids/edges.jpg").exists()
    assert fvcli("prepare", run.parent / "spec.yaml", "-o", run, "--set", "output.also=jpeg").stdout == (
        f"{run}: nothing is missing\n"
    )


def test_copies_of_sheets_go_with_their_sheets(run: Path) -> None:
    again(run, "also=[jpeg, webp]")
    spec = run.parent / "spec.yaml"
    spec.write_text(spec.read_text().replace("edges", "lines"))
    again(run)
    assert sorted(file.name for file in (run / "grids").glob("lines*")) == ["lines.png"]
    assert not list((run / "grids").glob("edges*"))


def test_a_sheet_too_large_for_a_format_is_said_and_not_drawn_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MOST_PX, "webp", 100)  # pictures are smaller, sheets larger
    said = again(run, "also=webp")
    assert re.search(r"Note: no copy of \d+ sheets: larger than webp \(100 px\) allows", said), said
    drawn = (run / "grids/edges.png").stat().st_mtime_ns
    assert "Note" not in again(run, "also=webp")
    assert (run / "grids/edges.png").stat().st_mtime_ns == drawn


def test_what_cannot_be_had_without_rendering_is_said(run: Path) -> None:
    said = again(run, "curve=true", "also=jpeg")
    assert "Note: 7 finished pictures in " in said
    assert "add --again to render them anew" in said
    assert "Note" not in again(run, "also=jpeg")


def test_merging_takes_copies_along(run: Path) -> None:
    again(run, "also=webp")
    merged = fvcli("merge", run, "-o", run.parent / "whole")
    assert merged.exit_code == 0, merged.stderr
    assert (run.parent / "whole" / f"{UNIT}.webp").read_bytes() == (run / f"{UNIT}.webp").read_bytes()
    assert (run.parent / "whole/grids/edges.webp").exists()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["output.quality=80"], "quality is that of copies, and there are none"),
        (["output.also=[jpeg, jpeg]"], "also names a format twice"),
        (["output.also=png"], "output.also"),
        (["output.also=webp", "render.animation.format=webp"], "would be one file"),
        (["output.curve=true", "render.recipe=deepdream"], "none has a curve"),
    ],
)
def test_what_has_no_effect_is_refused(tmp_path: Path, sets: list[str], message: str) -> None:
    spec = write_spec(tmp_path, "model: efficientnet-lite0\njobs: [{name: a, layer: stem_bn, channels: 0}]\n")
    if "deepdream" in sets[-1]:
        sets = [*sets, "jobs.a.objective=layer", "jobs.a.channels=null", "jobs.a.start=noise"]
    result = fvcli("plan", spec, *(word for one in sets for word in ("--set", one)))
    assert result.exit_code == 2
    assert message in result.stderr
