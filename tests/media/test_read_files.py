"""Pictures and arrays read as numbers: colours, opacity, bit depths, sizes."""

from __future__ import annotations

import hashlib
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fvcli.errors import UsageError
from fvcli.media import (
    find_array,
    find_pictures,
    read_array,
    read_picture_sized,
)
from tests.helpers.picture_files import noise, refused, save

ORIENTATION = 0x0112  # the EXIF tag


def test_an_upright_picture_is_as_the_camera_was_held(folder: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # a quarter turn to the right
    pixels = np.zeros((24, 36, 3), np.uint8)
    pixels[:, :18] = 255  # on the left, thus on top
    path = save(folder / "a.png", pixels, exif=exif)
    (facts,) = find_pictures("a.png", folder)
    assert (facts.height_px, facts.width_px) == (36, 24)
    seen = read_picture_sized(path, None)
    assert seen.shape == (36, 24, 3)
    assert seen[:18].min() == 1
    assert seen[18:].max() == 0


def test_pixels_are_from_0_to_1(folder: Path) -> None:
    pixels = noise()
    seen = read_picture_sized(save(folder / "a.png", pixels), None)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, pixels / 255, atol=1e-6)


def test_what_is_transparent_is_over_mid_grey(folder: Path) -> None:
    rgba = np.dstack([noise(), np.zeros((24, 36), np.uint8)])
    np.testing.assert_array_equal(read_picture_sized(save(folder / "a.png", rgba), None), 0.5)
    rgba[..., 3] = 51
    seen = read_picture_sized(save(folder / "b.png", rgba), None)
    np.testing.assert_allclose(seen, 0.8 * 0.5 + 0.2 * rgba[..., :3] / 255, atol=1e-6)


def test_palettes(folder: Path) -> None:
    picture = Image.fromarray(noise()).quantize(16)
    picture.save(folder / "a.png")
    expected = np.asarray(picture.convert("RGB")) / 255
    np.testing.assert_allclose(read_picture_sized(folder / "a.png", None), expected, atol=1e-6)
    picture.save(folder / "b.png", transparency=3)
    clear = np.asarray(picture) == 3
    seen = read_picture_sized(folder / "b.png", None)
    assert clear.any()
    np.testing.assert_array_equal(seen[clear], 0.5)
    np.testing.assert_allclose(seen[~clear], expected[~clear], atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bits_keep_their_precision(suffix: str, folder: Path) -> None:
    deep = np.linspace(0, 65535, 24 * 36).reshape(24, 36).astype(np.uint16)
    seen = read_picture_sized(save(folder / f"a.{suffix}", deep), None)
    np.testing.assert_allclose(seen, np.repeat(deep[..., None], 3, -1) / 65535, atol=1e-6)


def test_floats_are_taken_as_they_are_and_must_be_finite(folder: Path) -> None:
    real = np.linspace(-0.5, 1.5, 24 * 36, dtype=np.float32).reshape(24, 36)
    seen = read_picture_sized(save(folder / "a.tif", real), None)
    np.testing.assert_array_equal(seen[..., 0], np.clip(real, 0, 1))
    real[3, 4] = np.nan
    save(folder / "b.tif", real)
    with pytest.raises(UsageError, match="not finite"):
        read_picture_sized(folder / "b.tif", None)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK", "YCbCr"])
def test_other_kinds_of_colour(mode: str, folder: Path) -> None:
    grey = Image.fromarray(np.repeat(np.repeat(np.uint8([[0, 255], [255, 0]]), 16, 0), 16, 1))
    path = folder / ("a.png" if mode in {"1", "L", "LA"} else "a.tif" if mode == "CMYK" else "a.jpg")
    grey.convert("RGB").convert(mode).save(path)
    seen = read_picture_sized(path, None)
    assert seen.shape == (32, 32, 3)
    np.testing.assert_allclose(seen, np.repeat(np.asarray(grey)[..., None], 3, -1) / 255, atol=0.02)


def test_luminance(folder: Path) -> None:
    pixels = noise()
    seen = read_picture_sized(save(folder / "a.png", pixels), None, channels=1)
    assert seen.shape == (24, 36, 1)
    np.testing.assert_allclose(seen[..., 0], pixels / 255 @ [0.299, 0.587, 0.114], atol=1e-5)


@pytest.mark.parametrize("size_px", [(24, 24), (10, 30), (48, 24), (7, 5), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_ranges(size_px: tuple[int, int], channels: int, folder: Path) -> None:
    seen = read_picture_sized(save(folder / "a.png"), size_px, channels)
    assert (seen.shape, seen.dtype) == ((*size_px, channels), np.float32)
    assert 0 <= seen.min() <= seen.max() <= 1


def test_the_middle_is_cut_out_and_nothing_is_stretched(folder: Path) -> None:
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, 30:70] = 255
    wide = read_picture_sized(save(folder / "a.png", pixels), (20, 20))
    np.testing.assert_allclose(wide[:, 2:-2], 1, atol=0.01)  # the kernel sees the nearest pixels outside
    tall = read_picture_sized(save(folder / "b.png", pixels.swapaxes(0, 1)), (20, 20))
    np.testing.assert_allclose(tall, wide.swapaxes(0, 1), atol=1e-6)
    same = read_picture_sized(folder / "a.png", (40, 100))
    np.testing.assert_allclose(same, pixels / 255, atol=1e-6)


def test_resampling_keeps_the_mean_and_agrees_with_pillow(folder: Path) -> None:
    pixels = 64 + noise(96, 96) // 2  # Pillow would clip between the two directions, too
    path = save(folder / "a.png", pixels)
    assert read_picture_sized(path, (24, 24)).mean() == pytest.approx(pixels.mean() / 255, abs=0.01)
    for height, width in ((24, 24), (24, 31), (50, 20), (130, 100)):
        with Image.open(path) as image:
            theirs = np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)) / 255
        np.testing.assert_allclose(read_picture_sized(path, (height, width)), theirs, atol=1.5 / 255)


