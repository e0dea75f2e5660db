"""What scripts of the pages and other programs read: a file of data a page of a chapter, and atlas.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fvcli import __version__
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter, Entry
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import chapter_page, entry_page, picture_file, sheet_file
from fvcli.atlas.site.read_picture import Picture
from fvcli.atlas.site.sheets import A_SHEET, SIDE, TILE_PX
from fvcli.atlas.site.similarity import Neighbour, Ranks
from fvcli.atlas.site.trust import page_trust, unit_trust

ATLAS_VERSION = 1
A_PART_BYTES = 700_000  # of a file of units


def page_script(chapter: Chapter, page: int, evidence: Evidence, ranks: Ranks) -> str:
    """Return the data of a page of a chapter as a script: pages that are files may load nothing else."""
    begin = (page - 1) * A_PAGE
    shown = chapter.entries[begin : begin + A_PAGE]
    classes = evidence.filter_classes(begin, begin + len(shown))
    rank = [0] * len(shown)
    for i, place in enumerate(ranks.order):
        rank[place] = i
    data = {
        "folder": chapter.folder,
        "heading": chapter.heading,
        "page": page,
        "begin": begin,
        "names": [entry.name for entry in shown],
        "titles": None if all(e.title == e.name for e in shown) else [entry.title for entry in shown],
        "labels": {i: entry.label.name for i, entry in enumerate(shown) if entry.label},
        "states": {i: entry.status for i, entry in enumerate(shown) if entry.status != "done"},
        "scores": [_rounded(entry.score) for entry in shown],
        "density": [evidence.facts(begin + i)["density"] for i in range(len(shown))]
        if evidence.photos is not None
        else None,
        **page_trust(shown),
        "classNames": classes.names,
        "classes": classes.of if classes.names else None,
        "rank": rank,
        "map": {"columns": ranks.columns, "places": ranks.places.ravel().tolist()} if ranks.columns else None,
        "pictures": [entry.main.key if entry.main.is_shown else "" for entry in shown],
    }
    return f"fvcli.page({_script_json(data)});\n"


def index_script(atlas: Atlas) -> str:
    """Return which chapters there are, for the search on the overview."""
    data = {
        "sheet": A_SHEET,
        "side": SIDE,
        "chapters": [
            {"folder": chapter.folder, "heading": chapter.heading, "pages": chapter.pages}
            for chapter in atlas.chapters
        ],
    }
    return f"fvcli.index({_script_json(data)});\n"


def _script_json(data: Any) -> str:
    """Write JSON that can stand in a script, whatever texts are in it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c")


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.5g}")


# ---- atlas.json


def atlas_json(atlas: Atlas, has_photos: bool, data_of: Mapping[str, Sequence[str]]) -> str:
    """Return atlas.json: what the atlas has, and where. docs/json-files.md explains every key.

    Args:
        atlas: What is shown.
        has_photos: Whether there are examples from photos.
        data_of: The files with the units of each chapter, by its folder.
    """
    model = atlas.model
    data = {
        "version": ATLAS_VERSION,
        "generator": f"fvcli {__version__}",
        "title": atlas.title,
        "model": None if model is None else {"name": model.name, "weights_sha256": model.weights_sha256},
        "counts": dict(sorted(atlas.counts.items())),
        "has_photos": has_photos,
        "tile_px": TILE_PX,
        "tiles_a_row": SIDE,
        "tiles_a_sheet": A_SHEET,
        "layers": [
            {
                "name": chapter.name,
                "folder": chapter.folder,
                "is_layer": chapter.is_layer,
                "units": len(chapter.entries),
                "pages": [chapter_page(chapter.folder, page) for page in range(1, chapter.pages + 1)],
                "data": list(data_of[chapter.folder]),
                **dict(chapter.facts),
            }
            for chapter in atlas.chapters
        ],
    }
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def data_texts(chapter: Chapter, evidence: Evidence, near: Sequence[Sequence[Neighbour]]) -> Iterator[str]:
    """Yield files with the units of a chapter for other programs, none of them much larger than a part."""
    lines: list[str] = []
    part = size = 0
    for place in range(len(chapter.entries)):
        unit = unit_data(chapter, place, evidence, near[place])
        lines.append(json.dumps(unit, ensure_ascii=False, allow_nan=False))
        size += len(lines[-1].encode("utf-8", "replace"))
        if size > A_PART_BYTES or place + 1 == len(chapter.entries):
            part += 1
            yield _part(chapter, part, lines)
            lines, size = [], 0


def _part(chapter: Chapter, part: int, lines: Sequence[str]) -> str:
    head = json.dumps(chapter.name, ensure_ascii=False)
    units = ",\n".join(lines)
    return f'{{"version": {ATLAS_VERSION}, "layer": {head}, "part": {part}, "units": [\n{units}\n]}}\n'


def unit_data(
    chapter: Chapter, place: int, evidence: Evidence, near: Iterable[Neighbour]
) -> Mapping[str, Any]:
    """Return what atlas.json's files say of a unit."""
    entry: Entry = chapter.entries[place]
    return {
        "name": entry.name,
        "number": entry.number,
        "title": entry.title,
        "label": entry.label.name if entry.label else None,
        "note": entry.label.note if entry.label else None,
        "status": entry.status,
        "score": _rounded(entry.score),
        **unit_trust(entry),
        "page": entry_page(chapter.folder, entry.name),
        "sheet": sheet_file(chapter.folder, place // A_SHEET),
        "tile": [place % A_SHEET % SIDE, place % A_SHEET // SIDE],
        **evidence.facts(place),
        "classes": evidence.top_classes(place),
        "similar": [[chapter.entries[one.position].name, one.cosine] for one in near],
        "pictures": [_picture_data(chapter, picture) for picture in entry.pictures],
    }


def _picture_data(chapter: Chapter, picture: Picture) -> Mapping[str, Any]:
    return {
        "unit": picture.unit,
        "key": picture.key,
        "figure": int(picture.figure),
        "objective": picture.objective,
        "sign": picture.sign,
        "status": picture.status,
        "file": picture_file(chapter.folder, picture.key) if picture.is_shown else None,
        "score": _rounded(picture.saved),
        "steps": picture.steps,
    }
