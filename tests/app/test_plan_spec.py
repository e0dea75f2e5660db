"""The plan of a picture: what its unit is called, wherever one stands who asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.plan_spec import plan_of_picture, plan_of_spec
from fvcli.run import RunFolder
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, write_spec


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """One of a run."""
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        paint(run, plan.units[-1])
        return run.png(plan.units[-1])


def called(picture: Path) -> list[str]:
    return [unit.path for unit in plan_of_picture(picture, []).plan.units]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".", "run/units/textures/channel-0017.png"),
        ("run/units/textures", "channel-0017.png"),
        ("run/units/textures", "./channel-0017.png"),
        ("run/units/edges", "../textures/channel-0017.png"),
    ],
)
def test_a_picture_of_a_run_keeps_its_name_in_every_folder(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    (tmp_path / "run/units/edges").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    assert Path(name).samefile(picture)
    assert called(Path(name)) == ["textures/channel-0017"]


def test_a_link_is_called_as_what_it_leads_to(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "favourite.png").symlink_to(picture)
    assert called(tmp_path / "favourite.png") == ["textures/channel-0017"]


def test_a_lone_picture_is_called_by_its_objective_even_in_the_root_folder(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = tmp_path / "lone.png"
    picture.rename(lone)
    assert called(lone) == ["channel/channel-0017"]
    monkeypatch.setattr(Path, "resolve", lambda *_: Path("/lone.png"))
    assert called(lone) == ["channel/channel-0017"]
