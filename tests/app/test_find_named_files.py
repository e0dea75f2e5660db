"""Files that a spec names: found beside it, read once, and missed at the key that names them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.app.plan_spec import PlannedSpec, plan_of_picture, plan_of_spec
from fvcli.app.render_run import render_run
from fvcli.media import encode_picture, picture_text
from fvcli.media.movie_writer import encode_movie
from fvcli.media.png import read_picture
from tests.helpers.painting import PaintingEngine
from tests.helpers.picture_files import save
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render:
  size_px: 64
  steps: 2
  parameterization: {kind: maco, spectrum: photos}
jobs:
  - {name: like, layer: stem_bn, objective: caricature, pictures: [one.png, photos]}
  - {name: along, layer: stem_bn, objective: {kind: tensor_direction, tensor: along.npy}}
  - {name: code, layer: stem_bn, channels: 0, parameterization: {kind: generator, path: gan.keras}}
  - {name: twice, layer: stem_bn, objective: {kind: tensor_direction, tensor: along.npy}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec and all that it names."""
    home = tmp_path / "home"
    save(home / "one.png", np.full((64, 64, 3), 10, np.uint8))
    for i in (1, 2):
        save(home / f"photos/{i}.png", np.full((64, 64, 3), 50 * i, np.uint8))
    np.save(home / "along.npy", np.ones((1, 1, 32), np.float32))
    (home / "gan.keras").write_bytes(b"a network")
    write_spec(home, SPEC)
    return home


def planned(folder: Path) -> PlannedSpec:
    return plan_of_spec(str(folder / "spec.yaml"), [])


def test_every_file_is_found_beside_the_spec_and_known_by_its_content(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    plan = planned(folder).plan
    assert [unit.path for unit in plan.units] == [
        *("like/one-caricature", "like/1-caricature", "like/2-caricature"),
        *("along/tensor_direction", "code/channel-0000", "twice/tensor_direction"),
    ]
    assert [(source.file_name, Path(source.path).parent) for source in plan.sources] == [
        *[("one.png", folder), ("1.png", folder / "photos"), ("2.png", folder / "photos")],
        ("along.npy", folder),
    ]
    images = {unit.job: plan.programs[unit.program].settings.parameterization for unit in plan.units}
    assert images["code"].path == str(folder / "gan.keras")
    assert images["code"].sha256 == hashlib.sha256(b"a network").hexdigest()
    assert images["like"].spectrum == str(folder / "photos")


@pytest.mark.parametrize("part", ["one.png", "photos", "along.npy", "gan.keras"])
def test_another_content_is_another_unit_wherever_the_file_is_named(folder: Path, part: str) -> None:
    before = {unit.path: unit.key for unit in planned(folder).plan.units}
    place = folder / "photos/2.png" if part == "photos" else folder / part
    if part == "gan.keras":
        place.write_bytes(b"another")
    elif part == "along.npy":
        np.save(place, np.full((1, 1, 32), 2, np.float32))
    else:
        save(place, np.full((64, 64, 3), 99, np.uint8))
    after = {unit.path: unit.key for unit in planned(folder).plan.units}
    changed = {path for path in before if before[path] != after[path]}
    assert (
        changed
        == {
            "one.png": {"like/one-caricature"},
            "photos": {path for path in before if not path.startswith("code/")},  # the spectrum of all
            "along.npy": {"along/tensor_direction", "twice/tensor_direction"},
            "gan.keras": {"code/channel-0000"},
        }[part]
    )


def test_each_file_that_is_not_there_is_missed_once_at_its_key(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.name != "spec.yaml":
            path.rmdir() if path.is_dir() else path.unlink()
    result = fvcli("plan", folder / "spec.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    said = [line.removeprefix(f"Error: {folder}/spec.yaml:") for line in result.stderr.splitlines()]
    assert [line.partition(": nothing there")[0] for line in said] == [
        "5: render.parameterization.spectrum: photos",
        "7: jobs[0].pictures[0]: one.png",
        "7: jobs[0].pictures[1]: photos",
        "8: jobs[1].objective.tensor: along.npy",
        "9: jobs[2].parameterization.path: gan.keras",
    ]


@pytest.mark.parametrize("path", ["like/one-caricature", "along/tensor_direction", "code/channel-0000"])
def test_a_picture_in_its_run_needs_no_photo_and_no_array(
    folder: Path, tmp_path: Path, easel: PaintingEngine, path: str
) -> None:
    """The run's copies have names of their own; the unit, its key and its text stay the same."""
    before = {unit.path: unit.key for unit in planned(folder).plan.units}
    render_run(planned(folder), tmp_path / "run")
    for name in ("one.png", "along.npy"):
        (folder / name).unlink()
    again = plan_of_picture(tmp_path / f"run/units/{path}.png", [])
    assert [(unit.path, unit.key) for unit in again.plan.units] == [(path, before[path])]
    assert again.remarks == ()
    assert str(tmp_path) not in again.text


def test_a_lone_picture_is_noted_if_its_photo_is_another(
    folder: Path, tmp_path: Path, easel: PaintingEngine
) -> None:
    run = tmp_path / "run"
    render_run(planned(folder), run)
    picture = run / "units/like/one-caricature.png"
    alone = folder / "alone.png"
    alone.write_bytes(encode_picture(read_picture(picture), "", picture_text(picture)))
    assert plan_of_picture(alone, []).remarks == ()
    save(folder / "one.png", np.full((64, 64, 3), 11, np.uint8))
    (remark,) = plan_of_picture(alone, []).remarks
    assert remark.startswith(f"{alone} was rendered with another model, another photo")


def test_what_a_folder_leaves_out_is_said_by_every_command_that_plans(folder: Path, tmp_path: Path) -> None:
    (folder / "photos/lion.cr2").write_bytes(b"raw")
    (folder / "photos/film.gif").write_bytes(
        encode_movie([np.full((16, 16, 3), 90 * i, np.uint8) for i in range(3)], "gif", 5)
    )
    (folder / "photos/notes.txt").write_text("no picture")
    save(folder / "photos/phone.jfif", np.full((64, 64, 3), 200, np.uint8))
    seen_through = np.full((64, 64, 4), 100, np.uint8)
    Image.fromarray(seen_through).save(folder / "photos/1.png")
    assert [unit.name for unit in planned(folder).plan.units if unit.job == "like"] == [
        *("one-caricature", "1-caricature", "2-caricature", "film-caricature", "phone-caricature"),
    ]
    notes = [
        "photos: left out 1 file that cannot be read (lion.cr2; convert them to PNG or JPEG)",
        "photos: 1 transparent picture (1.png): what is seen through is laid on mid grey",
        "photos: left out 1 film (film.gif): films are not read here",
    ]
    result = fvcli("plan", folder / "spec.yaml", "--json")
    said = [line for line in result.stderr.splitlines() if "photos: " in line]
    assert said == [f"Note: {note}" for note in notes]
    assert [note for note in json.loads(result.stdout)["notes"] if "photos: " in note] == notes
    prepared = fvcli("prepare", folder / "spec.yaml", "-o", tmp_path / "run")
    assert prepared.stderr.count("lion.cr2") == 1
