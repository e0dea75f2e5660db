"""Where reports may be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fvcli.app.write_reports import ReportPlaces
from fvcli.errors import UsageError
from tests.helpers.goldens import painted_run
from tests.helpers.running import fvcli


def refusal(places: ReportPlaces) -> list[str]:
    with pytest.raises(UsageError) as caught:
        places.refuse()
    return str(caught.value).splitlines()


def test_places_that_are_free(tmp_path: Path) -> None:
    (tmp_path / "old.xml").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "plan.json").touch()  # which alone is no run
    ReportPlaces(tmp_path / "a/b", tmp_path / "old.xml", tmp_path / "c/d.md", tmp_path / "old").refuse()
    ReportPlaces().refuse()
    assert sorted(os.listdir(tmp_path)) == ["old", "old.xml", "plan.json"]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    at = tmp_path
    places = ReportPlaces(at / "file", at / "folder", at / "file/a.md", at / "file/b")
    assert refusal(places) == [
        f"{at}/file is a file, not a folder",
        f"{at}/file is a file, not a folder",
        f"{at}/folder is a folder, not a file",
        f"{at}/file is a file, not a folder: give another place",
    ]


def test_what_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the answer of the system is given."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path)
    assert refusal(ReportPlaces(tmp_path / "a/b")) == [f"{tmp_path} cannot be written: give another place"]


def test_what_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a folder on the way may not be searched: Python then raises."""
    exists = Path.exists

    def closed(path: Path) -> bool:
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", closed)
    said = f"{tmp_path}/a/b cannot be reached: Permission denied: give another place"
    assert refusal(ReportPlaces(tmp_path / "a/b")) == [said]


@pytest.mark.parametrize("option", ["--report", "--junit", "--markdown", "--reg", "--argos"])
@pytest.mark.parametrize("inside", ["new", "units/new", "golden.json"])
def test_no_report_goes_into_a_golden_or_a_run(tmp_path: Path, option: str, inside: str) -> None:
    run = painted_run(tmp_path)
    golden = tmp_path / "golden"
    assert fvcli("accept", run, "--golden", golden, "--reason", "r", "--no-model").exit_code == 0
    link = tmp_path / "link"
    link.symlink_to(golden)
    for place, what in ((golden, "golden"), (link, "golden"), (run, "run")):
        result = fvcli("compare", golden, run, option, place / inside)
        assert result.exit_code == 2
        assert result.stdout == ""
        told = f"Error: {place / inside} is in the {what} {place.resolve()}: give another place\n"
        assert result.stderr == told
    drift = "drift of the scores: +0 % (limit 0.1 %), from the golden's pictures to the run's, by one network"
    assert fvcli("compare", golden, run).stdout == f"{drift}\npass: 8 match\n"


@pytest.mark.parametrize("option", ["--report", "--junit", "--reg"])
def test_an_empty_path_is_not_this_folder(tmp_path: Path, option: str) -> None:
    """As a variable that is not set leaves it."""
    result = fvcli("compare", tmp_path, tmp_path, option, "")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': it is empty" in result.stderr
    assert "Invalid value for 'GOLDEN': it is empty" in fvcli("compare", "", tmp_path).stderr
    assert "it is empty" in fvcli("render", "spec.yaml", "-o", "").stderr
