"""Copies of PNG files as JPEG and WebP."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fvcli.media import encode_picture
from fvcli.media.copies import MOST_PX, array_file, copy_of_png
from fvcli.spec.output import CopyFormat

SMOOTH = np.linspace(0, 255, 32 * 24 * 3).reshape(32, 24, 3).astype(np.uint8)


def opened(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
def test_a_copy_looks_like_its_picture(format_: CopyFormat) -> None:
    png = encode_picture(SMOOTH, "a title", {"key": "secret"})
    copies = {quality: copy_of_png(png, format_, quality) for quality in (5, 90)}
    assert copies[90] == copy_of_png(png, format_, 90)
    copy = opened(copies[90])
    assert (copy.format, copy.size, copy.mode) == (format_.upper(), (24, 32), "RGB")
    assert np.abs(np.asarray(copy).astype(int) - SMOOTH).mean() < 4
    assert len(copies[5] or b"") < len(copies[90] or b"")
    assert b"secret" not in (copies[90] or b"")


def test_grey_stays_grey() -> None:
    assert opened(copy_of_png(encode_picture(SMOOTH[..., :1], "", {}), "jpeg", 90)).mode == "L"


def test_what_is_transparent_is_white_in_a_jpeg_and_transparent_in_a_webp() -> None:
    red = np.zeros((16, 16, 4), np.uint8)
    red[..., 0], red[:8, :, 3] = 255, 255
    png = encode_picture(red, "", {}, transparent=True)
    jpeg = np.asarray(opened(copy_of_png(png, "jpeg", 95))).astype(int)
    assert np.abs(jpeg[2, 8] - [255, 0, 0]).max() < 6
    assert np.abs(jpeg[13, 8] - 255).max() < 6
    assert np.asarray(opened(copy_of_png(png, "webp", 95)))[13, 8, 3] == 0


def test_what_is_too_large_for_a_format_has_no_copy() -> None:
    wide = encode_picture(np.zeros((1, MOST_PX["webp"] + 1, 3), np.uint8), "", {})
    assert copy_of_png(wide, "webp", 90) is None
    assert copy_of_png(wide, "jpeg", 90) is not None


def test_an_array_is_float32() -> None:
    picture = np.linspace(0, 1, 12).reshape(2, 2, 3)
    read = np.load(io.BytesIO(array_file(picture)), allow_pickle=False)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, picture.astype(np.float32))
