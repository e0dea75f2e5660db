"""What is odd about a finished picture. The picture is kept, and whoever looks at the run is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fvcli.errors import some_of

SCORE_FELL, SCORE_STILL, ONE_COLOUR, BURNT = "score_fell", "score_still", "one_colour", "burnt"
# What ``fvcli score`` adds later; see ``fvcli.trust.flags``. WEAKER is said of ``weight: auto`` at once.
WEAKER, NOT_PREDICTIVE, OTHER_PATH, FRAGILE = "weaker_than_photos", "not_predictive", "other_path", "fragile"
UNTRAINED = "untrained"

# What each remark says, after "the picture" or "the pictures of ...", and what may help.
SAID = {
    SCORE_FELL: "the score fell below its start",
    SCORE_STILL: "the score hardly moved",
    ONE_COLOUR: "the picture is nearly of one colour",
    BURNT: "most of the picture is black, white or pure colours",
    WEAKER: "a photo excites the unit more than the picture",
    NOT_PREDICTIVE: "the picture does not tell which photos excite the unit",
    OTHER_PATH: "the picture excites the unit by another way than photos do",
    FRAGILE: "the picture loses its effect if it is turned, moved or saved as a JPEG",
    UNTRAINED: "the network has random weights: its pictures show nothing that was learned",
}
ADVICE = {
    SCORE_FELL: "lower optimizer.learning_rate, or the weight of penalties",
    SCORE_STILL: "raise steps or optimizer.learning_rate, or choose another unit: this one may be constant",
    ONE_COLOUR: "lower penalties and regularizers, or try another learning_rate",
    BURNT: "lower optimizer.learning_rate, or take fewer steps",
    WEAKER: "raise steps, or look at fvcli examples instead",
    NOT_PREDICTIVE: "look at fvcli examples, or render several with diversity: {count: 4}",
    OTHER_PATH: "do not trust it; look at fvcli examples instead",
    FRAGILE: "use stronger transforms, such as recipe: classes has",
    UNTRAINED: "take the model's own weights",
}

# Of a score, as a share of it. Constant channels move by 0.0002, others by 0.013 in as few as four steps.
SMALLEST_MOVE = 1e-3
FLAT = 4.5  # of 255: standard deviation of a colour that nobody sees as more than one
MOTIF = 40  # of 255: a pixel that differs by more is of a small form on a plain ground
DARK, BRIGHT = 5, 250  # of 255
MOST = 0.5  # of the pixels
GREY, RGB = 1, 3
OPAQUE = 128  # of 255: what is less is seen through


def remarks_on(
    pixels: np.ndarray, score: Mapping[str, float], sign: int, canvas: Mapping[str, int] | None = None
) -> list[str]:
    """Return what is odd about a finished picture, as keys of ``SAID``.

    Args:
        pixels: uint8 [h, w, channels] as saved; of four channels the last one is opacity.
        score: At the start and of the saved picture, without sign.
        sign: 1 where the score was to rise, -1 where it was to fall.
        canvas: top, left, height and width of what was optimised, if that is not the whole picture.
    """
    start, saved = score["start"], score["saved"]
    least = SMALLEST_MOVE * max(abs(start), abs(saved))
    moved = sign * (saved - start)
    found = [SCORE_FELL] if moved < -least else [SCORE_STILL] if moved <= least else []
    seen = pixels if canvas is None else _cut(pixels, canvas)
    if not seen.size:
        return found
    colours, opaque = _opaque(seen)
    if _is_flat(colours * opaque[..., None]):
        return [*found, ONE_COLOUR]
    ends: np.ndarray = np.all((colours <= DARK) | (colours >= BRIGHT), axis=-1)
    return [*found, *([BURNT] if ends[opaque].mean() > MOST else [])]


def _is_flat(colours: np.ndarray) -> bool:
    """Tell whether a picture is of one colour to the eye, without as much as a small form."""
    if colours.std(axis=(0, 1)).max() >= FLAT:
        return False
    ground = np.median(colours, axis=(0, 1))
    return bool(np.abs(colours - ground).max() < MOTIF)


def _cut(pixels: np.ndarray, canvas: Mapping[str, int]) -> np.ndarray:
    top, left = max(0, canvas["top"]), max(0, canvas["left"])
    return pixels[top : canvas["top"] + canvas["height"], left : canvas["left"] + canvas["width"]]


def _opaque(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of a picture, and which of its pixels cannot be seen through: bool [h, w]."""
    colours = pixels.shape[-1] - (pixels.shape[-1] in {GREY + 1, RGB + 1})
    if colours == pixels.shape[-1]:
        return pixels, np.ones(pixels.shape[:2], bool)
    return pixels[..., :colours], pixels[..., colours] >= OPAQUE


def remark_lines(remarks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each kind of remark, with the units that it is about and what may help.

    Args:
        remarks: Keys of ``SAID`` by job/unit. One that only a newer fvcli knows is told as it is.
    """
    units = defaultdict(list)
    for unit, kinds in remarks.items():
        for kind in kinds:
            units[kind].append(unit)
    for kind, named in units.items():
        advice = f" ({ADVICE[kind]})" if kind in ADVICE else ""
        yield f"{SAID.get(kind, kind)}: {some_of(named, 'unit')}{advice}"
