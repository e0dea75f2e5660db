"""Regularizers: what is done to the pixels after each step (Yosinski et al. 2015)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fvcli.spec.base import Float, Int, OrName, Share, Strictly

Percentile = Annotated[
    Float,
    Field(
        ge=0, le=100, description="Percentage of the pixels that become grey after each step. Example: 50."
    ),
]


class Decay(Strictly):
    """Move every pixel towards grey after each step: lowers contrast (Yosinski et al. 2015).

    Example: regularizers: [{kind: decay, rate: 0.01}]
    """

    kind: Literal["decay"]
    rate: Share = Field(description="Share of the way to grey that each step takes. Example: 0.01.")


class GaussianBlur(Strictly):
    """Blur the picture every few steps: removes fine noise (Yosinski et al. 2015).

    Example: regularizers: [{kind: gaussian_blur, sigma_px: 1, every: 4}]
    """

    kind: Literal["gaussian_blur"]
    sigma_px: Annotated[Float, Field(gt=0, le=64)] = Field(
        0.5, description="Standard deviation of the blur in pixels. Raise it for larger, softer forms."
    )
    every: Annotated[Int, Field(ge=1)] = Field(
        4, description="Number of steps from one blur to the next; 1 blurs after each step."
    )


class ClipNorm(Strictly):
    """Make those pixels grey that are nearest to grey: leaves the strongest forms (Yosinski et al. 2015).

    Example: regularizers: [{kind: clip_norm, percentile: 50}]
    """

    kind: Literal["clip_norm"]
    percentile: Percentile


class ClipContribution(Strictly):
    """Make those pixels grey that matter least to the score (Yosinski et al. 2015).

    Example: regularizers: [{kind: clip_contribution, percentile: 90}]
    """

    kind: Literal["clip_contribution"]
    percentile: Percentile


AnyRegularizer = Annotated[
    Decay | GaussianBlur | ClipNorm | ClipContribution, Field(discriminator="kind"), OrName("kind")
]
