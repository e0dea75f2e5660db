"""What a page of a layer says, or of a job whose pictures are of no single channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import chapter_page, link
from fvcli.atlas.site.sources import layer_remark
from fvcli.atlas.site.trust import chapter_trust
from fvcli.atlas.site.words import facts_said, lacking_said


def chapter_said(
    atlas: Atlas, chapter: Chapter, page: int, evidence: Evidence, map_columns: int
) -> dict[str, Any]:
    """Return what ``chapter.html`` is told beside its tiles.

    Args:
        atlas: What is shown.
        chapter: Which of its chapters.
        page: Of the chapter, from 1.
        evidence: What is known of the chapter.
        map_columns: Of the map of the page; 0: there is none.
    """
    begin = (page - 1) * A_PAGE
    count = min(A_PAGE, len(chapter.entries) - begin)
    place = atlas.chapters.index(chapter)
    around = atlas.chapters
    classes = evidence.filter_classes(begin, begin + count)
    remark = layer_remark(evidence.without_photos, len(chapter.entries))
    return {
        "heading": chapter.heading,
        "folder": chapter.folder,
        "page": page,
        "pages": chapter.pages,
        "is_layer": chapter.is_layer,
        "facts": facts_said(chapter),
        "lacking": lacking_said(chapter.counts),
        "remark": None if remark is None else (remark.said, remark.mends, remark.command()),
        "said": f"{count:,} of {count:,} shown",
        "before": _near(around[place - 1]) if place else None,
        "after": _near(around[place + 1]) if place + 1 < len(around) else None,
        "has_photos": evidence.photos is not None,
        "trust": chapter_trust(chapter.entries[begin : begin + count]),
        "classes": classes.names,
        "class_words": classes.said,
        "has_map": map_columns > 0,
        "map_said": evidence.map_said,
        "all_pages": list(_pages(chapter)),
        "address": f"{atlas.title}, {chapter.heading}",
    }


def _near(chapter: Chapter) -> dict[str, str]:
    return {"name": chapter.heading, "href": link(chapter_page(chapter.folder))}


def _pages(chapter: Chapter) -> Iterator[dict[str, Any]]:
    for page in range(1, chapter.pages + 1):
        entries: Sequence[Any] = chapter.entries[(page - 1) * A_PAGE : page * A_PAGE]
        yield {
            "number": page,
            "href": link(chapter_page(chapter.folder, page), 2),
            "said": f"{entries[0].title} to {entries[-1].title}",
        }
