"""What the page of a unit says: all that the atlas has of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from fvcli.atlas.site.charts import curve, number
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter, Entry
from fvcli.atlas.site.entry_spec import entry_spec
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import chapter_page, isolated, link, picture_file
from fvcli.atlas.site.read_picture import Figure, Picture
from fvcli.atlas.site.similarity import Neighbour
from fvcli.atlas.site.sources import unit_remark
from fvcli.atlas.site.tiles import Tiles
from fvcli.atlas.site.trust import entry_trust, flags_of_entry
from fvcli.atlas.site.words import (
    CLASS_WORDS,
    UNIT_WORDS,
    figure_said,
    map_said,
    objective_said,
    picture_said,
    status_said,
)
from fvcli.errors import size_in_words
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.layout import read_text

CURVE_SAID = (
    "How the score of the picture grew, step by step. It is that of randomly changed copies, so it varies."
)


class EntryPages:
    """Says what the pages of an atlas's units show.

    Args:
        run: The run.
        atlas: What is shown of it.
        tiles: Of the atlas.
    """

    def __init__(self, run: RunFolder, atlas: Atlas, tiles: Tiles) -> None:
        self._run = run
        self._atlas = atlas
        self._tiles = tiles
        self._units_of: tuple[tuple[str, int] | None, dict[int, Unit]] = (None, {})

    def said(
        self, chapter: Chapter, place: int, near: Sequence[Neighbour], evidence: Evidence
    ) -> dict[str, Any]:
        """Return what ``entry.html`` is told of the entry at a position of a chapter."""
        entry = chapter.entries[place]
        by_figure: dict[Figure, list[Picture]] = {}
        for picture in entry.pictures:
            by_figure.setdefault(picture.figure, []).append(picture)
        words = _words(chapter, entry)
        figures = [
            (int(figure), figure_said(words, figure, pictures[0]), self._shown(chapter, pictures, entry))
            for figure, pictures in sorted(by_figure.items())
            if figure is not Figure.OTHER
        ]
        units = self._units(chapter, place)
        line, curve_said = self._curve(entry.main)
        return {
            "unit": self._unit(chapter, place, evidence, len(units)),
            "figures": figures,
            "others": self._shown(chapter, by_figure.get(Figure.OTHER, ()), entry),
            "trust": entry_trust(entry),
            "photos": evidence.shown(place),
            "histogram": evidence.histogram(place),
            "classes": evidence.classes(place, self._tiles.page_of_class),
            "curve": line,
            "curve_said": curve_said,
            "similar": self._similar(chapter, near, evidence),
            "links": list(evidence.link_figures(place, self._tiles.of_channel)),
            "spec": entry_spec(self._run.plan, units),
            "facts": list(self._facts(entry)),
        }

    def _unit(self, chapter: Chapter, place: int, evidence: Evidence, pictures: int) -> dict[str, Any]:
        entry, model = chapter.entries[place], self._atlas.model
        heading = f"{chapter.heading} {entry.title}"
        remark = unit_remark() if evidence.lacks_photos(place) else None
        return {
            "heading": heading,
            "folder": chapter.folder,
            "name": entry.name,
            "page": place // A_PAGE + 1,
            "pages": chapter.pages,
            "chapter": chapter.heading,
            "chapter_href": link(chapter_page(chapter.folder, place // A_PAGE + 1))
            + f"#u-{link(entry.name)}",
            "title": entry.title,
            "label": entry.label.name if entry.label else "",
            "note": entry.label.note if entry.label else "",
            "summary": _summary(chapter, place, evidence),
            "remark": None if remark is None else (remark.said, remark.mends, remark.command()),
            "before": link(f"{chapter.entries[place - 1].name}.html") if place else "",
            "after": link(f"{chapter.entries[place + 1].name}.html")
            if place + 1 < len(chapter.entries)
            else "",
            "file": PurePath(model.path).name if model is not None and model.path else "",
            "again": "this picture" if pictures == 1 else f"these {pictures} pictures",
            "address": f"{self._atlas.title}, {heading}, key {entry.main.key}",
        }

    def _units(self, chapter: Chapter, place: int) -> list[Unit]:
        """Return the units of an entry.

        Those of a page of entries are read in the order of the plan, because a large plan is read in parts,
        and variants of an entry are far from each other in it.
        """
        page = chapter.folder, place // A_PAGE
        if self._units_of[0] != page:
            begin = page[1] * A_PAGE
            some = chapter.entries[begin : begin + A_PAGE]
            positions = sorted(picture.position for entry in some for picture in entry.pictures)
            self._units_of = page, {one: self._run.plan.units[one] for one in positions}
        return [self._units_of[1][picture.position] for picture in chapter.entries[place].pictures]

    def _shown(self, chapter: Chapter, pictures: Sequence[Picture], entry: Entry) -> list[dict[str, Any]]:
        flags = flags_of_entry(entry)  # they stand on top of the page
        first = entry.scored[0] if entry.scored else None
        return [
            {
                "name": picture.unit,
                "src": link(picture_file(chapter.folder, picture.key)) if picture.is_shown else "",
                "width": self._atlas.programs[picture.program].width_px,
                "height": self._atlas.programs[picture.program].height_px,
                "alt": f"{chapter.heading} unit {picture.label}, {objective_said(picture)} objective",
                "status": picture.status,
                "why": status_said(picture),
                "said": picture_said(
                    picture, self._atlas.programs[picture.program], flags if picture is first else ()
                ),
            }
            for picture in pictures
        ]

    def _similar(
        self, chapter: Chapter, near: Sequence[Neighbour], evidence: Evidence
    ) -> dict[str, Any] | None:
        alike = [one for one in near if one.cosine > 0]
        if not alike:
            return None
        tiles = [(self._tiles.html(chapter, one.position), f"likeness {number(one.cosine)}") for one in alike]
        return {"tiles": tiles, "said": evidence.similar_said}

    def _curve(self, picture: Picture) -> tuple[Any, str]:
        scores = list(picture.trace)
        said = f"These are the first {len(scores)} steps." if picture.steps > len(scores) else ""
        if picture.has_curve:
            try:
                told = json.loads(read_text(self._run.units / f"{picture.stem}.curve.json"))
                scores = [float(score) for score in told["scores"]]
                said = ""
            except (ValueError, KeyError, TypeError):
                pass
        found = curve(scores, len(scores) - 1)
        return (
            found,
            f"{CURVE_SAID} {said}".strip() if found else "",
        )

    def _facts(self, entry: Entry) -> Iterator[tuple[str, str]]:
        program = self._atlas.programs[entry.main.program]
        yield "unit of the run", entry.main.unit
        yield "key", entry.main.key
        if entry.main.pixels:
            yield "pixels", f"SHA-256 {entry.main.pixels}"
        yield "size", size_in_words((program.height_px, program.width_px), " px")
        yield "seed", str(program.settings.seed)
        yield "weights", f"SHA-256 {program.weights_sha256[:16]}"
        if entry.main.is_shown:
            yield "time", f"{number(entry.main.seconds)} s"


def _is_class(entry: Entry) -> bool:
    return entry.number is not None and entry.title != entry.name


def _words(chapter: Chapter, entry: Entry) -> dict[Figure, str]:
    return CLASS_WORDS if _is_class(entry) else UNIT_WORDS if chapter.is_layer else {}


def _summary(chapter: Chapter, place: int, evidence: Evidence) -> str:
    entry = chapter.entries[place]
    if not chapter.is_layer:
        return (
            f"A picture of the job {isolated(chapter.heading)}. It is of no single channel or class, so "
            "photos are not looked for."
        )
    where = isolated(chapter.heading)
    if _is_class(entry):
        what = f"Class {entry.name} of the network, one of the scores of its output {where}"
    else:
        what = f"Channel {entry.name} of {where}: {map_said(chapter)}"
    return f"{what}. {evidence.summary(place)}".strip()
