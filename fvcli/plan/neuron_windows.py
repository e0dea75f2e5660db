"""What a neuron sees of a picture, so that no more has to be optimised.

    picture  +-------------------------------+
             |      canvas                   |   canvas: what is optimised; views turn, scale and shift in it
             |     +-------------+           |   view: what the network sees at a step
             |     |  view       |           |   field: what the neuron sees of a view
             |     |  +-------+  |           |
             |     |  | field |  |           |
             |     |  +-------+  |           |
             |     +-------------+           |
             +-------------------------------+

A view is a whole number of strides wide, so that every convolution meets its pixels as it does in the
whole picture, and it holds the whole field, so that the zeros around a view are never seen: the neuron's
activation is the same in the view as in the picture.
"""

from __future__ import annotations

import math

from fvcli.models import ModelFacts
from fvcli.plan.data import Window
from fvcli.plan.terms import TermPlan
from fvcli.spec.settings import ResolvedRender
from fvcli.spec.transforms import Affine

SHIFT = 1 / 8  # of the field; larger shifts than that leave a small field no form, only a texture
WORTH_IT = 0.7  # a canvas of more than this share of the picture's area is not cut out


def neuron_window(
    term: TermPlan, settings: ResolvedRender, facts: ModelFacts
) -> tuple[Window, tuple[int, int]] | None:
    """Return the window of a neuron and the row and column of the picture where it begins.

    None where the whole picture is to be optimised: by the settings, because the neuron sees it all or
    beyond its border, or because the transforms are not one affine resampling.

    Args:
        term: Of kind neuron; without a position it is the central one.
        settings: Resolved.
        facts: Of the model.
    """
    if settings.canvas != "seen" or len(settings.transforms) != 1:
        return None
    (transform,) = settings.transforms
    if not isinstance(transform, Affine):
        return None
    layer = facts.layers_at(*settings.size_px)[term.layer]
    if layer.receptive_field_px is None or layer.stride_px is None:
        return None
    if len({*layer.receptive_field_px}) > 1 or len({*layer.stride_px}) > 1 or facts.input_size([term.layer]):
        return None
    field, stride = layer.receptive_field_px[0], layer.stride_px[0]
    if not isinstance(stride, int):  # behind upsampling
        return None
    view, position = _view(term.layer, field, stride, facts)
    shift_px = min(transform.shift_px, field * SHIFT)
    canvas = view + 2 * transform.margin_px(shift_px, view)
    rows = (layer.height // 2, layer.width // 2) if term.row < 0 else (term.row, term.column)
    inside = facts.layers_at(view, view)[term.layer].offset_px
    begins = [layer.offset_px[i] + rows[i] * stride for i in (0, 1)]  # of the field, in the picture
    ends = [begin + field for begin in begins]
    if min(begins) < 0 or any(end > side for end, side in zip(ends, settings.size_px, strict=True)):
        return None
    if canvas**2 > WORTH_IT * math.prod(settings.size_px):
        return None
    border = (canvas - view) // 2
    place = [begins[i] - inside[i] - position[i] * stride - border for i in (0, 1)]
    return Window(canvas, view, shift_px, *position), (place[0], place[1])


def _view(layer: str, field: int, stride: int, facts: ModelFacts) -> tuple[int, tuple[int, int]]:
    """Return the side of the smallest view with a whole field inside, and the position that has it."""
    view = stride
    while True:
        offset = facts.layers_at(view, view)[layer].offset_px
        position = [-(begin // stride) for begin in offset]  # the first whose field begins inside
        if all(offset[i] + position[i] * stride + field <= view for i in (0, 1)):
            return view, (position[0], position[1])
        view += stride
