"""Build the site of a run: all of it, or what changed since the last time.

OUT/ index.html  atlas.json  atlas.css  atlas.js  theme.js
     l/FOLDER/index.html  l/FOLDER/2.html   a layer, 1,024 units a page
     u/FOLDER/N.html                        a unit
     k/KEY.html                             leads from the key of a picture to its unit
     p/FOLDER/KEY.webp                      pictures
     s/FOLDER/0.webp                        sheets of 64 tiles
     e/FOLDER/N.webp  N.where.png           photos
     d/FOLDER-1.js  FOLDER-1.json           data
     build/FOLDER.json                      what was built of what
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fvcli import __version__
from fvcli.atlas.site import layout
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter, collect
from fvcli.atlas.site.data_files import atlas_json, index_script, page_json, page_script
from fvcli.atlas.site.document import refuse_large
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.labels_file import LABELS, read_labels
from fvcli.atlas.site.pages import STRIP, Pages
from fvcli.atlas.site.paper_figures import Asked, asked_figures
from fvcli.atlas.site.photos import Photos
from fvcli.atlas.site.pictures import looks, sheet_sum, sheets_of, write_pictures
from fvcli.atlas.site.similarity import Likeness, distinct, likeness_of, vectors_of
from fvcli.atlas.site.table import TABLE, Row, refuse_without_pyarrow, write_table
from fvcli.errors import UsageError
from fvcli.plan.terms import digest_of_text
from fvcli.run import RunFolder
from fvcli.run.atomic import share_file, write_atomic
from fvcli.run.examples import Examples, read_examples
from fvcli.run.unit_links import Links, read_links

SITE = "site"  # in the run, unless another place is given
FIGURES = "figures"
ASSETS = ("atlas.css", "atlas.js", "theme.js")
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Built:
    """What was built.

    files: The page to open, and what else was asked for.
    units: Pages of units that there are; written: those that were made by this build.
    damaged: Pictures that could not be read.
    """

    files: Sequence[Path]
    units: int
    written: int
    damaged: Sequence[str]


@dataclass(frozen=True)
class SiteOptions:
    """How a site is built.

    out: The folder of the site; None: ``site`` in the run.
    title: Of the atlas; None: that of the spec's figure, or the model's name.
    labels: A file with names of units; None: labels.tsv in the run, if there is one.
    url: Where the site will be; link previews need it.
    table: Whether there is a Parquet table, too.
    single: The file that holds the whole atlas, if one is wanted.
    figures: What figures for papers are of; see ``paper_figures``.
    """

    out: Path | None = None
    title: str | None = None
    labels: Path | None = None
    url: str | None = None
    table: bool = False
    single: Path | None = None
    figures: Sequence[str] = ()


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
        UsageError: The folder holds something else, the labels are no labels, or the atlas is too large for
            one file.
        FvcliError: The disk is full, or examples are damaged.
    """
    site = options.out or run.path / SITE
    refuse_other(site)
    if options.table:
        refuse_without_pyarrow()
    there = run.path / LABELS
    names = read_labels(options.labels or (there if there.is_file() else None))
    atlas = collect(run, options.title, names)
    if not atlas.chapters:
        raise UsageError(f"{run.path}: the plan has no units", "an atlas needs at least one")
    if options.single is not None:
        refuse_large(atlas)
    figures = asked_figures(atlas, options.figures)
    examples, links = read_examples(run.path), read_links(run.path)
    return _Build(run, site, atlas, examples, links, options, figures, told).build()


def refuse_other(site: Path) -> None:
    """Refuse a folder that holds something else than a site.

    Raises:
        UsageError: It does.
    """
    if site.is_dir() and any(site.iterdir()) and not (site / layout.BUILD).is_dir():
        raise UsageError(f"{site} holds something else than an atlas", "give another folder with -o")


