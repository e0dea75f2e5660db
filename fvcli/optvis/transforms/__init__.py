"""Transforms: the small random changes that a picture must be robust to, drawn anew for each image.

Random numbers are made outside the graph, so a transform is a plain function of images and draws in
[0, 1). Every image has draws of its own. Only ``scale`` changes the size of what the network sees from
step to step and takes one draw for the whole batch: from the seed alone, so that batch mates still do not
matter.

          canvas           pad             jitter         scale, rotate
        +--------+     ............      ..........      ............
        |        |     . +------+ .      . +------.      .  /----/  .
        |        | --> . |      | .  --> . |      .  --> . /    /   .
        +--------+     . +------+ .      . +------.      ./----/    .
"""

from fvcli.optvis.transforms.base import Transform, apply_all
from fvcli.optvis.transforms.geometry import affine, crop, flip, jitter, pad, rotate, scale
from fvcli.optvis.transforms.noise import collapse_alpha, noise
from fvcli.optvis.transforms.resampling import blur, crops

__all__ = [
    "Transform",
    "affine",
    "apply_all",
    "blur",
    "collapse_alpha",
    "crop",
    "crops",
    "flip",
    "jitter",
    "noise",
    "pad",
    "rotate",
    "scale",
]
