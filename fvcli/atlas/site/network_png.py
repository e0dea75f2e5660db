"""The network as pixels, for a paper: what ``network_figure`` says, drawn at 300 dots to the inch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from fvcli.atlas.lettering import draw_line, line_width_px
from fvcli.atlas.site.network_figure import Arc, Stage

DPI, CSS_DPI = 300, 96
SCALE = DPI / CSS_DPI  # from pixels of a page
MARGIN, GAP, TITLE_PX, TEXT_PX, LINE_PX = 10, 24, 13, 9, 14
NARROWEST = 70
SMOOTH = 4  # times finer than it is shown
ARC_POINTS = 32
INK, SOFT, BAR, MARKED, PAPER = (32, 32, 36), (87, 87, 87), (138, 138, 138), (21, 82, 143), (255, 255, 255)


def draw_network(title: str, stages: Sequence[Stage]) -> np.ndarray:
    """Return the network as uint8 [h, w, 3], on white.

    Args:
        title: Written above it.
        stages: At least one, from the picture to the output.
    """
    lefts, width = _places(stages)
    width = max(width, _length(title, TITLE_PX))
    lines = 1 + max(len(stage.chapters) for stage in stages)
    top = MARGIN + 2 * TITLE_PX
    size = width + 2 * MARGIN, top + stages[0].height + LINE_PX * (lines + 0.5) + MARGIN
    sheet = Image.new("RGB", (_px(size[0]), _px(size[1])), PAPER)
    for left, stage in zip(lefts, stages, strict=True):
        bars = _drawn(stage)
        sheet.paste(bars, (_px(left), _px(top)))
        for row, (text, ink) in enumerate([(stage.size, SOFT), *((name, INK) for name in stage.chapters)]):
            corner = _px(left), _px(top + stage.height + LINE_PX * (row + 0.3))
            draw_line(sheet, text, _px(TEXT_PX), corner, ink)
    draw_line(sheet, title, _px(TITLE_PX), (_px(MARGIN), _px(MARGIN)), INK)
    return np.asarray(sheet)


def _places(stages: Sequence[Stage]) -> tuple[list[float], float]:
    """Return where stages begin, each wide enough for its words, and how wide all are."""
    lefts, left = [], float(MARGIN)
    for stage in stages:
        lefts.append(left)
        words = (_length(text, TEXT_PX) for text in (stage.size, *stage.chapters))
        left += max(stage.width, NARROWEST, *words) + GAP
    return lefts, left - GAP - MARGIN


def _drawn(stage: Stage) -> Image.Image:
    """Return the bars and arcs of a stage."""
    scale = SCALE * SMOOTH
    sheet = Image.new("RGB", (round(stage.width * scale), round(stage.height * scale)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for arc in stage.arcs:
        draw.line([(x * scale, y * scale) for x, y in _curve(arc)], BAR, round(scale))
    for bar in stage.bars:
        box = [bar.x, bar.y, bar.x + bar.width, bar.y + bar.height]
        fill = MARKED if bar.chapter else BAR
        draw.rounded_rectangle([value * scale for value in box], scale, fill)
    return sheet.resize((_px(stage.width), _px(stage.height)), Image.Resampling.BOX)


def _curve(arc: Arc) -> list[tuple[float, float]]:
    """Return points of a cubic Bezier curve."""
    points = np.array(arc.points)
    t = np.linspace(0, 1, ARC_POINTS)[:, None]
    weights = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)
    return [(float(x), float(y)) for x, y in weights @ points]


def _length(text: str, size_px: int) -> float:
    return line_width_px(text, _px(size_px)) / SCALE


def _px(value: float) -> int:
    return round(value * SCALE)
