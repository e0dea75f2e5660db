"""How a page says statuses, values and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fvcli.golden.results import HIGHER_IS_BETTER, Networks, Status, percent, times_limit

STATUS_WORDS: Mapping[Status, str] = {
    "error": "The two pictures could not be compared.",
    "missing": "The golden has the unit. The run does not.",
    "size": "The picture has another size.",
    "dead": "One of the two pictures is dead: no gradient ever reached it.",
    "diff": "A value is beyond its limit.",
    "settings": "The spec of the unit changed.",
    "new": "The run has the unit. The golden does not.",
    "close": "The pixels differ. All values are within their limits.",
    "match": "The pixels are the same, or somebody accepted the change.",
}
NETWORKS_WORDS: Mapping[Networks, str] = {
    "asked": "asked for scores and textures",
    "not asked": "not asked: only pixels and recorded scores were compared",
    "not needed": "not needed: no pixels differ",
}
VALUE_NAMES = {
    "pixels": "pixels",
    "accepted": "accepted",
    "first_steps": "first steps",
    "first_steps_of_all": "first steps, all units",
    "response": "response",
    "score": "score",
    "texture": "texture",
    "structure": "structure",
    "rms": "pixel difference",
    "drift": "drift of all scores",
}
VIEWS = {"side": "Side by side", "slider": "Slider", "blink": "Blink", "difference": "Difference"}
SIGNED = {"score"}
OF_255 = {"rms"}
NO_NUMBER = "not a number"
LEAST_BEYOND = 1.01


def name_of(value: str) -> str:
    """Return how a value is called; a name that is not known is spelled out."""
    return VALUE_NAMES.get(value, value.replace("_", " "))


def said(name: str, value: float, signed: bool = True) -> str:
    """Write a value: a share as a percentage, a similarity as a number, a distance of pixels in levels.

    A limit has no sign: it holds for both directions.
    """
    if not math.isfinite(value):
        return finite(value)
    if name in HIGHER_IS_BETTER:
        return f"{value:.3f}"
    if name in OF_255:
        return f"{value:.3g} of 255"
    return percentage(value, signed=signed and name in SIGNED)


def percentage(share: float, signed: bool = False) -> str:
    """Write a share as a percentage, and with its sign if asked; a word where it is no finite number."""
    if not math.isfinite(share):
        return finite(share)
    return percent(share, "+" if signed and share > 0 else "")


def times_said(multiple: float) -> str:
    """Write a multiple of a limit with three digits, and thousands apart; what is beyond it is never 1."""
    if not math.isfinite(multiple):
        return finite(multiple)
    rounded = float(f"{multiple:.3g}")
    return f"{max(rounded, LEAST_BEYOND) if multiple > 1 else rounded:,.10g}"


def number(value: float | None) -> str:
    """Write a number with five digits; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:.5g}" if math.isfinite(value) else finite(value)


def finite(value: float) -> str:
    """Say what is no finite number."""
    return NO_NUMBER if math.isnan(value) else ("infinite" if value > 0 else "-infinite")


def share_of_limit(name: str, value: float, limit: float) -> float | None:
    """Return a value as a multiple of its limit; None where that is no finite number."""
    share = times_limit(name, value, limit)
    return share if math.isfinite(share) else None
