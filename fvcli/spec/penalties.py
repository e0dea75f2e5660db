"""Penalties: what is subtracted from the score."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fvcli.spec.base import MAX_SIDE_PX, DependsOn, Float, Int, OrName, Share, Strictly, two_digits

Grey = Annotated[
    Share, Field(description="The grey that pixels are drawn towards, from 0 (black) to 1 (white).")
]
REFERENCE_PX = 224  # side of the pictures that default weights are given for


class Penalty(Strictly):
    """Something that is subtracted from the score, times its weight; it sees the whole picture.

    needs_alpha: Whether it is of the opacity of transparent pictures.
    needs_batch_norm: Whether it reads the batch normalizations below what is optimised.
    needs_classes: Whether it reads the outputs for all classes, one of which is optimised.
    is_share_of_score: Whether it takes away a share of the score, not an amount.
    weight_at_224: Weight of a spec that names none, for pictures of 224 x 224 px. It changes a picture
        visibly and leaves most of its score. Measured on EfficientNet-Lite0, whose scores are about 7.
    grows_with: 2 for a sum over all pixels, 1 for the root of such a sum, 0 for a mean. The gradient of a
        channel's mean gets smaller with the number of pixels, and default weights with it.
    """

    needs_alpha: ClassVar[bool] = False
    needs_batch_norm: ClassVar[bool] = False
    needs_classes: ClassVar[bool] = False
    is_share_of_score: ClassVar[bool] = False
    weight_at_224: ClassVar[float] = 1.0
    grows_with: ClassVar[int] = 2

    weight: Annotated[
        Float,
        DependsOn("the size of the pictures"),
        Field(
            description="Factor of what is subtracted from the score. Raise it if the picture has too much "
            "of what the penalty names, lower it if the picture is grey or flat."
        ),
    ] = 1.0

    def weight_for(self, size_px: tuple[int, int]) -> float:
        """Return the weight that suits a height and width."""
        side_px = math.sqrt(math.prod(size_px))
        return two_digits(self.weight_at_224 * (REFERENCE_PX / side_px) ** self.grows_with)


class L1(Penalty):
    """The sum of absolute differences from one grey: keeps pixels grey that do not matter.

    Example: penalties: [{kind: l1, weight: 1e-5}]
    """

    weight_at_224: ClassVar[float] = 1e-4

    kind: Literal["l1"]
    constant: Grey = 0.5


class L2(Penalty):
    """The root of the sum of squared differences from one grey: lowers contrast everywhere.

    Example: penalties: [{kind: l2, weight: 0.01}]
    """

    weight_at_224: ClassVar[float] = 0.025
    grows_with: ClassVar[int] = 1

    kind: Literal["l2"]
    constant: Grey = 0.5


class TotalVariation(Penalty):
    """The sum of differences between neighbouring pixels: works against noise (Mahendran, Vedaldi 2015).

    Example: penalties: [{kind: total_variation, weight: 2e-5}]
    """

    weight_at_224: ClassVar[float] = 2e-5

    kind: Literal["total_variation"]


class Blur(Penalty):
    """Half the squared difference from the blurred picture: each step also blurs the picture a little.

    Example: penalties: [{kind: blur, weight: 1e-3}]
    """

    weight_at_224: ClassVar[float] = 7e-4

    kind: Literal["blur"]


class Boundary(Penalty):
    """Detail and colour in the border of the picture: makes pictures end in a quiet grey.

    Example: penalties: [{kind: boundary, width_px: 10}]
    """

    weight_at_224: ClassVar[float] = 5e-3

    kind: Literal["boundary"]
    width_px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = Field(
        20, description="Width of the border in pixels. Example: 10."
    )
    constant: Grey = 0.5


class Alpha(Penalty):
    """The mean opacity of a transparent picture: takes away this share of the score (Lucid).

    Example: penalties: [{kind: alpha, weight: 0.5}]
    """

    needs_alpha: ClassVar[bool] = True
    is_share_of_score: ClassVar[bool] = True
    grows_with: ClassVar[int] = 0

    kind: Literal["alpha"]


class BlurAlpha(Penalty):
    """The penalty `blur` for the opacity alone: gives soft, whole outlines.

    Example: penalties: [{kind: blur_alpha, weight: 0.1}]
    """

    needs_alpha: ClassVar[bool] = True
    weight_at_224: ClassVar[float] = 0.1

    kind: Literal["blur_alpha"]


class BatchNorm(Penalty):
    """How far what the network sees is from what it saw in training: makes pictures more like photos.

    Each batch normalization below what is optimised knows the mean and the spread that each channel had then
    (DeepInversion, Yin et al. 2020). Other networks recognise such pictures more often.

    Example: penalties: [{kind: batch_norm, weight: 1}]
    """

    needs_batch_norm: ClassVar[bool] = True
    weight_at_224: ClassVar[float] = 1.0
    grows_with: ClassVar[int] = 0

    kind: Literal["batch_norm"]


class OtherClasses(Penalty):
    """What the network sees of all classes together: takes away what is not the class's own.

    It is the logarithm of the sum of the exponentials of all logits. With a weight of 1, the logit of a class
    becomes the logarithm of its probability, which can rise by lowering all other classes alone.

    Example: penalties: [{kind: other_classes, weight: 0.5}]
    """

    needs_classes: ClassVar[bool] = True
    weight_at_224: ClassVar[float] = 0.5
    grows_with: ClassVar[int] = 0

    kind: Literal["other_classes"]


AnyPenalty = Annotated[
    L1 | L2 | TotalVariation | Blur | Boundary | Alpha | BlurAlpha | BatchNorm | OtherClasses,
    Field(discriminator="kind"),
    OrName("kind"),
]
