"""Tiles: small pictures that are cut out of sheets and lead to the pages of units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from markupsafe import Markup

from fvcli.atlas.site.collect import Atlas, Chapter
from fvcli.atlas.site.layout import entry_page, link, sheet_file
from fvcli.atlas.site.sheets import A_SHEET, SIDE
from fvcli.atlas.site.templates import Templates
from fvcli.atlas.site.words import status_said

TWO_UP = "../../"  # from a page of a layer or of a unit to the site


class Tiles:
    """Makes the tiles of an atlas.

    Args:
        atlas: Whose units they show.
        templates: Has the tile.
    """

    def __init__(self, atlas: Atlas, templates: Templates) -> None:
        self._templates = templates
        self._model = atlas.model
        self._made: dict[tuple[str, int], Markup] = {}
        self.layers = {chapter.name: chapter for chapter in atlas.chapters if chapter.is_layer}
        self._places = {
            chapter.name: {entry.number: i for i, entry in enumerate(chapter.entries)}
            for chapter in self.layers.values()
        }

    def tile(self, chapter: Chapter, place: int) -> dict[str, Any]:
        """Return what a tile says of the entry at a position of a chapter."""
        entry = chapter.entries[place]
        shown = entry.main.is_shown
        return {
            "href": link(entry_page(chapter.folder, entry.name)),
            "sheet": link(sheet_file(chapter.folder, place // A_SHEET)) if shown else "",
            "x": place % A_SHEET % SIDE,
            "y": place % A_SHEET // SIDE,
            "title": entry.title,
            "label": entry.label.name if entry.label else "",
            "status": entry.status,
            "why": status_said(entry.main, short=True),
        }

    def html(self, chapter: Chapter, place: int) -> Markup:
        """Return a tile for pages that stand two folders deep; each is made once, and shown on many pages."""
        key = chapter.folder, place
        if key not in self._made:
            self._made[key] = self._macro(self.tile(chapter, place), TWO_UP)
        return self._made[key]

    @cached_property
    def _macro(self) -> Callable[[Mapping[str, Any], str], Markup]:
        return self._templates.named("parts.html").module.tile  # type: ignore[attr-defined, no-any-return]

    def of_channel(self, layer: str, channel: int) -> Markup | None:
        """Return the tile of a channel of any layer, or None if the atlas does not have it."""
        place = self._places.get(layer, {}).get(channel)
        return None if place is None else self.html(self.layers[layer], place)

    def page_of_class(self, class_id: int) -> str:
        """Return the page of a class, or nothing if the atlas has none."""
        model = self._model
        if model is None or model.logits not in self.layers:
            return ""
        chapter = self.layers[model.logits]
        place = self._places[chapter.name].get(class_id)
        return "" if place is None else link(entry_page(chapter.folder, chapter.entries[place].name))
