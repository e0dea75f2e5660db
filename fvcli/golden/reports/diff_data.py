"""What the script of diff.html is told of each unit: short, and ready to be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fvcli.golden.model_diff import ModelDiff, OneSide, UnitDiff
from fvcli.golden.reports.page_json import name_data, picture_data, without_nothing
from fvcli.golden.reports.page_pictures import Placed, look_at
from fvcli.golden.reports.page_words import VIEWS, finite, number

SIDES = {"a": "A", "b": "B"}  # how the page calls them
NO_DIFFERENCE = "difference"  # two networks' pictures differ in nearly every pixel: a view that tells nothing
NO_RISE = "no rise"


def pictures_of(unit: UnitDiff) -> dict[str, Placed]:
    """Return the two pictures of a unit."""
    return {"a": look_at(unit.a.picture, "A"), "b": look_at(unit.b.picture, "B")}


def diff_data(found: ModelDiff, placed: Sequence[Sequence[Placed]]) -> dict[str, Any]:
    """Return what the script is told.

    Args:
        found: What was found; its units those that changed most first.
        placed: Where the pictures of each unit are.
    """
    units = zip(found.units, placed, strict=True)
    return {
        "units": [without_nothing(unit_data(unit, pictures)) for unit, pictures in units],
        "sides": SIDES,
        "views": {view: words for view, words in VIEWS.items() if view != NO_DIFFERENCE},
    }


def unit_data(unit: UnitDiff, pictures: Sequence[Placed]) -> dict[str, Any]:
    """Return what is shown of a unit.

    changed: In words, and as a share for its bar.
    shared: The same, in A and in B. The share is null where there is none: of a unit that does not rise.
    ranks: In A and in B; left out where they are not known.
    scores: A's for A's picture, B's picture and noise, then B's.
    a, b: The pictures.
    """
    a, b = unit.a, unit.b
    return {
        **name_data(unit),
        "changed": _share(unit.changed),
        "shared": [_share(a.shared), _share(b.shared)],
        "ranks": _ranks(unit),
        "scores": [_numbers(a.own, a.other, a.noise), _numbers(b.other, b.own, b.noise)],
        **dict(zip(SIDES, map(picture_data, pictures), strict=True)),
    }


def two_digits(share: float) -> str:
    """Write a share from 0 to 1; a word where it is no finite number."""
    return f"{share:.2f}" if math.isfinite(share) else finite(share)


def _share(share: float | None) -> list[Any]:
    if share is None:
        return [NO_RISE, None]
    is_finite = math.isfinite(share)
    return [two_digits(share), round(min(1.0, max(0.0, float(share))), 4) if is_finite else None]


def _ranks(unit: UnitDiff) -> list[str]:
    ranks = [rank_said(side, unit.ranked) for side in (unit.a, unit.b)]
    return ranks if any(ranks) else []


def rank_said(side: OneSide, among: int | None) -> str:
    """Write a rank; nothing where it is not known."""
    return "" if side.rank is None else f"{side.rank} of {among}"


def _numbers(*scores: float) -> list[str]:
    return [number(score) for score in scores]
