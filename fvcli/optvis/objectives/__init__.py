"""Objectives: what a picture is optimised for, one score per image.

An objective is called with T, which gives the activations of a layer as [batch, h, w, channels]:

    >>> objective = channel("block4_bn", 3) - 0.5 * class_logit("logits", 207)
    >>> objective(T)          # float32 [batch]

All are maximised, except for penalties, which are positive and are subtracted. The score of an image
reads nothing of the other images in its batch, but for those objectives that couple them: ``diversity``
and ``alignment``. Indices are a plain int, or an int tensor [batch] with one index an image, so that
one compiled step serves every unit; vectors likewise. Formulas are Lucid 0.3.10's where it has them;
kinds are those of Olah et al. 2017, "Optimization Objectives".
"""

from fvcli.optvis.objectives.base import Activations, Index, Objective, channel_map, select
from fvcli.optvis.objectives.directions import direction, direction_neuron, local_group, tensor_direction
from fvcli.optvis.objectives.distributions import sort_match
from fvcli.optvis.objectives.penalties import (
    alpha,
    batch_norm,
    blur_alpha,
    blur_input,
    boundary,
    l1,
    l2,
    other_classes,
    total_variation,
)
from fvcli.optvis.objectives.pictures import caricature, match, style
from fvcli.optvis.objectives.together import alignment, diversity
from fvcli.optvis.objectives.units import (
    channel,
    channel_interpolate,
    class_logit,
    class_probability,
    deepdream,
    neuron,
    neuron_off_centre,
)

__all__ = [
    "Activations",
    "Index",
    "Objective",
    "alignment",
    "alpha",
    "batch_norm",
    "blur_alpha",
    "blur_input",
    "boundary",
    "caricature",
    "channel",
    "channel_interpolate",
    "channel_map",
    "class_logit",
    "class_probability",
    "deepdream",
    "direction",
    "direction_neuron",
    "diversity",
    "l1",
    "l2",
    "local_group",
    "match",
    "neuron",
    "neuron_off_centre",
    "other_classes",
    "select",
    "sort_match",
    "style",
    "tensor_direction",
    "total_variation",
]