class _Build:
    def __init__(
        self,
        run: RunFolder,
        site: Path,
        atlas: Atlas,
        examples: Examples | None,
        links: Links | None,
        options: SiteOptions,
        figures: Sequence[Asked],
        told: Told,
    ) -> None:
        self._run = run
        self._site = site
        self._atlas = atlas
        self._examples = examples
        self._links = links
        self._told = told
        self._options = options
        self._figures = figures
        self._pages = Pages(run, atlas, options.url, TABLE if options.table else "")
        self._written = 0

    def build(self) -> Built:
        atlas = self._atlas
        before = {chapter.folder: self._read(chapter.folder) for chapter in atlas.chapters}
        damaged = self._write_pictures(before)
        for name in ASSETS:
            self._write(name, (files("fvcli.atlas.site") / "page" / name).read_text("utf-8"))
        strips = {}
        done, units = 0, sum(len(chapter.entries) for chapter in atlas.chapters)
        for chapter in atlas.chapters:
            state = self._chapter(chapter, before[chapter.folder])
            strips[chapter.folder] = state["strip"]
            done += len(chapter.entries)
            self._told("pages", done, units)
        self._write("d/index.js", index_script(atlas))
        self._write("atlas.json", atlas_json(atlas, self._examples is not None))
        self._remove_old()
        more = list(self._more())
        self._write(layout.INDEX, self._pages.overview(strips, self._examples is not None))
        return Built([self._site / layout.INDEX, *more], units, self._written, damaged)

    def _more(self) -> Iterator[Path]:
        """Write what was asked for beside the site; yield the files."""
        if self._options.table:
            yield write_table(self._site, map(self._told_to_table, self._atlas.chapters))
        else:
            (self._site / TABLE).unlink(missing_ok=True)  # it would be of another build
        if self._options.single is not None:
            has_photos = self._examples is not None
            yield self._pages.document(self._options.single, self._site, self._evidence, has_photos)
        yield from self._pages.figures(self._site / FIGURES, self._figures, self._evidence)

    def _told_to_table(self, chapter: Chapter) -> Row:
        evidence = self._evidence(chapter)
        return Row(chapter, evidence, self._likeness(chapter, evidence))

    # ---- what was built before

    def _read(self, folder: str) -> dict[str, Any]:
        try:
            data = json.loads((self._site / layout.build_file(folder)).read_bytes())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) and data.get("version") == __version__ else {}

    def _write(self, name: str, text: str) -> None:
        """Write a file of the site, unless it is there as it should be."""
        content = text.encode("utf-8", "replace")  # names of files need not be valid Unicode
        place = self._site / name
        try:
            is_there = place.read_bytes() == content
        except OSError:
            is_there = False
        if not is_there:
            write_atomic(place, content, durable=False)

    def _write_pictures(self, before: Mapping[str, Mapping[str, Any]]) -> list[str]:
        total = sum(len(chapter.entries) for chapter in self._atlas.chapters)
        done = 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            self._told("pictures", done, total)

        sums = {folder: state.get("sheets", ()) for folder, state in before.items()}
        return write_pictures(self._site, self._run, self._atlas.chapters, sums, told)

    def _remove_old(self) -> None:
        """Remove the chapters that the run does not have any more."""
        folders = {chapter.folder for chapter in self._atlas.chapters}
        for place in (self._site / layout.BUILD).glob("*.json"):
            if place.stem not in folders:
                for name in self._read(place.stem).get("files", ()):
                    (self._site / name).unlink(missing_ok=True)
                place.unlink()

    # ---- a chapter

    def _evidence(self, chapter: Chapter) -> Evidence:
        examples, links = self._examples, self._links
        head = examples.layer(chapter.name) if examples and chapter.is_layer else None
        arrays = examples.arrays(head) if examples and head else None
        linked = links.layers.get(chapter.name) if links and chapter.is_layer else None
        labels = self._atlas.model.labels if self._atlas.model else ()
        photos = Photos(chapter.folder, examples, head, arrays) if examples and head and arrays else None
        return Evidence(chapter, photos, linked, labels)

    def _likeness(self, chapter: Chapter, evidence: Evidence) -> Likeness:
        activations = evidence.vectors()
        if activations is not None:
            vectors = vectors_of(activations, "activations", [True] * len(activations))
        else:
            shown = [entry.main.is_shown for entry in chapter.entries]
            vectors = vectors_of(looks(self._site, chapter), "pictures", shown)
        return likeness_of(vectors, A_PAGE)

    def _chapter(self, chapter: Chapter, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build a chapter; return its state for the next time."""
        evidence = self._evidence(chapter)
        total = self._sum(chapter, evidence)
        if before.get("sum") == total:
            return before
        likeness = self._likeness(chapter, evidence)
        sums: dict[str, str] = {}
        for place, entry in enumerate(chapter.entries):
            said = self._pages.entry(chapter, place, likeness.near[place], evidence)
            name = layout.entry_page(chapter.folder, entry.name)
            sums[entry.name] = digest_of_text(_page_sum() + repr(said))
            if (
                before.get("entries", {}).get(entry.name) != sums[entry.name]
                or not (self._site / name).exists()
            ):
                self._write(name, self._pages.entry_html(said))
                self._written += 1
        made = [*self._write_chapter(chapter, evidence, likeness), *self._write_keys(chapter)]
        for name, source in evidence.photos.sheets() if evidence.photos else ():
            self._share(name, source)
            made.append(name)
        made += [layout.entry_page(chapter.folder, entry.name) for entry in chapter.entries]
        made += [layout.sheet_file(chapter.folder, number) for number, _ in sheets_of(chapter)]
        made += [
            layout.picture_file(chapter.folder, picture.key)
            for entry in chapter.entries
            for picture in entry.pictures
            if picture.is_shown
        ]
        for name in set(before.get("files", ())) - set(made):
            (self._site / name).unlink(missing_ok=True)
        scores = [entry.score or 0.0 for entry in chapter.entries]
        state = {
            "version": __version__,
            "sum": total,
            "strip": distinct(likeness.vectors, scores, STRIP),
            "sheets": [sheet_sum(entries, self._run.plan.programs) for _, entries in sheets_of(chapter)],
            "entries": sums,
            "files": sorted(made),
        }
        self._write(layout.build_file(chapter.folder), json.dumps(state))
        return state

    def _sum(self, chapter: Chapter, evidence: Evidence) -> str:
        """Return what two chapters share whose pages are equal."""
        linked = evidence.weights
        around = {one.layer for one in (*linked.below, *linked.above)} if linked else set()
        order_of = [one.folder for one in self._atlas.chapters]
        place = order_of.index(chapter.folder)
        facts = (
            _page_sum(),
            self._atlas.title,
            self._options.url,
            order_of[max(0, place - 1) : place + 2],
            chapter,
            [_structure(one) for one in self._atlas.chapters if one.name in around],
            repr(evidence.photos and (evidence.photos.examples.head, evidence.photos.file_sizes)),
            repr(
                linked and [linked.below, linked.above, linked.to_below, linked.to_above, linked.to_classes]
            ),
        )
        return digest_of_text(repr(facts))

    def _write_chapter(self, chapter: Chapter, evidence: Evidence, likeness: Likeness) -> Iterator[str]:
        for page, ranks in enumerate(likeness.ranks, start=1):
            texts = {
                layout.chapter_page(chapter.folder, page): self._pages.chapter(
                    chapter, page, evidence, ranks.columns
                ),
                layout.data_file(chapter.folder, page): page_script(chapter, page, evidence, ranks),
                layout.data_file(chapter.folder, page, "json"): page_json(
                    chapter, page, evidence, likeness.near
                ),
            }
            for name, text in texts.items():
                self._write(name, text)
                yield name

    def _write_keys(self, chapter: Chapter) -> Iterator[str]:
        for entry in chapter.entries:
            target = layout.link(layout.entry_page(chapter.folder, entry.name), 1)
            for picture in entry.pictures:
                name = layout.key_page(picture.key)
                if not (self._site / name).exists():
                    self._write(
                        name, self._pages.redirect(picture.key, f"{target}#fig-{int(picture.figure)}")
                    )
                yield name

    def _share(self, name: str, source: Path) -> None:
        place = self._site / name
        try:
            is_there = place.stat().st_size == source.stat().st_size
        except OSError:
            is_there = False
        if not is_there:
            share_file(source, place)


@cache
def _page_sum() -> str:
    """Return what two versions share that make equal pages of equal things."""
    texts = [
        one.read_text("utf-8") for one in sorted((files("fvcli.atlas.site") / "page").iterdir(), key=str)
    ]
    return digest_of_text(__version__ + "".join(texts))


def _structure(chapter: Chapter) -> list[tuple[str, str, str]]:
    """Return what tiles of a chapter's entries depend on."""
    return [(entry.name, entry.title, entry.status) for entry in chapter.entries]
