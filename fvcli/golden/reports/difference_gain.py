"""How many times as bright a page shows the difference of two pictures, so that most of it can be read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from PIL import Image, ImageChops

from fvcli.golden.reports.page_pictures import Placed

WHITE = 255
READABLE = 0.99  # of the values that differ stay below white
MOST_GAIN = 128  # shows a difference of 1 of 255 in half of white
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)  # what Pillow raises


def gain_of(pictures: Sequence[Placed]) -> int | None:
    """Return a power of two for the pictures of a unit; None where there are no two that can be read."""
    paths = [picture.source for picture in pictures if picture.source is not None]
    if len(paths) != 2:
        return None
    try:
        first, second = map(_as_shown, paths)
    except UNREADABLE:
        return None
    return difference_gain(first, second.resize(first.size))  # as the page stretches it


def difference_gain(first: Image.Image, second: Image.Image) -> int:
    """Return the largest power of two that leaves 99 % of the values that differ below white.

    What is equal does not count: it is black, however much of the picture that is.

    Args:
        first, second: Of one size, in RGB.
    """
    counts = ImageChops.difference(first, second).histogram()  # 256 of each channel
    differing = [sum(counts[value::256]) for value in range(1, 256)]
    enough = READABLE * sum(differing)
    high = 1 + next(i for i, count in enumerate(accumulate(differing)) if count >= enough)
    gain = 1
    while 2 * gain <= MOST_GAIN and 2 * gain * high <= WHITE:
        gain *= 2
    return gain


def _as_shown(path: Path) -> Image.Image:
    """Read a picture as the page shows it: what is transparent is black."""
    with Image.open(path) as image:
        if image.mode != "RGBA":
            return image.convert("RGB")
        black = Image.new("RGBA", image.size, (0, 0, 0, WHITE))
        return Image.alpha_composite(black, image).convert("RGB")
