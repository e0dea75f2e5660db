"""Image parameterizations: which numbers are optimised, and how they become a picture.

    numbers --(inverse Fourier | pyramid | as they are)--> decorrelated colours --> RGB --sigmoid--> [0, 1]
    weights of a small network, or the code of a large one ----------------------------------------> [0, 1]

The same gradient leads to different pictures in different coordinates. In the Fourier basis, scaled
by one over frequency, a step moves all sizes of detail alike (Olah et al. 2017, "Preconditioning and
Parameterization"); in pixels, high frequencies win.
"""

from fvcli.optvis.images.alpha import with_alpha
from fvcli.optvis.images.base import Numbers, Parameterization
from fvcli.optvis.images.cppn import between, cppn
from fvcli.optvis.images.fourier import fourier, fourier_scale
from fvcli.optvis.images.generator import generator
from fvcli.optvis.images.laplacian import laplacian
from fvcli.optvis.images.maco import maco
from fvcli.optvis.images.pixel import pixel
from fvcli.optvis.images.shared import shared, with_shared

__all__ = [
    "Numbers",
    "Parameterization",
    "between",
    "cppn",
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
