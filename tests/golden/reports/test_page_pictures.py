"""Where the pictures of report.html are: inside, beside, or not there; and that they need no memory."""

from __future__ import annotations

import base64
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from fvcli.golden.reports.html import write_html
from fvcli.golden.results import UnitResult
from tests.helpers.comparisons import HOSTILE, comparison, unit_result, write_noise
from tests.helpers.report_page import Page


def noises(folder: Path, count: int) -> list[UnitResult]:
    """Return units with pictures of 16 x 16 pixels of noise, each of about 850 bytes."""
    return [
        unit_result(
            f"a/{i}",
            "diff",
            write_noise(folder / f"golden/{i}.png", i),
            write_noise(folder / f"run/{i}.png", 100 + i),
        )
        for i in range(count)
    ]


def base64_bytes(path: str | None) -> int:
    assert path is not None
    return len(base64.b64encode(Path(path).read_bytes()))


def test_the_worst_units_pictures_are_inside_as_far_as_the_budget_goes(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    units = noises(tmp_path, 3)
    three = sum(base64_bytes(side.picture) for side in (units[0].golden, units[0].run, units[1].golden))
    written = page(comparison(*units), budget_bytes=three)
    places = [(unit["golden"]["at"], unit["run"]["at"]) for unit in written.data["units"]]
    assert places == [
        (0, 1),
        (2, "pictures/00001-run-a-1.png"),
        ("pictures/00002-golden-a-2.png", "pictures/00002-run-a-2.png"),
    ]
    assert sum(len(text) for name, text in written.blocks.items() if name.startswith("picture-")) == three
    for place, side in zip(places[2], (units[2].golden, units[2].run), strict=True):
        assert side.picture is not None
        assert (tmp_path / "report" / str(place)).read_bytes() == Path(side.picture).read_bytes()


def test_one_byte_less_and_the_last_picture_is_beside_the_page(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    (unit,) = noises(tmp_path, 1)
    both = base64_bytes(unit.golden.picture) + base64_bytes(unit.run.picture)
    places = [
        page(comparison(unit), budget_bytes=both - less).data["units"][0]["run"]["at"] for less in (0, 1)
    ]
    assert places == [1, "pictures/00000-run-a-0.png"]


def test_file_names_are_ascii_and_differ_where_names_differ_only_in_what_files_cannot_have(
    page: Callable[..., Page], tmp_path: Path, red: str
) -> None:
    names = [
        "j/A",
        "j/a",
        "j/\u00e9",
        "j/\u00e8",
        "../..",
        "j/" + "x" * 300,
        *[f"j/{name}" for name in HOSTILE],
    ]
    page(comparison(*[unit_result(name, "diff", red, red) for name in names]), budget_bytes=0)
    found = [path.name for path in (tmp_path / "report/pictures").iterdir()]
    assert len({name.lower() for name in found}) == len(found) == 2 * len(names)
    assert all(re.fullmatch(r"\d{5}-(golden|run)-[A-Za-z0-9._-]{1,80}\.png", name) for name in found)


def test_an_earlier_report_s_pictures_go_and_other_files_stay(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    units = noises(tmp_path, 2)
    page(comparison(*units), budget_bytes=0)
    mine = tmp_path / "report/pictures/mine.png"
    mine.write_bytes(b"mine")
    page(comparison(units[0]), budget_bytes=0)
    left = sorted(path.name for path in mine.parent.iterdir())
    assert left == ["00000-golden-a-0.png", "00000-run-a-0.png", "mine.png"]


def test_what_cannot_be_shown_is_said_without_the_path_of_its_folder(
    page: Callable[..., Page], tmp_path: Path, red: str
) -> None:
    pointer = tmp_path / "pointer.png"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(red).read_bytes()[:20])
    odd = tmp_path / "odd.png"
    odd.write_bytes(b"\x89PNG\r\n\x1a\n" + b"not the header of a picture")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    sides = [(None, "lost.png"), ("pointer.png", "cut.png"), ("folder.png", "nul\x00.png"), ("odd.png", None)]
    units = [
        unit_result(f"a/{i}", "error", *(side and str(tmp_path / side) for side in pair))
        for i, pair in enumerate(sides)
    ]
    written = page(comparison(*units))
    lacks = [unit[whose]["lack"] for unit in written.data["units"] for whose in ("golden", "run")]
    assert lacks == [
        "The golden has no picture.",
        "The file lost.png of the run is missing.",
        "The file pointer.png of the golden is not a PNG picture.",
        "The file cut.png of the run is not a PNG picture.",
        "The file folder.png of the golden cannot be read: Is a directory.",
        "The file nul\x00.png of the run cannot be read: its name is not valid.",
        "The file odd.png of the golden is not a PNG picture.",
        "The run has no picture.",
    ]
    assert str(tmp_path) not in written.source


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    large = write_noise(tmp_path / "large.png", 0, 1024)  # 3 MB
    units = [unit_result(f"a/{i}", "diff", large, large) for i in range(10)]
    write_html(comparison(units[0]), tmp_path / "report")  # what is loaded once
    tracemalloc.start()
    path = write_html(comparison(*units), tmp_path / "report", 200_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 80_000_000
    assert peak < 3_000_000
    assert base64.b64encode(Path(large).read_bytes()) in path.read_bytes()
