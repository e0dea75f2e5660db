"""Penalties: what is subtracted from the score."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fvcli.spec.base import MAX_SIDE_PX, DependsOn, Float, Int, OrName, Share, Strictly, two_digits

REFERENCE_PX = 224  # side of the pictures that default weights are given for


class Penalty(Strictly):
    """Something that is subtracted from the score, times its weight; it sees the whole picture.

    needs_alpha: Whether it is of the opacity of transparent pictures.
    is_share_of_score: Whether it takes away a share of the score, not an amount.
    weight_at_224: Weight of a spec that names none, for pictures of 224 x 224 px. It changes a picture
        visibly and leaves most of its score. Measured on EfficientNet-Lite0, whose scores are about 7.
    grows_with: 2 for a sum over all pixels, 1 for the root of such a sum, 0 for a mean. The gradient of a
        channel's mean gets smaller with the number of pixels, and default weights with it.
    """

    needs_alpha: ClassVar[bool] = False
    is_share_of_score: ClassVar[bool] = False
    weight_at_224: ClassVar[float] = 1.0
    grows_with: ClassVar[int] = 2

    weight: Annotated[
        Float, DependsOn("the size of the pictures"), Field(description="how much of it is subtracted")
    ] = 1.0

    def weight_for(self, size_px: tuple[int, int]) -> float:
        """Return the weight that suits a height and width."""
        side_px = math.sqrt(math.prod(size_px))
        return two_digits(self.weight_at_224 * (REFERENCE_PX / side_px) ** self.grows_with)


class L1(Penalty):
    """Sum of the differences from a constant."""

    weight_at_224: ClassVar[float] = 1e-4

    kind: Literal["l1"]
    constant: Share = 0.5


class L2(Penalty):
    """Length of the vector of differences from a constant."""

    weight_at_224: ClassVar[float] = 0.025
    grows_with: ClassVar[int] = 1

    kind: Literal["l2"]
    constant: Share = 0.5


class TotalVariation(Penalty):
    """Sum of the differences between neighbouring pixels (Mahendran, Vedaldi 2015)."""

    weight_at_224: ClassVar[float] = 2e-5

    kind: Literal["total_variation"]


class Blur(Penalty):
    """Half the squared difference from the blurred picture: each step also blurs a little."""

    weight_at_224: ClassVar[float] = 7e-4

    kind: Literal["blur"]


class Boundary(Penalty):
    """Detail in the border of a picture."""

    weight_at_224: ClassVar[float] = 5e-3

    kind: Literal["boundary"]
    width_px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = 20
    constant: Share = 0.5


class Alpha(Penalty):
    """Mean opacity: takes away that share of the score, times the weight (Lucid)."""

    needs_alpha: ClassVar[bool] = True
    is_share_of_score: ClassVar[bool] = True
    grows_with: ClassVar[int] = 0

    kind: Literal["alpha"]


class BlurAlpha(Penalty):
    """As blur, of the opacity alone."""

    needs_alpha: ClassVar[bool] = True
    weight_at_224: ClassVar[float] = 0.1

    kind: Literal["blur_alpha"]


AnyPenalty = Annotated[
    L1 | L2 | TotalVariation | Blur | Boundary | Alpha | BlurAlpha,
    Field(discriminator="kind"),
    OrName("kind"),
]
