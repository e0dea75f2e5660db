"""Build the site of a run: all of it, or what changed since the last time.

OUT/ index.html  atlas.json  atlas.css  atlas.js  theme.js
     l/FOLDER/index.html  l/FOLDER/2.html   a layer, 1,024 units a page
     u/FOLDER/N.html                        a unit
     k/KEY.html                             leads from the key of a picture to its unit
     p/FOLDER/KEY.webp                      pictures
     s/FOLDER/0.webp                        sheets of 64 tiles
     e/FOLDER/N.webp  N.where.png           photos
     d/FOLDER-1.js  FOLDER-1.json           data: of each page for its script, of all units for programs
     build/                                 what was built of what; see ``state``
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from threading import Lock

from fvcli import __version__
from fvcli.atlas.site import layout
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter, Picture, collect, without_pictures
from fvcli.atlas.site.data_files import atlas_json, data_texts, index_script, page_script
from fvcli.atlas.site.document import refuse_large
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.labels_file import LABELS, read_labels
from fvcli.atlas.site.pages import STRIP, Pages
from fvcli.atlas.site.paper_figures import Asked, asked_figures
from fvcli.atlas.site.photos import Photos
from fvcli.atlas.site.pictures import Pictures, looks, read_shown, sheet_sum, sheets_of
from fvcli.atlas.site.similarity import Likeness, distinct, likeness_of, vectors_of
from fvcli.atlas.site.state import LACKING, ChapterState, EntryState, read_state, remove_state, write_state
from fvcli.atlas.site.table import TABLE, Row, refuse_without_pyarrow, write_table
from fvcli.atlas.site.written import write_changed
from fvcli.errors import FvcliError, UsageError
from fvcli.plan.terms import digest_of_text
from fvcli.run import RunFolder
from fvcli.run.atomic import remove_temporaries, share_file
from fvcli.run.examples import Examples, read_examples
from fvcli.run.unit_links import LayerLinks, Links, read_links

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
    if site.exists() and not site.is_dir():
        raise UsageError(f"{site} is a file", "give the folder of the site with -o")
    if site.is_dir() and any(site.iterdir()) and not (site / layout.MARK).is_file():
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
        self._pages = self._pages_of(atlas)
        self._written = 0
        self._damaged: Sequence[str] = ()

    def build(self) -> Built:
        self._write(layout.MARK, "An atlas that fvcli made.\n")
        remove_temporaries(self._site)
        before = {chapter.folder: read_state(self._site, chapter.folder) for chapter in self._atlas.chapters}
        self._leave_out({unit for state in before.values() for unit in state.damaged})
        for name in ASSETS:
            self._write(name, (files("fvcli.atlas.site") / "page" / name).read_text("utf-8"))
        states, damaged = self._chapters(before)
        if self._leave_out(damaged):
            states, _ = self._chapters(states)
        has_photos = self._examples is not None
        self._write("d/index.js", index_script(self._atlas))
        self._write(
            "atlas.json",
            atlas_json(self._atlas, has_photos, {folder: state.data for folder, state in states.items()}),
        )
        self._remove_old()
        more = list(self._more())
        strips = {folder: state.strip for folder, state in states.items()}
        self._write(layout.INDEX, self._pages.overview(strips, has_photos))
        units = sum(len(chapter.entries) for chapter in self._atlas.chapters)
        return Built([self._site / layout.INDEX, *more], units, self._written, self._damaged)

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
        with Pictures(self._site, self._run, told) as pictures:
            for chapter in chapters:
                pictures.begin(chapter, before[chapter.folder].sheets)
            for chapter in chapters:
                damaged.update(pictures.finish(chapter))
                states[chapter.folder] = self._chapter(chapter, before[chapter.folder])
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
            self._damaged = [*self._damaged, *damaged]
            self._atlas = without_pictures(self._atlas, damaged)
            self._pages = self._pages_of(self._atlas)
        return bool(damaged)

    def _is_damaged(self, picture: Picture) -> bool:
        try:
            read_shown(self._run, picture)
        except FvcliError:
            return True
        return False

    def _pages_of(self, atlas: Atlas) -> Pages:
        return Pages(self._run, atlas, self._options.url, TABLE if self._options.table else "")

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

    def _write(self, name: str, text: str) -> None:
        write_changed(self._site / name, text)

    def _remove_old(self) -> None:
        """Remove the chapters that the run does not have any more."""
        folders = {chapter.folder for chapter in self._atlas.chapters}
        for place in sorted((self._site / layout.BUILD).glob("*.json")):
            if place.stem not in folders:
                self._remove(read_state(self._site, place.stem).names(place.stem))
                remove_state(self._site, place.stem)

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files, but for the pages of keys that pictures of another chapter have now."""
        for name in set(names) - self._key_pages:
            place = self._site / name
            place.unlink(missing_ok=True)
            with suppress(OSError):  # there are others in it
                place.parent.rmdir()

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The folder of the first chapter that has a picture of a key."""
        owners: dict[str, str] = {}
        for chapter in self._atlas.chapters:
            for entry in chapter.entries:
                for picture in entry.pictures:
                    owners.setdefault(picture.key, chapter.folder)
        return owners

    @cached_property
    def _key_pages(self) -> set[str]:
        return set(map(layout.key_page, self._owners))

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

    def _chapter(self, chapter: Chapter, before: ChapterState) -> ChapterState:
        """Build a chapter; return its state for the next time."""
        evidence = self._evidence(chapter)
        total = self._sum(chapter, evidence)
        if before.sum == total:
            return before
        likeness = self._likeness(chapter, evidence)
        entries = {}
        for place, entry in enumerate(chapter.entries):
            said = self._pages.entry(chapter, place, likeness.near[place], evidence)
            name = layout.entry_page(chapter.folder, entry.name)
            keys = [one.key if one.is_shown else LACKING + one.key for one in entry.pictures]
            state = EntryState(digest_of_text(_page_sum() + repr(said)), keys)
            known = before.entries.get(entry.name)
            if known is None or known.sum != state.sum or not (self._site / name).exists():
                self._write(name, self._pages.entry_html(said))
                self._written += 1
            entries[entry.name] = state
        made = list(self._write_chapter(chapter, evidence, likeness))
        data = list(self._write_data(chapter, evidence, likeness))
        self._write_keys(chapter)
        for name, source in evidence.photos.sheets() if evidence.photos else ():
            self._share(name, source)
            made.append(name)
        made += [layout.sheet_file(chapter.folder, number) for number, _ in sheets_of(chapter)]
        scores = [entry.score or 0.0 for entry in chapter.entries]
        found = ChapterState(
            total,
            distinct(likeness.vectors, scores, STRIP),
            [sheet_sum(some, self._run.plan.programs) for _, some in sheets_of(chapter)],
            [one.unit for entry in chapter.entries for one in entry.pictures if one.unit in self._damaged],
            data,
            [*made, *data],
            entries,
        )
        self._remove(set(before.names(chapter.folder)) - set(found.names(chapter.folder)))
        write_state(self._site, chapter.folder, found)
        return found

    def _sum(self, chapter: Chapter, evidence: Evidence) -> str:
        """Return what two chapters share whose pages are equal."""
        linked, photos, model = evidence.weights, evidence.photos, self._atlas.model
        around = {one.layer for one in (*linked.below, *linked.above)} if linked else set()
        if model is not None and (linked or photos):
            around.add(str(model.logits))
        order_of = [(one.folder, one.heading) for one in self._atlas.chapters]
        place = order_of.index((chapter.folder, chapter.heading))
        programs = self._atlas.programs
        used = {picture.program for entry in chapter.entries for picture in entry.pictures}
        facts = (
            _page_sum(),
            self._atlas.title,
            self._options.url,
            self._run.plan.model,
            order_of[max(0, place - 1) : place + 2],
            [programs[number] for number in sorted(used)],
            [_structure(one) for one in self._atlas.chapters if one.name in around],
            photos and photos.sum,
            linked and _links_sum(linked),
            [key for key in _keys(chapter) if self._owners[key] != chapter.folder],
        )
        texts = (digest_of_text(repr(entry)) for entry in chapter.entries)
        return digest_of_text(repr((facts, replace(chapter, entries=()), *texts)))

    def _write_chapter(self, chapter: Chapter, evidence: Evidence, likeness: Likeness) -> Iterator[str]:
        for page, ranks in enumerate(likeness.ranks, start=1):
            texts = {
                layout.chapter_page(chapter.folder, page): self._pages.chapter(
                    chapter, page, evidence, ranks.columns
                ),
                layout.data_file(chapter.folder, page): page_script(chapter, page, evidence, ranks),
            }
            for name, text in texts.items():
                self._write(name, text)
                yield name

    def _write_data(self, chapter: Chapter, evidence: Evidence, likeness: Likeness) -> Iterator[str]:
        for number, text in enumerate(data_texts(chapter, evidence, likeness.near), start=1):
            name = layout.data_file(chapter.folder, number, "json")
            self._write(name, text)
            yield name

    def _write_keys(self, chapter: Chapter) -> None:
        """Write the pages that lead from keys to entries; of equal keys the first counts."""
        written = set()
        for entry in chapter.entries:
            target = layout.link(layout.entry_page(chapter.folder, entry.name), 1)
            for picture in entry.pictures:
                key = picture.key
                if key not in written and self._owners[key] == chapter.folder:
                    written.add(key)
                    text = self._pages.redirect(key, f"{target}#fig-{int(picture.figure)}")
                    self._write(layout.key_page(key), text)

    def _share(self, name: str, source: Path) -> None:
        place = self._site / name
        try:
            is_there = place.samefile(source) or place.read_bytes() == source.read_bytes()
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


def _links_sum(links: LayerLinks) -> str:
    """Return what two layers share whose links are equal."""
    parts = (links.to_below, links.to_above, links.to_classes)
    arrays = [(one.layers.tolist(), one.channels.tolist(), one.weights.tolist()) for one in parts if one]
    return digest_of_text(repr((links.below, links.above, links.channels.tolist(), arrays)))


def _keys(chapter: Chapter) -> Iterator[str]:
    for entry in chapter.entries:
        for picture in entry.pictures:
            yield picture.key


def _structure(chapter: Chapter) -> list[tuple[str, str, str]]:
    """Return what tiles of a chapter's entries depend on."""
    return [(entry.name, entry.title, entry.status) for entry in chapter.entries]