def test_arrays(folder: Path) -> None:
    for dtype in ("float32", "float64", ">f4", "float16", "int8", "uint16", "int64"):
        array = np.arange(12).reshape(3, 4).astype(dtype)
        np.save(folder / "a.npy", array)
        facts = find_array("a.npy", folder)
        assert (facts.name, facts.path, facts.shape) == ("a", str(folder / "a.npy"), (3, 4))
        assert facts.sha256 == hashlib.sha256((folder / "a.npy").read_bytes()).hexdigest()
        seen = read_array(folder / "a.npy")
        assert seen.dtype == np.float32
        np.testing.assert_array_equal(seen, array.astype(np.float32))


def test_arrays_in_the_other_order_and_without_axes(folder: Path) -> None:
    for array in (np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.float32(3)):
        np.save(folder / "a.npy", array)
        assert find_array("a.npy", folder).shape == np.shape(array)
        np.testing.assert_array_equal(read_array(folder / "a.npy"), array)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([1, np.nan]), "not finite"),
        (np.array([1, np.inf], np.float32), "not finite"),
        (np.array([1, 1e300]), "not finite"),
        (np.array([1 + 2j]), "not real numbers"),
        (np.array([True]), "not real numbers"),
        (np.array(["a"]), "not real numbers"),
        (np.zeros(3, "f4,f4"), "not real numbers"),
        (np.zeros((0, 4)), "no numbers"),
        (np.array([{"a": 1}], object), "not a readable .npy"),
    ],
)
def test_arrays_of_other_things_are_refused(array: np.ndarray, reason: str, folder: Path) -> None:
    np.save(folder / "a.npy", array)
    said = refused("a.npy", folder, find_array)
    assert reason in said
    assert str(folder / "a.npy") in said


class Trap:
    """A pickle of it would write a file."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (Path("trapped"), "")


@pytest.mark.parametrize("kind", ["pickle", "pickle inside", "text", "empty", "truncated", "archive"])
def test_files_that_are_no_arrays(kind: str, folder: Path) -> None:
    path = folder / "a.npy"
    np.save(path, np.array([Trap()], object) if kind == "pickle inside" else np.arange(1000.0))
    if kind == "archive":
        with path.open("wb") as file:
            np.savez(file, a=np.arange(3))
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:4000])
    elif kind != "pickle inside":
        path.write_bytes({"pickle": pickle.dumps(Trap()), "text": b"1 2 3\n", "empty": b""}[kind])
    assert "a.npy: not a readable .npy" in refused("a.npy", folder, find_array)
    with pytest.raises(UsageError, match=r"not a readable \.npy"):
        read_array(path)
    assert not Path("trapped").exists()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=100)
def test_scrambled_arrays_are_read_or_refused(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "scrambled.npy"
    np.save(path, np.arange(100, dtype=np.float32).reshape(4, 25))
    chance = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for place in chance.integers(0, 80, chance.integers(1, 4)):
        content[place] = chance.integers(256)
    path.write_bytes(content)
    for read in (lambda p: find_array(str(p), None), read_array):
        with suppress(UsageError):
            read(path)
