"""How bright a page shows the difference of two pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.golden.reports.difference_gain import difference_gain, gain_of
from fvcli.golden.reports.page_pictures import look_at
from tests.helpers.picture_files import save


def flat(value: int, differing: int = 100) -> np.ndarray:
    """Return a picture of 100 pixels, some of which have a value and the others 0."""
    pixels = np.zeros((100, 3), np.uint8)
    pixels[:differing] = value
    return pixels.reshape(10, 10, 3)


@pytest.mark.parametrize(
    ("apart", "gain"), [(0, 128), (1, 128), (2, 64), (10, 16), (28, 8), (100, 2), (128, 1), (255, 1)]
)
@pytest.mark.parametrize("differing", [100, 3])
def test_small_and_large_differences_can_both_be_read(apart: int, gain: int, differing: int) -> None:
    black, other = (Image.fromarray(flat(value, differing)) for value in (0, apart))
    assert difference_gain(black, other) == difference_gain(other, black) == gain


def test_one_pixel_of_a_hundred_may_become_white() -> None:
    pixels = flat(10)
    pixels[0, 0] = 200
    assert difference_gain(Image.fromarray(flat(0)), Image.fromarray(pixels)) == 16
    pixels[0, 1] = 200
    assert difference_gain(Image.fromarray(flat(0)), Image.fromarray(pixels)) == 1


def test_pictures_of_all_kinds_have_a_gain_and_what_cannot_be_read_has_none(tmp_path: Path) -> None:
    grey = save(tmp_path / "grey.png", flat(40)[..., 0])
    clear = save(tmp_path / "clear.png", np.dstack([flat(200), np.full((10, 10), 51, np.uint8)]))
    large = save(tmp_path / "large.png", np.zeros((20, 10, 3), np.uint8))
    cut = tmp_path / "cut.png"
    cut.write_bytes(grey.read_bytes()[:50])
    sides = {path.stem: look_at(str(path), "run") for path in (grey, clear, large, cut)}
    assert gain_of([sides["grey"], sides["clear"]]) == 128  # 200 in a fifth of opacity is 40
    assert gain_of([sides["grey"], sides["large"]]) == 4
    assert gain_of([sides["grey"], sides["cut"]]) is None
    assert gain_of([sides["grey"]]) is None
    assert gain_of([sides["grey"], look_at(None, "run")]) is None
