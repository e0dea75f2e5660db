"""The plan of a picture: what its unit is called, wherever one stands who asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.plan_spec import plan_of_picture, plan_of_spec
from fvcli.run import RunFolder
from fvcli.spec import SpecError
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


def test_what_a_spec_may_not_have_meant_is_remarked_on_and_of_a_picture_it_is_not(tmp_path: Path) -> None:
    job = "  - {name: a, layer: stem_bn, channels: [3], canvas: seen, size_px: 64}\n"
    spec = write_spec(tmp_path, f"model: efficientnet-lite0\njobs:\n{job}")
    planned = plan_of_spec(str(spec), [])
    assert [remark.partition(",")[0] for remark in planned.remarks] == [
        "canvas: seen has no effect on a/channel-0003"
    ]
    with RunFolder.begin(tmp_path / "run", planned.plan, planned.text) as run:
        paint(run, planned.plan.units[0])
        assert plan_of_picture(run.png(planned.plan.units[0]), []).remarks == ()


def test_a_picture_of_a_dream_carries_what_nothing_reads_and_the_command_line_may_not(tmp_path: Path) -> None:
    job = "  - {name: d, layer: stem_bn, objective: layer, octaves: {count: 1}, size_px: 64, steps: 2}\n"
    other = "  - {name: other, layer: stem_bn, channels: [3]}\n"
    shared = "render: {optimizer: {kind: adam, learning_rate: 0.3}}"
    spec = write_spec(tmp_path, f"model: efficientnet-lite0\n{shared}\njobs:\n{job}{other}")
    planned = plan_of_spec(str(spec), [])
    with RunFolder.begin(tmp_path / "run", planned.plan, planned.text) as run:
        paint(run, planned.plan.units[0])
        picture = run.png(planned.plan.units[0])
    assert [unit.key for unit in plan_of_picture(picture, []).plan.units] == [planned.plan.units[0].key]
    with pytest.raises(SpecError, match=r"render\.early_stop: a dream does not use it"):
        plan_of_picture(picture, ["render.early_stop=0.2"])
