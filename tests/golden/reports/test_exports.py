"""The folders of reg-cli and Argos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from fvcli import __version__
from fvcli.errors import UsageError
from fvcli.golden.reports.exports import export_argos, export_reg
from fvcli.golden.results import Comparison, Side, UnitResult
from tests.helpers.picture_files import noise, save
from tests.helpers.plain_comparisons import HOSTILE, comparison, unit_result

EXPORTS = pytest.mark.parametrize("export", [export_reg, export_argos])
Export = Callable[[Comparison, Path], tuple[str, ...]]


def unit(
    tmp_path: Path, path: str, status: str, golden: Any = None, run: Any = None, **more: Any
) -> UnitResult:
    """Return a unit with pictures of these pixels."""
    sides = {}
    for side, pixels in (("golden", golden), ("run", run)):
        file = tmp_path / side / f"{len(list((tmp_path).rglob('*.png')))}.png"
        sides[side] = Side() if pixels is None else Side(picture=str(save(file, pixels)))
    return unit_result(path, status, **sides, **more)


def grey(level: int, height: int = 2, width: int = 2) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def every_status(tmp_path: Path) -> Comparison:
    return comparison(
        unit(tmp_path, "job/error", "error", golden=grey(1)),
        unit(tmp_path, "job/missing", "missing", golden=grey(2)),
        unit(tmp_path, "job/size", "size", golden=grey(3), run=grey(3, 4, 3)),
        unit(tmp_path, "job/diff", "diff", golden=grey(100), run=grey(105)),
        unit(tmp_path, "job/new", "new", run=grey(4)),
        unit(tmp_path, "job/close", "close", golden=grey(5), run=grey(6)),
        unit(tmp_path, "job/match", "match", golden=grey(7), run=grey(7)),
    )


def test_reg_lists_every_picture(tmp_path: Path) -> None:
    folder = tmp_path / "reg"
    assert export_reg(every_status(tmp_path), folder) == ()
    assert json.loads((folder / "reg.json").read_bytes()) == {
        "failedItems": ["job/diff.png", "job/error.png", "job/size.png"],
        "newItems": ["job/new.png"],
        "deletedItems": ["job/missing.png"],
        "passedItems": ["job/close.png", "job/match.png"],
        "expectedItems": [
            f"job/{name}.png" for name in ("close", "diff", "error", "match", "missing", "size")
        ],
        "actualItems": [f"job/{name}.png" for name in ("close", "diff", "match", "new", "size")],
        "diffItems": ["job/diff.png", "job/size.png"],
        "actualDir": "actual",
        "expectedDir": "expected",
        "diffDir": "diff",
    }
    data = json.loads((folder / "reg.json").read_bytes())
    for kind in ("actual", "expected", "diff"):
        assert listing(folder / kind) == data[f"{kind}Items"]


def test_reg_has_the_pictures_and_how_they_differ(tmp_path: Path) -> None:
    found = every_status(tmp_path)
    export_reg(found, tmp_path / "reg")
    diff = found.units[3]
    assert diff.golden.picture is not None
    assert diff.run.picture is not None
    expected, actual = (tmp_path / "reg" / kind / "job" / "diff.png" for kind in ("expected", "actual"))
    assert expected.read_bytes() == Path(diff.golden.picture).read_bytes()
    assert actual.read_bytes() == Path(diff.run.picture).read_bytes()
    assert not expected.samefile(diff.golden.picture)  # reg-suit may write into it
    assert (iio.imread(tmp_path / "reg" / "diff" / "job" / "diff.png") == grey(40)).all()
    size = iio.imread(tmp_path / "reg" / "diff" / "job" / "size.png")
    assert size.shape == (4, 3, 3)
    assert size[..., 0].tolist() == [[0, 0, 255], [0, 0, 255], [255] * 3, [255] * 3]


def test_new_units_that_are_allowed_stay_new_for_reg(tmp_path: Path) -> None:
    export_reg(comparison(unit(tmp_path, "job/a", "new", run=grey(1)), allow_new=True), tmp_path / "reg")
    data = json.loads((tmp_path / "reg" / "reg.json").read_bytes())
    assert (data["newItems"], data["passedItems"]) == (["job/a.png"], [])


def test_argos_gets_the_pictures_of_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "argos"
    assert export_argos(every_status(tmp_path), folder) == ()
    names = [f"job/{name}.png" for name in ("close", "diff", "match", "new", "size")]
    assert listing(folder) == sorted([*names, *(f"{name}.argos.json" for name in names)])
    assert (iio.imread(folder / "job" / "diff.png") == grey(105)).all()


def test_argos_is_told_what_a_picture_shows(tmp_path: Path) -> None:
    picture = unit(
        *(tmp_path, "edges/channel-0042", "diff"),
        **{"run": grey(1, 3, 5), "label": "channel 42", "why": "score -2.6 % (limit 1 %)"},
    )
    export_argos(comparison(picture), tmp_path / "argos")
    facts = json.loads((tmp_path / "argos" / "edges" / "channel-0042.png.argos.json").read_bytes())
    assert facts == {
        "$schema": "https://api.argos-ci.com/v2/screenshot-metadata.json",
        "viewport": {"width": 5, "height": 3},
        "tags": ["diff"],
        "test": {
            "id": "edges/channel-0042",
            "title": "channel 42",
            "titlePath": ["edges", "mixed4a", "channel-0042"],
            "annotations": [{"type": "diff", "description": "score -2.6 % (limit 1 %)"}],
        },
        "automationLibrary": {"name": "fvcli", "version": __version__},
        "sdk": {"name": "fvcli", "version": __version__},
    }


@EXPORTS
def test_unreadable_pictures_stay_out(tmp_path: Path, export: Export) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    sides = [Side(picture=str(tmp_path / name)) for name in ("bad.png", "missing.png", "a\x00", "\ud800")]
    units = [unit_result(f"job/{i}", "diff", run=side) for i, side in enumerate(sides * 2)]
    folder = tmp_path / "export"
    assert export(comparison(*units, unit(tmp_path, "job/good", "diff", grey(1), grey(2))), folder) == (
        "8 pictures cannot be read and stay out of the export: job/0, job/1, job/2, job/3, job/4 and 3 more",
    )
    names = {Path(name).stem for name in listing(folder) if name.endswith(".png")}
    assert names == {"good"}


def test_units_without_pictures_are_failed_for_reg(tmp_path: Path) -> None:
    side = Side(picture=str(tmp_path / "missing.png"))
    found = comparison(unit_result("job/a", "diff", golden=side, run=side), unit_result("job/b", "error"))
    assert export_reg(found, tmp_path / "reg") == (
        "2 pictures cannot be read and stay out of the export: job/a",
    )
    data = json.loads((tmp_path / "reg" / "reg.json").read_bytes())
    assert data["failedItems"] == ["job/a.png", "job/b.png"]
    assert data["actualItems"] == data["expectedItems"] == data["diffItems"] == []


@EXPORTS
def test_hostile_names_stay_in_the_folder(tmp_path: Path, export: Export) -> None:
    side = Side(picture=str(save(tmp_path / "a.png", noise(4, 4))))
    units = [
        unit_result(f"{name}/{name}", "diff", label=name, why=name, golden=side, run=side) for name in HOSTILE
    ]
    folder = tmp_path / "deep" / "er" / "export"
    export(comparison(*units), folder)
    files = listing(folder)
    assert len([name for name in files if name.endswith(".png")]) == len(HOSTILE) * (
        3 if export is export_reg else 1
    )
    assert listing(tmp_path) == sorted(["a.png", *(f"deep/er/export/{name}" for name in files)])
    for name in files:
        if name.endswith(".json"):
            text = (folder / name).read_bytes()
            json.dumps(
                json.loads(text), ensure_ascii=False
            ).encode()  # no lone surrogates, as databases want it
            assert b"\\u0000" not in text


@EXPORTS
def test_a_second_export_leaves_nothing_of_the_first(tmp_path: Path, export: Export) -> None:
    folder = tmp_path / "export"
    export(every_status(tmp_path), folder)
    other = folder / "actual" / "job" / "mine.png"
    save(other, grey(1))
    later = comparison(unit(tmp_path, "job/later", "diff", grey(1), grey(2)))
    export(later, folder)
    export(later, tmp_path / "fresh")
    assert listing(folder) == sorted([*listing(tmp_path / "fresh"), "actual/job/mine.png"])


def test_lists_of_others_remove_nothing_outside(tmp_path: Path) -> None:
    outside = save(tmp_path / "a.png")
    folder = tmp_path / "reg"
    note = folder / "actual" / "note.txt"
    note.parent.mkdir(parents=True)
    note.touch()
    names = ["../../a.png", str(outside), "note.txt", "", ".", 3, None, "a\x00.png", "missing.png"]
    for content in ({"actualItems": names}, {"actualItems": "x"}, [], "{"):
        (folder / "reg.json").write_text(content if isinstance(content, str) else json.dumps(content))
        export_reg(comparison(), folder)
        assert outside.exists()
        assert note.exists()


def test_pictures_of_other_sdks_stay(tmp_path: Path) -> None:
    picture = save(tmp_path / "argos" / "a.png")
    for facts in ('{"sdk": {"name": "@argos-ci/playwright"}}', '{"sdk": 1}', "[]", "{"):
        picture.with_name("a.png.argos.json").write_text(facts)
        export_argos(comparison(), tmp_path / "argos")
        assert picture.exists()


@EXPORTS
@pytest.mark.parametrize("inside", [".", "units", "new/deep"])
def test_a_run_is_not_written_into(tmp_path: Path, export: Export, inside: str) -> None:
    run = tmp_path / "run"
    (run / "units").mkdir(parents=True)
    (run / "plan.json").touch()
    with pytest.raises(UsageError, match=f"is in the run {run}: give another place"):
        export(comparison(), run / inside)
    assert listing(run) == ["plan.json"]
