"""Pixels, their hash and PNG files, held against values that are written down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.errors import FvcliError
from fvcli.media import as_8_bits, encode_picture, picture_text, pixel_sha256, read_picture

# Of pixels 2 x 3 with so many channels, counted up in sevens: SHA-256 of "(2, 3, 1)uint8" and the bytes.
HASHES = {
    1: "0d3b44a9afab94425e5b4d38a579b2ff8d281adf45ed26e559c219d3675ded74",
    3: "ddcf23cfa4e2d717f7b9f694172b24d2ef21a4ab1908875a608be2a5eec55140",
    4: "e4c922fe4266080248f5750ee3d4468ecbd1c9ad27a7c71ac01aa2943060feba",
    5: "5af12f1fab7989fc46ac4335c11e6139592df84b90d53bcf2fc354b09701656c",
}


def counted(channels: int) -> np.ndarray:
    """Return pixels 0, 7, 14, ... [2, 3, channels], from left to right, then down."""
    return np.arange(0, 42 * channels, 7).astype(np.uint8).reshape(2, 3, channels)


def written(folder: Path, pixels: np.ndarray, transparent: bool = False) -> Path:
    path = folder / "picture.png"
    path.write_bytes(encode_picture(pixels, "a title", {"key": "k"}, transparent))
    return path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 0),
        (0.4999 / 255, 0),
        (0.5 / 255, 1),  # a half is rounded up, also to an odd number
        (1.4999 / 255, 1),
        (1.5 / 255, 2),
        (126.5 / 255, 127),
        (127.5 / 255, 128),
        (254.4999 / 255, 254),
        (254.5 / 255, 255),
        (1.0, 255),
        (1.001, 255),
        (7.5, 255),
        (-0.001, 0),
        (-3.0, 0),
        (float("inf"), 255),
        (float("-inf"), 0),
        (float("nan"), 0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pictures_are_rounded_to_the_nearest_of_256_values(value: float, expected: int, dtype: type) -> None:
    found = as_8_bits(np.full((1, 2, 3), value, dtype))
    assert found.dtype == np.uint8
    assert found.shape == (1, 2, 3)
    assert set(found.ravel().tolist()) == {expected}


def test_every_8_bit_value_survives_the_way_to_a_picture_and_back() -> None:
    values = np.arange(256, dtype=np.uint8)
    assert as_8_bits(values / np.float32(255)).tolist() == list(range(256))
    assert as_8_bits(values / 255).tolist() == list(range(256))


@pytest.mark.parametrize("channels", HASHES)
def test_the_hash_of_pixels_is_that_of_their_shape_type_and_bytes(channels: int) -> None:
    pixels = counted(channels)
    assert pixel_sha256(pixels) == HASHES[channels]
    apart = np.empty((2, 6, channels), np.uint8)[:, ::2]  # the same pixels, not side by side in memory
    apart[:] = pixels
    assert pixel_sha256(apart) == HASHES[channels]


@pytest.mark.parametrize(
    ("channels", "transparent", "mode", "size"),
    [
        (1, False, "L", (3, 2)),
        (3, False, "RGB", (3, 2)),
        (4, True, "RGBA", (3, 2)),
        (4, False, "L", (12, 2)),
        (5, False, "L", (15, 2)),
    ],
)
def test_a_picture_comes_back_from_its_file(
    channels: int, transparent: bool, mode: str, size: tuple[int, int], tmp_path: Path
) -> None:
    path = written(tmp_path, counted(channels), transparent)
    with Image.open(path) as image:
        assert (image.mode, image.size) == (mode, size)
    assert pixel_sha256(read_picture(path)) == HASHES[channels]


def test_planes_stand_side_by_side_in_the_order_of_the_channels(tmp_path: Path) -> None:
    pixels = np.broadcast_to(np.uint8([10, 20, 30, 40, 50]), (2, 3, 5))
    with Image.open(written(tmp_path, pixels)) as image:
        rows = np.asarray(image).tolist()
    assert rows == 2 * [[10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40, 50, 50, 50]]


def test_a_file_that_was_cut_is_no_picture(tmp_path: Path) -> None:
    path = written(tmp_path, counted(3))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FvcliError, match="not a readable picture"):
        read_picture(path)


def test_equal_pixels_give_equal_files_and_the_text_comes_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    first, second = (encode_picture(pixels, "a title", {"key": "k", "spec": {"ü": 1}}) for _ in range(2))
    assert first == second
    path = tmp_path / "p.png"
    path.write_bytes(first)
    assert (read_picture(path) == pixels).all()
    assert picture_text(path) == {"key": "k", "spec": {"ü": 1}}


def test_pixel_hash_is_of_pixels_not_of_files() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    assert pixel_sha256(pixels) == pixel_sha256(pixels[::-1])
    assert pixel_sha256(pixels) != pixel_sha256(pixels.reshape(6, 4, 3))


def test_one_channel_pictures(tmp_path: Path) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
    path = tmp_path / "p.png"
    path.write_bytes(encode_picture(pixels, "grey", {"key": "k", "spec": {}}))
    assert (read_picture(path) == pixels).all()
