"""What the overview of an atlas says, and what is said of the whole atlas in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fvcli.atlas.site.collect import Atlas
from fvcli.atlas.site.layout import chapter_page, link
from fvcli.atlas.site.network_figure import Stage, stages_of
from fvcli.atlas.site.sources import Sources
from fvcli.atlas.site.tiles import Tiles
from fvcli.atlas.site.trust import overview_trust
from fvcli.atlas.site.words import facts_said, lacking_said, summary_said, ways_said
from fvcli.errors import command, counted, size_in_words
from fvcli.run import RunFolder
from fvcli.run.layout import RUN_FACTS, SPEC, read_text

STRIP = 12  # units of a layer that the overview shows at most
# bytes of the overview: what there is room for, so that it stays below a megabyte; a chapter, and each tile
ROOM, A_CHAPTER, A_TILE = 900_000, 420, 310
SPEC_LENGTH = 50_000


def overview_said(
    run: RunFolder,
    atlas: Atlas,
    tiles: Tiles,
    strips: Mapping[str, Sequence[int]],
    sources: Sources,
) -> dict[str, Any]:
    """Return what ``overview.html`` is told.

    Args:
        run: The run.
        atlas: What is shown of it.
        tiles: Of the atlas.
        strips: By folder of each chapter the positions of entries that are shown of it.
        sources: Photos, links and scores, and what is wrong with them.
    """
    remarks, has_photos = sources.remarks, sources.examples is not None
    stages = list(_stages(atlas, tiles))
    return {
        "atlas": {
            **whole_said(run, atlas, has_photos),
            "remarks": [(one.said[:1].upper() + one.said[1:], one.mends, one.command()) for one in remarks],
            "has_layers": bool(tiles.layers),
            "has_jobs": len(tiles.layers) < len(atlas.chapters),
            "has": "its pictures, photos from the whole range of its activation, and its relatives"
            if has_photos
            else "its pictures, its relatives, and the spec that renders it again",
            "examples_command": command("examples", "RUN", "--images", "FOLDER"),
        },
        "trust": overview_trust(atlas, sources.scores),
        "chapters": list(_chapters(atlas, tiles, strips)),
        "stages": stages if tiles.layers else [],
        "has_branches": any(len(one["bars"]) > len({bar.x for bar in one["bars"]}) for one in stages),
        "has_arcs": any(one["arcs"] for one in stages),
        "index_data": link("d/index.js"),
    }


def whole_said(run: RunFolder, atlas: Atlas, has_photos: bool) -> dict[str, Any]:
    """Return what is said of the whole atlas."""
    return {
        "summary": summary_said(atlas),
        "lacking": lacking_said(atlas.counts),
        "has_photos": has_photos,
        "facts": list(_facts(run, atlas)),
        "spec": read_text(run.path / SPEC)[:SPEC_LENGTH],
    }


def _facts(run: RunFolder, atlas: Atlas) -> Iterator[tuple[str, str]]:
    """Yield what the run was made with, as far as its folder tells."""
    model = atlas.model
    if model is not None:
        yield "model", model.name
        yield "weights", f"{model.weights} (SHA-256 {model.weights_sha256[:16]})"
        yield "input", size_in_words(model.native_size_px, " px")
    for way in ways_said(atlas.programs):
        yield "recipe", way
    try:
        facts: Any = json.loads(read_text(run.path / RUN_FACTS))
        yield "device", str(facts["device"])
        yield "versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # nothing is rendered yet, or another version wrote it
    yield "plan", f"{len(run.plan.units):,} pictures, sum {run.plan.sum}"


def _chapters(atlas: Atlas, tiles: Tiles, strips: Mapping[str, Sequence[int]]) -> Iterator[dict[str, Any]]:
    count = tiles_a_chapter(len(atlas.chapters))
    for chapter in atlas.chapters:
        shown = strips[chapter.folder][:count]
        yield {
            "heading": chapter.heading,
            "folder": chapter.folder,
            "is_layer": chapter.is_layer,
            "href": link(chapter_page(chapter.folder)),
            "facts": facts_said(chapter),
            "units": counted(len(chapter.entries), "unit" if chapter.is_layer else "picture"),
            "tiles": [tiles.tile(chapter, place) for place in shown],
        }


def tiles_a_chapter(chapters: int) -> int:
    """Return how many units of each chapter the overview shows: fewer where there are hundreds of them."""
    return max(0, min(STRIP, (ROOM // max(1, chapters) - A_CHAPTER) // A_TILE))


def _stages(atlas: Atlas, tiles: Tiles) -> Iterator[dict[str, Any]]:
    """Yield the parts of Figure 1, the network."""
    found: Sequence[Stage] = stages_of(atlas.model, [*tiles.layers]) if atlas.model else []
    for stage in found:
        yield {
            "size": stage.size,
            "width": stage.width,
            "height": stage.height,
            "arcs": stage.arcs,
            "bars": stage.bars,
            "chapters": [
                {"name": name, "href": link(chapter_page(tiles.layers[name].folder))}
                for name in stage.chapters
            ],
        }
