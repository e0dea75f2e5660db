"""Penalties: what is subtracted from the score."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fvcli.spec.base import MAX_SIDE_PX, Float, Int, OrName, Share, Strictly


class Penalty(Strictly):
    """Something that is subtracted from the score, times its weight; it sees the whole picture.

    needs_alpha: Whether it is of the opacity of transparent pictures.
    is_share_of_score: Whether it takes away a share of the score, not an amount.
    """

    needs_alpha: ClassVar[bool] = False
    is_share_of_score: ClassVar[bool] = False

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

    needs_alpha: ClassVar[bool] = True
    is_share_of_score: ClassVar[bool] = True

    kind: Literal["alpha"]


class BlurAlpha(Penalty):
    """As blur, of the opacity alone."""

    needs_alpha: ClassVar[bool] = True

    kind: Literal["blur_alpha"]


AnyPenalty = Annotated[
    L1 | L2 | TotalVariation | Blur | Boundary | Alpha | BlurAlpha,
    Field(discriminator="kind"),
    OrName("kind"),
]
