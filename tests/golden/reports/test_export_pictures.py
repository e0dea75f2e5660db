"""Pictures for other tools."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fvcli.golden.reports.export_pictures import as_png, difference, read_whole
from tests.helpers.picture_files import noise, save


def rgba(*pixels: tuple[int, int, int, int]) -> np.ndarray:
    return np.array([pixels], np.uint8)


def test_a_difference_is_eight_times_as_bright() -> None:
    one = rgba((10, 20, 30, 255), (0, 255, 0, 255))
    other = rgba((11, 18, 30, 255), (255, 200, 31, 255))
    assert difference(one, other).tolist() == [[[8, 16, 0], [255, 255, 248]]]
    assert (difference(one, other) == difference(other, one)).all()


def test_a_difference_of_opacity_is_seen() -> None:
    assert difference(rgba((9, 9, 9, 255)), rgba((9, 9, 10, 250))).tolist() == [[[40, 40, 40]]]


def test_what_only_one_picture_covers_is_white() -> None:
    tall, wide = np.zeros((3, 1, 4), np.uint8), np.zeros((1, 2, 4), np.uint8)
    assert difference(tall, wide)[..., 0].tolist() == [[0, 255], [255, 255], [255, 255]]
    assert difference(tall, wide).shape == (3, 2, 3)


def test_pictures_are_read_as_people_see_them(tmp_path: Path) -> None:
    grey = save(tmp_path / "grey.png", np.array([[0, 200]], np.uint8))
    read = read_whole(str(grey))
    assert read is not None
    assert read.pixels.tolist() == [[[0, 0, 0, 255], [200, 200, 200, 255]]]
    assert read.content == grey.read_bytes()


def test_a_png_has_nothing_but_pixels() -> None:
    pixels = noise(5, 4)
    with Image.open(io.BytesIO(as_png(pixels))) as image:
        assert (np.asarray(image) == pixels).all()
        assert image.info == {}


def test_what_is_no_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("version https://git-lfs.github.com/spec/v1")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "cut.png").write_bytes(save(tmp_path / "whole.png").read_bytes()[:-200])
    for name in ("text.png", "empty.png", "folder.png", "cut.png", "missing.png", "a\x00b", "\ud800"):
        assert read_whole(str(tmp_path / name)) is None
    assert read_whole(None) is None


@pytest.fixture(scope="session")
def png() -> bytes:
    return as_png(noise(6, 5))


@given(data=st.data())
def test_damage_anywhere_is_survived(
    png: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(png) - 1))
    content = png[:place] + data.draw(st.binary(max_size=8)) + png[place + data.draw(st.integers(0, 8)) :]
    file = tmp_path_factory.getbasetemp() / "damaged.png"
    file.write_bytes(content)
    read = read_whole(str(file))
    assert read is None or read.pixels.shape[-1] == 4
