"""A project with a network and a photo of its own: renamed, copied to other machines, and taken apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import pytest
from PIL import Image

from tests.helpers.running import fvcli, pictures, write_spec

PHOTO = Path(__file__).parents[2] / "configs" / "photos" / "coffee.jpg"
SPEC = """\
model: {path: FOLDER/net.keras, value_range: [-1, 1]}
render: {size_px: 24, steps: 2, batch_size: 1, transforms: []}
jobs:
  - {name: photos, layer: conv, objective: caricature, pictures: photos/cup.jpg}
  - {name: channels, layer: conv, channels: 0-2}
  - {name: prior, layer: conv, channels: 0, parameterization: {kind: maco, spectrum: photos}}
"""


def project(folder: Path) -> Path:
    """Make a project in a folder; its spec names the network by its whole path."""
    (folder / "photos").mkdir(parents=True)
    shutil.copy(PHOTO, folder / "photos" / "cup.jpg")
    keras.utils.set_random_seed(0)
    image = keras.Input((24, 24, 3))
    keras.Model(image, keras.layers.Conv2D(4, 3, name="conv")(image)).save(folder / "net.keras")
    write_spec(folder, SPEC.replace("FOLDER", str(folder)))
    return folder


def moved(old: Path, new: Path) -> Path:
    """Rename a project; its spec then names the network where it is now."""
    old.rename(new)
    write_spec(new, SPEC.replace("FOLDER", str(new)))
    return new


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("projects") / "first")
    result = fvcli("render", folder / "spec.yaml", "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def copied(rendered: Path, tmp_path: Path) -> Path:
    shutil.copytree(rendered, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_renamed_project_goes_on(copied: Path, tmp_path: Path) -> None:
    before = pictures(copied / "run")
    (copied / "run/units/channels/channel-0001.json").unlink()
    there = moved(copied, tmp_path / "another mount")
    result = fvcli("render", there / "spec.yaml", "-o", there / "run")
    assert result.exit_code == 0, result.stderr
    assert pictures(there / "run") == before
    assert not list((there / "run").glob("replaced-*"))


def test_shards_of_other_places_merge(rendered: Path, tmp_path: Path) -> None:
    parts = []
    for i, name in enumerate(("home/a/p", "data/p"), start=1):
        there = project(tmp_path / name)
        shutil.copy(rendered / "net.keras", there / "net.keras")  # Keras writes the time into its files
        parts.append(tmp_path / f"part{i}")
        shard = fvcli("render", there / "spec.yaml", "-o", parts[-1], "--shard", f"{i}/2")
        assert shard.exit_code == 0, shard.stderr
    merged = fvcli("merge", *parts, "-o", tmp_path / "whole")
    assert merged.exit_code == 0, merged.stderr
    assert pictures(tmp_path / "whole") == pictures(rendered / "run")


def test_no_picture_tells_where_it_was_rendered(rendered: Path) -> None:
    for path in (rendered / "run").glob("units/**/*.png"):
        with Image.open(path) as image:
            said = " ".join(map(str, image.info.values()))
        assert "net.keras" in said
        assert str(rendered) not in said
        assert "/" not in said


@pytest.mark.parametrize("unit", ["photos/cup-caricature", "channels/channel-0002"])
def test_from_finds_the_photo_in_the_run_when_the_original_is_gone(
    unit: str, copied: Path, tmp_path: Path
) -> None:
    shutil.rmtree(copied / "photos")
    again = fvcli("render", "--from", copied / f"run/units/{unit}.png", "-o", tmp_path / "again")
    assert again.exit_code == 0, again.stderr
    assert "Note: " not in again.stderr
    whole = pictures(copied / "run")
    assert pictures(tmp_path / "again") == {f"units/{unit}.png": whole[f"units/{unit}.png"]}


def test_a_picture_that_left_its_run_finds_files_beside_it(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "kept.png"
    shutil.copy(rendered / "run/units/photos/cup-caricature.png", picture)
    refused = fvcli("render", "--from", picture, "-o", tmp_path / "again")
    assert refused.exit_code == 2
    assert "net.keras" in refused.stderr
    shutil.copy(rendered / "photos" / "cup.jpg", tmp_path)
    shutil.copy(rendered / "net.keras", tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = fvcli("render", "--from", picture, "-o", tmp_path / "again")
    assert again.exit_code == 0, again.stderr
    assert picture.read_bytes() in pictures(tmp_path / "again").values()


def test_another_photo_of_the_name_is_remarked(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(rendered / "run/units/photos/cup-caricature.png", tmp_path / "kept.png")
    shutil.copy(rendered / "net.keras", tmp_path)
    Image.new("RGB", (48, 48), (200, 30, 30)).save(tmp_path / "cup.jpg")
    monkeypatch.chdir(tmp_path)
    again = fvcli("render", "--from", "kept.png", "-o", "again")
    assert again.exit_code == 0, again.stderr
    assert "kept.png was rendered with another model, another photo" in again.stderr
