"""The pictures side by side: a row for each unit, a column for each tool, the score under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from benchmark.headline import finals
from benchmark.tools import PLAIN, TOOLS

TILE_PX = 168
GAP_PX = 6
LINE_PX = 18
LEFT_PX = 130
INK, PAPER, ABSENT = (30, 30, 30), (255, 255, 255), (225, 225, 225)


def draw_sheet(results: Sequence[Mapping[str, Any]], out: Path) -> Image.Image:
    """Draw the first repeat's pictures of all tools at their own numbers of steps.

    Args:
        results: Of all tools and depths.
        out: The bench's folder, where the pictures are.
    """
    first = [result for result in results if result["repeat"] == 0]
    names = [tool.name for tool in TOOLS if any(result["tool"] == tool.name for result in first)]
    samples = list(dict.fromkeys((r["layer"], u["channel"], 0) for r in first for u in r["units"]))
    row_px = TILE_PX + LINE_PX + GAP_PX
    size = (LEFT_PX + len(names) * (TILE_PX + GAP_PX), LINE_PX + GAP_PX + len(samples) * row_px)
    sheet = Image.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for row, (layer, channel, _) in enumerate(samples):
        top = LINE_PX + GAP_PX + row * row_px
        pen.text((GAP_PX, top + TILE_PX // 2), f"{layer}\n{channel}", INK, font)
    plain = finals(first, PLAIN)
    for column, name in enumerate(names):
        left = LEFT_PX + column * (TILE_PX + GAP_PX)
        pen.text((left, GAP_PX // 2), name, INK, font)
        units = finals(first, name)
        for row, sample in enumerate(samples):
            top = LINE_PX + GAP_PX + row * row_px
            if sample not in units:
                pen.rectangle((left, top, left + TILE_PX - 1, top + TILE_PX - 1), ABSENT)
                continue
            path = out / "results" / name / f"{sample[0]}-0" / units[sample]["picture"]
            with Image.open(path) as picture:
                tile = picture.convert("RGB").resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left, top))
            score = units[sample]["score"]
            share = f" ({score / plain[sample]['score']:.2f})" if sample in plain else ""
            pen.text((left, top + TILE_PX + 1), f"{score:.2f}{share}", INK, font)
    return sheet
