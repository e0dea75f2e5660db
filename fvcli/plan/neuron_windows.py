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
from collections.abc import Sequence

from fvcli.models import ModelFacts
from fvcli.plan.data import Window
from fvcli.plan.terms import TermPlan
from fvcli.spec.settings import Settings
from fvcli.spec.transforms import Affine

SHIFT = 1 / 8  # of the field; larger shifts than that leave a small field no form, only a texture
WORTH_IT = 0.7  # a canvas of more than this share of the picture's area is not cut out


def window_of(
    terms: Sequence[TermPlan],
    settings: Settings,
    size_px: tuple[int, int],
    facts: ModelFacts,
    is_alone: bool = True,
) -> tuple[Window, tuple[int, int]] | str:
    """Return the window of a unit and the row and column of the picture where it begins.

    Where the whole picture is to be optimised, it is the reason instead, in words.

    Args:
        terms: Of the unit.
        settings: Resolved.
        size_px: Height and width of the picture.
        facts: Of the model.
        is_alone: Whether the unit has no picture of the job's and no others of a group.
    """
    if settings.canvas != "seen":
        return "canvas is whole"
    if len(terms) != 1 or not terms[0].of_kind.fits_window:
        return "only the objective neuron knows what part of the picture it needs"
    if not is_alone:
        return "what is optimised together or compared with a picture is whole"
    refusal = _refusal(settings)
    return refusal or _neuron_window(terms[0], settings, size_px, facts)


def _refusal(settings: Settings) -> str | None:
    """Say which settings need the whole picture, or None."""
    if settings.starts_from_picture:
        return "start: picture begins with a whole picture"
    if settings.references is not None:
        return "references are matched in the whole picture"
    if settings.attention or settings.views != 1:
        return "attention and views look at the whole picture"
    if not settings.parameterization.holds_pictures:
        return f"a {settings.parameterization.kind} picture cannot be cut"
    if len(settings.transforms) != 1 or not isinstance(settings.transforms[0], Affine):
        return "it needs transforms of a single affine"
    return None


def _neuron_window(
    term: TermPlan, settings: Settings, size_px: tuple[int, int], facts: ModelFacts
) -> tuple[Window, tuple[int, int]] | str:
    """Return the window of a neuron; without a position it is the central one."""
    transform = settings.transforms[0]
    assert isinstance(transform, Affine)  # or the settings were refused
    layer = facts.layers_at(*size_px)[term.layer]
    if layer.receptive_field_px is None or layer.stride_px is None:
        return f"a neuron of {term.layer} sees the whole picture"
    if len({*layer.receptive_field_px}) > 1 or len({*layer.stride_px}) > 1 or facts.input_size([term.layer]):
        return f"{term.layer} needs pictures of one size, or sees other widths than heights"
    field, stride = layer.receptive_field_px[0], layer.stride_px[0]
    if not isinstance(stride, int):  # behind upsampling
        return f"{term.layer} is behind an upsampling"
    view, position = _view(term.layer, field, stride, facts)
    shift_px = min(transform.shift_px, field * SHIFT)
    canvas = view + 2 * transform.margin_px(shift_px, view)
    rows = (layer.height // 2, layer.width // 2) if term.row < 0 else (term.row, term.column)
    inside = facts.layers_at(view, view)[term.layer].offset_px
    begins = [layer.offset_px[i] + rows[i] * stride for i in (0, 1)]  # of the field, in the picture
    ends = [begin + field for begin in begins]
    if min(begins) < 0 or any(end > side for end, side in zip(ends, size_px, strict=True)):
        return "the neuron sees the border of the picture"
    if canvas**2 > WORTH_IT * math.prod(size_px):
        return f"its part of {canvas} x {canvas} px is most of the picture"
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
