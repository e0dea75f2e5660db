"""Figures for papers, as SVG and as PNG of 300 dpi: units of a layer, all of a unit, or the network."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from jinja2 import Template
from PIL import Image

from fvcli.atlas.cells import Cell, as_shown, checkerboard
from fvcli.atlas.figure import Row, draw_figure
from fvcli.atlas.site.collect import Atlas, Chapter, Entry
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.network_figure import Stage, stages_of
from fvcli.atlas.site.network_png import draw_network
from fvcli.atlas.site.pictures import seen_pixels
from fvcli.atlas.site.read_picture import Figure, Picture
from fvcli.errors import FvcliError, UsageError, some_of
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.run.examples.layout import TILE_PX
from fvcli.run.objects import read_bytes
from fvcli.spec.file_names import folder_names

NETWORK = "network"
ASKED = re.compile(r"(?P<layer>.+?)(:(?P<units>[^:/]+))?")
DPI = 300
MOST_UNITS = 400
A_ROW = 10  # units, photos
CELL, GAP, LINE = 100, 6, 14  # of an SVG, in its own units
SHORT = {
    Figure.CHANNEL: "channel",
    Figure.NEURON: "neuron",
    Figure.NEGATIVE: "negative",
    Figure.DIVERSITY: "diversity",
}
Asked = tuple[str, Chapter | None, tuple[int, ...]]  # name of the files, chapter, positions of entries


def asked_figures(atlas: Atlas, names: Sequence[str]) -> list[Asked]:
    """Return what figures are of: ``network``, LAYER, or LAYER:UNITS with units such as 3,17 or 0-9.

    Raises:
        UsageError: Some are not in the atlas; all of them are named.
    """
    found, wrong = [], []
    for name in names:
        try:
            found.append(_asked(atlas, name))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        layers = some_of([chapter.name for chapter in atlas.chapters], "layer", 8)
        raise UsageError("; ".join(wrong), f"write network, LAYER or LAYER:3,17; the atlas has {layers}")
    return found


def _asked(atlas: Atlas, name: str) -> Asked:
    chapters = {chapter.name: chapter for chapter in reversed(atlas.chapters)}  # layers stand before jobs
    if name == NETWORK and NETWORK not in chapters:
        if atlas.model is None:
            raise ValueError("--figure network: the run has no model.json")
        if not stages_of(atlas.model, []):
            raise ValueError("--figure network: the network has no layers with weights, or too many to draw")
        return NETWORK, None, ()
    match = ASKED.fullmatch(name)
    layer, units = (name, None) if name in chapters or match is None else (match["layer"], match["units"])
    if layer not in chapters:
        raise ValueError(f"--figure {name}: {layer} is no layer of the atlas")
    chapter = chapters[layer]
    places = {entry.name: place for place, entry in enumerate(chapter.entries)}
    try:
        wanted = list(places) if units is None else list(dict.fromkeys(_units(units)))
    except ValueError as error:
        raise ValueError(f"--figure {name}: {error}") from error
    missing = [unit for unit in wanted if unit not in places]
    if missing:
        raise ValueError(f"--figure {name}: the atlas has no unit {some_of(missing, 'unit')} of {layer}")
    if len(wanted) > MOST_UNITS:
        raise ValueError(f"--figure {name}: {len(wanted)} units, and a figure takes {MOST_UNITS}")
    return (
        _file_name(name),
        chapter,
        tuple(places[unit] for unit in wanted),
    )


def _file_name(asked: str) -> str:
    """Return the name of the files of a figure; what had to be changed ends in a sum."""
    layer, _, units = asked.rpartition(":")
    wanted = f"{layer}-{units.replace(',', '_')}" if layer else units
    return folder_names([wanted])[wanted]


def _units(text: str) -> Iterator[str]:
    """Yield the units that a text names.

    Raises:
        ValueError: It names none, or too many.
    """
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", part)
        if match is None:
            yield part.strip()
            continue
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise ValueError(f"{part.strip()} ends before it begins")
        if last - first >= MOST_UNITS:
            raise ValueError(f"{last - first + 1:,} units, and a figure takes {MOST_UNITS}")
        yield from map(str, range(first, last + 1))


def write_figures(
    folder: Path,
    run: RunFolder,
    atlas: Atlas,
    asked: Sequence[Asked],
    template: Template,
    evidence_of: Callable[[Chapter], Evidence],
) -> Iterator[Path]:
    """Write figures, each as SVG and PNG; yield the files.

    Args:
        folder: Where they are written.
        run: Whose pictures they have.
        atlas: Of the run.
        asked: What they are of; see ``asked_figures``.
        template: ``figure.svg``.
        evidence_of: Returns what is known of a chapter.
    """
    for name, chapter, places in asked:
        if chapter is None:
            yield from _network(folder, name, atlas, template)
            continue
        rows, title = _rows(run, chapter, places, evidence_of(chapter))
        yield _write(folder / f"{name}.svg", _svg(rows, title, template).encode())
        yield _write(folder / f"{name}.png", _png(draw_figure(rows, title=title)))


def _write(path: Path, content: bytes) -> Path:
    write_atomic(path, content, durable=False)
    return path


def _png(pixels: np.ndarray) -> bytes:
    return bytes(iio.imwrite("<bytes>", pixels, extension=".png", plugin="pillow", dpi=(DPI, DPI)))


# ---- rows of pictures


def _rows(
    run: RunFolder, chapter: Chapter, places: Sequence[int], evidence: Evidence
) -> tuple[list[Row], str]:
    if len(places) == 1:
        entry = chapter.entries[places[0]]
        rows = [Row("", [_cell(run, picture, _kind(picture)) for picture in entry.pictures])]
        photos = list(_photos(evidence, places[0]))
        rows += [Row("", photos[i : i + A_ROW]) for i in range(0, len(photos), A_ROW)]
        return rows, f"{chapter.heading} {_name(entry)}"
    cells = [_cell(run, chapter.entries[place].main, _name(chapter.entries[place])) for place in places]
    return [Row("", cells[i : i + A_ROW]) for i in range(0, len(cells), A_ROW)], chapter.heading


def _name(entry: Entry) -> str:
    return f"{entry.title} \u201c{entry.label.name}\u201d" if entry.label else entry.title


def _kind(picture: Picture) -> str:
    return SHORT.get(picture.figure, picture.job)


def _cell(run: RunFolder, picture: Picture, caption: str) -> Cell:
    if not picture.is_shown:
        return Cell(None, caption, "pending" if picture.status == "missing" else picture.status)
    try:
        return Cell(seen_pixels(run, picture), caption, picture.status)
    except FvcliError:
        return Cell(None, caption, "damaged")


def _photos(evidence: Evidence, place: int) -> Iterator[Cell]:
    found = evidence.photos_of(place)
    if found is None:
        return
    photos, row = found
    channel = int(photos.arrays.channels[row])
    try:
        with Image.open(io.BytesIO(read_bytes(photos.examples.sheet(photos.head, channel)))) as sheet:
            pixels = np.asarray(sheet.convert("RGB"))
    except OSError:
        return
    for shown in photos.shown(row, is_map=True)["top"]:
        top, left = shown["y"] * TILE_PX, shown["x"] * TILE_PX
        yield Cell(pixels[top : top + TILE_PX, left : left + TILE_PX], shown["value"])


# ---- SVG


def _svg(rows: Sequence[Row], title: str, template: Template) -> str:
    """Return rows of cells as SVG; pictures are PNG in it, because few programs read others there."""
    top = 30
    cells: list[dict[str, Any]] = []
    for row in rows:
        for column, cell in enumerate(row.cells):
            left = column * (CELL + GAP)
            href = "" if cell.pixels is None else f"data:image/png;base64,{_encoded(cell.pixels)}"
            status = "" if cell.status == "done" else cell.status
            cells.append({"x": left, "y": top, "href": href, "caption": cell.caption, "status": status})
        top += CELL + LINE + GAP
    width = max((len(row.cells) for row in rows), default=1) * (CELL + GAP) - GAP
    return template.render(title=title, width=width, height=top, cells=cells, cell=CELL, line=LINE, stages=())


def _encoded(pixels: np.ndarray) -> str:
    shown = checkerboard(pixels) if pixels.shape[-1] == 4 else as_shown(pixels)
    buffer = io.BytesIO()
    Image.fromarray(shown[..., 0] if shown.ndim == 3 and shown.shape[-1] == 1 else shown).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode("ascii")


def _network(folder: Path, name: str, atlas: Atlas, template: Template) -> Iterator[Path]:
    assert atlas.model is not None  # or it was refused
    stages = stages_of(atlas.model, [chapter.name for chapter in atlas.chapters if chapter.is_layer])
    yield _write(folder / f"{name}.svg", _network_svg(atlas.title, stages, template).encode())
    yield _write(folder / f"{name}.png", _png(draw_network(atlas.title, stages)))


def _network_svg(title: str, stages: Sequence[Stage], template: Template) -> str:
    placed, left = [], 0.0
    for stage in stages:
        placed.append({"x": left, "stage": stage})
        left += max(stage.width, 70, *(6.2 * len(name) for name in stage.chapters), 0) + 24
    lines = max(len(stage.chapters) for stage in stages)
    height = 30 + stages[0].height + LINE * (2 + lines)
    return template.render(
        title=title,
        width=max(left, 7.5 * len(title)),
        height=height,
        cells=(),
        cell=CELL,
        line=LINE,
        stages=placed,
    )
