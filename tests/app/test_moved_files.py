"""The files of a picture's spec are found again wherever its run or its files have gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.app.moved_files import move_model, places_of_files
from fvcli.app.plan_spec import plan_of_picture, plan_of_spec
from fvcli.app.render_run import render_run
from fvcli.spec import SpecError
from tests.helpers.painting import PaintingEngine
from tests.helpers.picture_files import save
from tests.helpers.running import write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 2}
jobs:
  - {name: plain, layer: stem_bn, channels: 0}
  - {name: like, layer: stem_bn, objective: caricature, pictures: [a.png, b.png]}
"""


@pytest.fixture
def run(tmp_path: Path, easel: PaintingEngine) -> Path:
    """Return a run whose photos are gone from where its spec names them."""
    for i, name in enumerate("ab"):
        save(tmp_path / f"{name}.png", np.full((64, 64, 3), 60 * i, np.uint8))
    render_run(plan_of_spec(str(write_spec(tmp_path, SPEC)), []), tmp_path / "run")
    for name in "ab":
        (tmp_path / f"{name}.png").rename(tmp_path / f"gone-{name}.png")
    return tmp_path / "run"


def test_a_picture_in_its_run_has_the_runs_copies(run: Path) -> None:
    first, second = sorted((run / "units/like").glob("?-caricature.png"))
    planned = plan_of_picture(second, [])
    assert [unit.path for unit in planned.plan.units] == ["like/b-caricature"]
    assert planned.remarks == ()
    key = planned.plan.units[0].key
    places = places_of_files(second, key)
    assert list(places) == ["b.png"]
    assert places["b.png"].parent == run / "sources"
    assert places_of_files(second, "0" * 64) == {}
    places["b.png"].unlink()
    assert places_of_files(second, key) == {}
    assert places_of_files(run.parent / "gone-a.png", key) == {}
    assert list(places_of_files(run / "units/plain/channel-0000.png", key)) == []
    assert first.exists()


def test_a_picture_that_left_its_run_finds_files_beside_it(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    picture = alone / "mine.png"
    picture.write_bytes((run / "units/like/b-caricature.png").read_bytes())
    with pytest.raises(SpecError, match=r"b\.png"):
        plan_of_picture(picture, [])
    (alone / "b.png").write_bytes((tmp_path / "gone-b.png").read_bytes())
    assert plan_of_picture(picture, []).remarks == ()
    (alone / "b.png").write_bytes((tmp_path / "gone-a.png").read_bytes())
    assert len(plan_of_picture(picture, []).remarks) == 1


def test_a_models_files_are_named_where_they_are_now(tmp_path: Path) -> None:
    for name in ("beside.keras", "both.h5"):
        (tmp_path / name).write_bytes(b"1")
    places = {"both.h5": Path("/known/both.h5"), "labels.txt": Path("/known/labels.txt")}
    data = {
        "model": {"path": "beside.keras", "weights": "both.h5", "labels": "labels.txt", "name": "labels.txt"}
    }
    move_model(data, places, tmp_path)
    assert data["model"] == {
        "path": str(tmp_path / "beside.keras"),
        "weights": "/known/both.h5",
        "labels": "/known/labels.txt",
        "name": "labels.txt",
    }
    for model in ("beside.keras", None, {"path": "missing.keras"}, {"path": 3}):
        data = {"model": model if not isinstance(model, dict) else dict(model)}
        move_model(data, places, tmp_path)
        assert data == {"model": model}
