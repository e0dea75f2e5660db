"""Pictures that are removed or moved out of the way, in a folder and in an object store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from fvcli.run.atomic import share_file, sync_folder
from fvcli.run.finished import Finished
from fvcli.run.growing.set_aside import remove_units
from fvcli.run.objects import open_address

PLACES: dict[str, Callable[[Path], Path]] = {
    "folder": lambda folder: folder,
    "objects": lambda _: open_address(f"memory://{uuid4()}/run"),
}


@pytest.fixture(params=PLACES)
def units(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of units with two pictures of one job."""
    place = PLACES[request.param](tmp_path) / "units"
    for name in ("one.png", "one.json", "two.png", "two.json"):
        (place / "job").mkdir(parents=True, exist_ok=True)
        (place / "job" / name).write_bytes(name.encode())
    return place


def test_what_stands_beside_a_picture_stays_when_it_is_removed(units: Path) -> None:
    remove_units([Finished(units, "job/one", "key")])
    assert sorted(path.name for path in (units / "job").iterdir()) == ["two.json", "two.png"]


def test_a_file_stands_at_a_second_place_too(units: Path) -> None:
    share_file(units / "job" / "one.png", units / "other" / "one.png")
    sync_folder(units / "other")
    assert (units / "other" / "one.png").read_bytes() == (units / "job" / "one.png").read_bytes()
