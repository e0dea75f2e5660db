"""A folder of units, looked at once."""

from __future__ import annotations

from pathlib import Path

from fvcli.run.listing import Listing, files_below, list_units


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * len(name))


def test_sizes_and_times_of_files_in_folders_of_any_depth(tmp_path: Path) -> None:
    write(tmp_path, "a/one.png", "a/one.json", "a/one.step-0001.png", "b/0003/two.json", "loose.json")
    found = list_units(tmp_path)
    assert found.folders == {
        "a": {"one.png": 9, "one.json": 10, "one.step-0001.png": 19},
        "b": {},
        "b/0003": {"two.json": 15},
    }
    times = {stem: (tmp_path / f"{stem}.json").stat().st_mtime_ns for stem in ("a/one", "b/0003/two")}
    assert found.times_ns == times
    assert list(found.stems()) == ["a/one", "b/0003/two"]


def test_stems_are_in_the_order_of_names() -> None:
    assert list(Listing({}, {"b/1": 0, "a/2": 0, "a/10": 0}).stems()) == ["a/10", "a/2", "b/1"]


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_units(tmp_path / "nowhere") == Listing({}, {})
    (tmp_path / "file").write_text("")
    assert list_units(tmp_path / "file") == Listing({}, {})


def test_links_are_followed_and_a_link_to_nothing_has_no_size(tmp_path: Path) -> None:
    write(tmp_path, "units/a/one.json", "elsewhere/two.json")
    (tmp_path / "units/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "units/a/gone.json").symlink_to(tmp_path / "nothing")
    found = list_units(tmp_path / "units")
    assert found.folders["b"] == {"two.json": 18}
    assert (found.folders["a"]["gone.json"], found.times_ns["a/gone"]) == (-1, 0)


def test_names_of_files_below_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "top", "a/one", "a/b/two")
    assert sorted(files_below(tmp_path)) == ["a/b/two", "a/one", "top"]
    assert list(files_below(tmp_path / "nowhere")) == []


def test_a_curve_is_no_sidecar_but_beside_the_one_of_its_unit(tmp_path: Path) -> None:
    write(tmp_path, "a/one.json", "a/one.curve.json", "a/two.curve.json", "a/two.curve.png")
    found = list_units(tmp_path)
    assert list(found.stems()) == ["a/one", "a/two.curve"]
    assert set(found.folders["a"]) >= {"one.curve.json"}
