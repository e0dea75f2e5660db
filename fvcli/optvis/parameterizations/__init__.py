"""Image parameterizations: which params are optimised, and how they become a picture.

    params --(inverse Fourier | pyramid | as they are)--> decorrelated colours --> RGB --sigmoid--> [0, 1]
    weights of a small network, or the code of a large one ----------------------------------------> [0, 1]

The same gradient leads to different pictures in different coordinates. In the Fourier basis, scaled
by one over frequency, a step moves all sizes of detail alike (Olah et al. 2017, "Preconditioning and
Parameterization"); in pixels, high frequencies win.
"""

from fvcli.optvis.parameterizations.alpha import with_alpha
from fvcli.optvis.parameterizations.base import Parameterization, Params
from fvcli.optvis.parameterizations.cppn import between, cppn
from fvcli.optvis.parameterizations.deep_image_prior import deep_image_prior
from fvcli.optvis.parameterizations.fourier import fourier, fourier_scale
from fvcli.optvis.parameterizations.generator import generator
from fvcli.optvis.parameterizations.laplacian import laplacian
from fvcli.optvis.parameterizations.maco import maco
from fvcli.optvis.parameterizations.pixel import pixel
from fvcli.optvis.parameterizations.shared import shared, with_shared

__all__ = [
    "Parameterization",
    "Params",
    "between",
    "cppn",
    "deep_image_prior",
    "fourier",
    "fourier_scale",
    "generator",
    "laplacian",
    "maco",
    "pixel",
    "shared",
    "with_alpha",
    "with_shared",
]
