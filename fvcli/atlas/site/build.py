"""Build the site of a run: all of it, or what changed since the last time.

OUT/ index.html  atlas.json  atlas.css  atlas.js  theme.js
     l/FOLDER/index.html  l/FOLDER/2.html   a layer, 1,024 units a page
     u/FOLDER/N.html                        a unit
     k/KEY.html                             leads from the key of a picture to its unit
     p/FOLDER/KEY.webp                      pictures
     s/FOLDER/0.webp                        sheets of 64 tiles
     e/FOLDER/N.jpg  N.where.png            photos
     d/FOLDER-1.js  FOLDER-1.json           data: of each page for its script, of all units for programs
     build/                                 what was built of what; see ``state``
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from threading import Lock

from fvcli.atlas.site import layout
from fvcli.atlas.site.build_chapter import ChapterBuilder, Outcome
from fvcli.atlas.site.collect import Atlas, Chapter, without_pictures
from fvcli.atlas.site.data_files import atlas_json, index_script
from fvcli.atlas.site.labels_file import LABELS, Label, labelled
from fvcli.atlas.site.pages import Pages
from fvcli.atlas.site.pictures import Pictures, seen_pixels
from fvcli.atlas.site.read_picture import Picture
from fvcli.atlas.site.script import SCRIPT, site_script
from fvcli.atlas.site.sources import Sources, chapters_remark, read_sources
from fvcli.atlas.site.state import ChapterState, read_state, remove_state
from fvcli.atlas.site.table import TABLE, Row, write_table
from fvcli.atlas.site.wanted import SiteOptions, Wanted, check_wanted
from fvcli.atlas.site.written import write_changed
from fvcli.errors import FvcliError, some_of
from fvcli.plan.without_cycles import without_cycles
from fvcli.run import RunFolder
from fvcli.run.atomic import remove_temporaries

FIGURES = "figures"
ASSETS = ("atlas.css", "theme.js")
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Built:
    """What was built.

    files: The page to open, and what else was asked for.
    units: Pages of units that there are; written: those that were made by this build.
    damaged: Pictures that could not be read.
    notes: What should be known, a sentence each.
    """

    files: Sequence[Path]
    units: int
    written: int
    damaged: Sequence[str]
    notes: Sequence[str] = ()


def build_site(
    run: RunFolder,
    options: SiteOptions,
    told: Told = lambda _what, _count, _total: None,
) -> Built:
    """Build the site of a run, from what is finished.

    Args:
        run: The run.
        options: How.
        told: Is called with what is being done, how many of it are done, and of how many.

    Raises:
        UsageError: All that is wrong with what is asked for, or with the run; nothing was written.
        FvcliError: The disk is full, or examples are damaged.
    """
    wanted = check_wanted(run, options)
    sources = read_sources(run, wanted.atlas.damaged_scores)
    built = _Build(run, wanted, sources, options, told).build()
    notes = [*unknown_labels(wanted.names, wanted.atlas), *(one.line(run.path) for one in sources.remarks)]
    return replace(built, notes=[*notes, *built.notes])


def unknown_labels(labels: Mapping[tuple[str, str], Label], atlas: Atlas) -> Iterator[str]:
    """Say which names are of units that the atlas does not have."""
    there = {labelled(chapter.name, entry.name) for chapter in atlas.chapters for entry in chapter.entries}
    unknown = [f"{layer} {unit}" for layer, unit in labels if (layer, unit) not in there]
    if unknown:
        yield f"the atlas has no unit {some_of(unknown, 'unit')}, which {LABELS} names"


class _Build:
    def __init__(
        self,
        run: RunFolder,
        wanted: Wanted,
        sources: Sources,
        options: SiteOptions,
        told: Told,
    ) -> None:
        self._run = run
        self._site = wanted.site
        self._atlas = wanted.atlas
        self._sources = sources
        self._told = told
        self._options = options
        self._figures = wanted.figures
        self._outcome = Outcome()
        self._notes: list[str] = []
        self._pages, self._builder = self._builders()

    def build(self) -> Built:
        self._write(layout.MARK, "An atlas that fvcli made.\n")
        remove_temporaries(self._site)
        before = {chapter.folder: read_state(self._site, chapter.folder) for chapter in self._atlas.chapters}
        self._leave_out({unit for state in before.values() for unit in state.damaged})
        for name in ASSETS:
            self._write(name, (files("fvcli.atlas.site") / "page" / name).read_text("utf-8"))
        self._write(SCRIPT, site_script())
        states, damaged = self._chapters(before)
        if self._leave_out(damaged):
            states, _ = self._chapters(states)
        has_photos = self._sources.examples is not None
        self._write("d/index.js", index_script(self._atlas))
        self._write(
            "atlas.json",
            atlas_json(self._atlas, has_photos, {folder: state.data for folder, state in states.items()}),
        )
        self._remove_old()
        more = list(self._more())
        strips = {folder: state.strip for folder, state in states.items()}
        self._write(layout.INDEX, self._pages.overview(strips, self._sources))
        units = sum(len(chapter.entries) for chapter in self._atlas.chapters)
        if (remark := chapters_remark(self._outcome.without_photos)) is not None:
            self._notes.append(remark.line(self._run.path))
        made = [self._site / layout.INDEX, *more]
        return Built(made, units, self._outcome.written, self._outcome.damaged, self._notes)

    def _chapters(self, before: Mapping[str, ChapterState]) -> tuple[dict[str, ChapterState], set[str]]:
        """Build all chapters, each while the pictures of those behind it are written.

        Returns:
            What was built, and which pictures cannot be read.
        """
        chapters = self._atlas.chapters
        total = 2 * sum(len(chapter.entries) for chapter in chapters)
        done, lock = 0, Lock()

        def told(count: int) -> None:
            nonlocal done
            with lock:
                done += count
                self._told("pictures and pages", done, total)

        states, damaged = {}, set()
        there = {folder: state.sheets for folder, state in before.items()}
        with without_cycles(), Pictures(self._site, self._run, chapters, there, told) as pictures:
            for chapter in chapters:
                damaged.update(pictures.finish(chapter))
                states[chapter.folder] = self._builder.build(chapter, before[chapter.folder])
                told(len(chapter.entries))
        return states, damaged

    def _leave_out(self, units: Collection[str]) -> bool:
        """Show some pictures as failed because they cannot be read; tell whether there are any."""
        damaged = [
            picture.unit
            for chapter in (self._atlas.chapters if units else ())
            for entry in chapter.entries
            for picture in entry.pictures
            if picture.unit in units and picture.is_shown and self._is_damaged(picture)
        ]
        if damaged:
            self._outcome.damaged += damaged
            self._atlas = without_pictures(self._atlas, damaged)
            self._pages, self._builder = self._builders()
        return bool(damaged)

    def _builders(self) -> tuple[Pages, ChapterBuilder]:
        """Return what makes the pages of the atlas as it is now, and what builds its chapters."""
        run, site, atlas, url = self._run, self._site, self._atlas, self._options.url
        pages = Pages(run, atlas, url, TABLE if self._options.table else "")
        return pages, ChapterBuilder(run, site, atlas, pages, self._sources, url, self._outcome)

    def _is_damaged(self, picture: Picture) -> bool:
        try:
            seen_pixels(self._run, picture)
        except FvcliError:
            return True
        return False

    def _more(self) -> Iterator[Path]:
        """Write what was asked for beside the site; yield the files."""
        if self._options.table:
            yield write_table(self._site, map(self._told_to_table, self._atlas.chapters))
        else:
            table = self._site / TABLE
            if table.exists():  # it would be of another build
                table.unlink()
                self._notes.append(
                    f"{table} was of an earlier build and is removed; give --table for a new one"
                )
        if self._options.single is not None:
            has_photos = self._sources.examples is not None
            yield self._pages.document(self._options.single, self._site, self._builder.evidence, has_photos)
        yield from self._pages.figures(self._site / FIGURES, self._figures, self._builder.evidence)

    def _told_to_table(self, chapter: Chapter) -> Row:
        evidence = self._builder.evidence(chapter)
        return Row(chapter, evidence, self._builder.likeness(chapter, evidence))

    # ---- what was built before

    def _write(self, name: str, text: str) -> None:
        write_changed(self._site / name, text)

    def _remove_old(self) -> None:
        """Remove the chapters that the run does not have any more."""
        folders = {chapter.folder for chapter in self._atlas.chapters}
        for place in sorted((self._site / layout.BUILD).glob("*.json")):
            if place.stem not in folders:
                self._builder.remove(read_state(self._site, place.stem).names(place.stem))
                remove_state(self._site, place.stem)
