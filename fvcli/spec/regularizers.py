"""Regularizers: what is done to the pixels after each step (Yosinski et al. 2015)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fvcli.spec.base import Float, Int, OrName, Share, Strictly

Percentile = Annotated[Float, Field(ge=0, le=100)]


class Decay(Strictly):
    """Move every pixel towards grey by a share (Yosinski et al. 2015)."""

    kind: Literal["decay"]
    rate: Share


class GaussianBlur(Strictly):
    """Blur the picture every few steps (Yosinski et al. 2015)."""

    kind: Literal["gaussian_blur"]
    sigma_px: Annotated[Float, Field(gt=0, le=64)] = 0.5
    every: Annotated[Int, Field(ge=1)] = 4


class ClipNorm(Strictly):
    """Make the faintest pixels grey (Yosinski et al. 2015)."""

    kind: Literal["clip_norm"]
    percentile: Percentile


class ClipContribution(Strictly):
    """Make those pixels grey that matter least to the score (Yosinski et al. 2015)."""

    kind: Literal["clip_contribution"]
    percentile: Percentile


AnyRegularizer = Annotated[
    Decay | GaussianBlur | ClipNorm | ClipContribution, Field(discriminator="kind"), OrName("kind")
]
