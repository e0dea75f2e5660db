"""The HTML of a site's pages: what they say, put into templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from fvcli import __version__
from fvcli.atlas.site.chapter_page import chapter_said
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter
from fvcli.atlas.site.document import write_document
from fvcli.atlas.site.entry_page import EntryPages
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import link, picture_file, sheet_file
from fvcli.atlas.site.overview_page import overview_said, whole_said
from fvcli.atlas.site.paper_figures import Asked, write_figures
from fvcli.atlas.site.sheets import A_SHEET
from fvcli.atlas.site.similarity import Neighbour
from fvcli.atlas.site.sources import Sources
from fvcli.atlas.site.templates import Templates
from fvcli.atlas.site.tiles import Tiles
from fvcli.atlas.site.words import facts_said
from fvcli.run import RunFolder


class Pages:
    """Makes the pages of an atlas.

    Args:
        run: The run.
        atlas: What is shown of it.
        url: Where the site will be, for the cards of links; they need whole addresses.
        table: The name of the Parquet table, if there is one.
    """

    def __init__(self, run: RunFolder, atlas: Atlas, url: str | None, table: str = "") -> None:
        self._run = run
        self._atlas = atlas
        self._url = url.rstrip("/") + "/" if url else ""
        self._table = table
        self._templates = Templates()
        self._tiles = Tiles(atlas, self._templates)
        self._entries = EntryPages(run, atlas, self._tiles)

    def overview(self, strips: Mapping[str, Sequence[int]], sources: Sources) -> str:
        """Return index.html; see ``overview_said``."""
        said = overview_said(self._run, self._atlas, self._tiles, strips, sources)
        said["atlas"] |= {**self._common, "table": self._table}
        return self._templates.page("overview.html", **said)

    def chapter(self, chapter: Chapter, page: int, evidence: Evidence, map_columns: int) -> str:
        """Return a page of a chapter, from 1."""
        begin = (page - 1) * A_PAGE
        shown = chapter.entries[begin : begin + A_PAGE]
        tiles = [
            {"name": entry.name, "html": self._tiles.html(chapter, begin + i)}
            for i, entry in enumerate(shown)
        ]
        said = chapter_said(self._atlas, chapter, page, evidence, map_columns)
        said["card"] = self._card(sheet_file(chapter.folder, begin // A_SHEET))
        return self._templates.page("chapter.html", atlas=self._common, chapter=said, tiles=tiles)

    def entry(
        self, chapter: Chapter, place: int, near: Sequence[Neighbour], evidence: Evidence
    ) -> dict[str, Any]:
        """Return all that the page of an entry says; two that are equal have equal pages."""
        main = chapter.entries[place].main
        said = self._entries.said(chapter, place, near, evidence)
        said["unit"]["card"] = self._card(picture_file(chapter.folder, main.key)) if main.is_shown else ""
        return said

    def entry_html(self, said: Mapping[str, Any]) -> str:
        """Return the page of an entry."""
        return self._templates.page("entry.html", atlas=self._common, **said)

    def redirect(self, key: str, target: str) -> str:
        """Return the page that leads from a key to its entry."""
        return self._templates.page("redirect.html", key=key, target=target)

    def document(
        self, path: Path, site: Path, evidence_of: Callable[[Chapter], Evidence], has_photos: bool
    ) -> Path:
        """Write all of the atlas into one file; return it."""
        template = self._templates.named("document.html")
        said = {**self._common, **whole_said(self._run, self._atlas, has_photos)}
        return write_document(path, site, template, self._atlas, evidence_of, facts_said, said)

    def figures(
        self, folder: Path, asked: Sequence[Asked], evidence_of: Callable[[Chapter], Evidence]
    ) -> Iterator[Path]:
        """Write figures for papers; yield the files."""
        template = self._templates.named("figure.svg")
        yield from write_figures(folder, self._run, self._atlas, asked, template, evidence_of)

    @cached_property
    def _common(self) -> dict[str, Any]:
        return {"title": self._atlas.title, "version": __version__}

    def _card(self, path: str) -> str:
        return self._url + link(path) if self._url else ""
