"""Where a picture is, seen from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.golden.reports.picture_paths import seen_from


def test_a_picture_is_named_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = str(tmp_path / "run" / "units" / "a.png")
    assert seen_from(tmp_path / "report", picture) == "../run/units/a.png"
    assert seen_from(tmp_path, picture) == "run/units/a.png"
    monkeypatch.chdir(tmp_path)
    assert seen_from(Path("report"), "run/a.png") == "../run/a.png"
    assert seen_from(Path(), "a.png") == "a.png"


def test_a_folder_that_is_a_link_is_left_where_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.png").touch()
    link = tmp_path / "report"
    link.symlink_to(tmp_path / "far" / "away")
    path = seen_from(link, str(tmp_path / "run" / "a.png"))
    assert path == "../../run/a.png"
    assert (link / path).exists()


def test_a_picture_that_is_a_link_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    (tmp_path / "a.png").symlink_to(tmp_path / "cache")
    assert seen_from(tmp_path, str(tmp_path / "a.png")) == "a.png"


@pytest.mark.parametrize("name", ["a\x00b/c.png", "\ud800/c.png"])
def test_names_that_no_disk_takes_stay(tmp_path: Path, name: str) -> None:
    assert seen_from(tmp_path, name) == name
