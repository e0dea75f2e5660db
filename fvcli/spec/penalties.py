"""Penalties: what is subtracted from the score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fvcli.spec.base import MAX_SIDE_PX, Float, Int, OrName, Share, Strictly


class Penalty(Strictly):
    """Something that is subtracted from the score, times its weight; it sees the whole picture."""

    weight: Float = 1.0


class L1(Penalty):
    """Sum of the differences from a constant."""

    kind: Literal["l1"]
    constant: Share = 0.5


class L2(Penalty):
    """Length of the vector of differences from a constant."""

    kind: Literal["l2"]
    constant: Share = 0.5


class TotalVariation(Penalty):
    """Sum of the differences between neighbouring pixels (Mahendran, Vedaldi 2015)."""

    kind: Literal["total_variation"]


class Blur(Penalty):
    """Half the squared difference from the blurred picture: each step also blurs a little."""

    kind: Literal["blur"]


class Boundary(Penalty):
    """Detail in the border of a picture."""

    kind: Literal["boundary"]
    width_px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = 20
    constant: Share = 0.5


class Alpha(Penalty):
    """Mean opacity: takes away that share of the score, times the weight (Lucid)."""

    kind: Literal["alpha"]


class BlurAlpha(Penalty):
    """As blur, of the opacity alone."""

    kind: Literal["blur_alpha"]


AnyPenalty = Annotated[
    L1 | L2 | TotalVariation | Blur | Boundary | Alpha | BlurAlpha,
    Field(discriminator="kind"),
    OrName("kind"),
]
