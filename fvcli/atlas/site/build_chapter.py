"""Build a chapter of a site: its pages, its data, and what leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from fvcli import __version__
from fvcli.atlas.site import layout
from fvcli.atlas.site.collect import A_PAGE, Atlas, Chapter
from fvcli.atlas.site.data_files import data_texts, page_script
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.labels_file import Label
from fvcli.atlas.site.overview_page import STRIP
from fvcli.atlas.site.pages import Pages
from fvcli.atlas.site.photos import Photos
from fvcli.atlas.site.pictures import looks, sheet_sum, sheets_of
from fvcli.atlas.site.similarity import Likeness, distinct, likeness_of, vectors_of
from fvcli.atlas.site.sources import Sources
from fvcli.atlas.site.state import LACKING, ChapterState, EntryState, without_sums, write_state
from fvcli.atlas.site.written import write_changed
from fvcli.plan.terms import digest_of_text
from fvcli.run import RunFolder
from fvcli.run.atomic import share_file
from fvcli.run.unit_links import LayerLinks


@dataclass
class Outcome:
    """What comes of a build, which grows while it goes on.

    written: How many pages of entries were written.
    damaged: Units whose pictures cannot be read.
    without_photos: Of each chapter how many units have no photos though others of the run have some.
    """

    written: int = 0
    damaged: list[str] = field(default_factory=list)
    without_photos: dict[str, int] = field(default_factory=dict)


class ChapterBuilder:
    """Builds the chapters of an atlas whose pictures are there.

    Args:
        run: The run.
        site: The folder of the site.
        atlas: What is shown.
        pages: Makes the pages.
        sources: Photos and links of the run.
        url: Where the site will be.
        outcome: Of the whole build; pages that are written are counted in it, and units that lack photos.
    """

    def __init__(
        self,
        run: RunFolder,
        site: Path,
        atlas: Atlas,
        pages: Pages,
        sources: Sources,
        url: str | None,
        outcome: Outcome,
    ) -> None:
        self._run = run
        self._site = site
        self._atlas = atlas
        self._pages = pages
        self._sources = sources
        self._url = url
        self._outcome = outcome

    def evidence(self, chapter: Chapter) -> Evidence:
        examples, links = self._sources.examples, self._sources.links
        head = examples.layer(chapter.name) if examples and chapter.is_layer else None
        arrays = examples.arrays(head) if examples and head else None
        linked = links.layers.get(chapter.name) if links and chapter.is_layer else None
        labels = self._atlas.model.labels if self._atlas.model else ()
        photos = Photos(chapter.folder, examples, head, arrays) if examples and head and arrays else None
        return Evidence(chapter, photos, linked, labels, examples is not None)

    def likeness(self, chapter: Chapter, evidence: Evidence) -> Likeness:
        activations = evidence.vectors()
        if activations is not None:
            vectors = vectors_of(activations, "activations", [True] * len(activations))
        else:
            shown = [entry.main.is_shown for entry in chapter.entries]
            vectors = vectors_of(looks(self._site, chapter), "pictures", shown)
        return likeness_of(vectors, A_PAGE)

    def build(self, chapter: Chapter, before: ChapterState) -> ChapterState:
        """Build a chapter; return its state for the next time."""
        evidence = self.evidence(chapter)
        if chapter.is_layer:  # a job may have the name of a layer
            self._outcome.without_photos[chapter.name] = evidence.without_photos
        total = self._sum(chapter, evidence)
        if before.sum == total:
            return before
        if before.sum:  # what is killed from here on is not taken for what was built before
            before = replace(before, sum="")
            write_state(self._site, chapter.folder, without_sums(before))
        likeness = self.likeness(chapter, evidence)
        entries = {}
        for place, entry in enumerate(chapter.entries):
            said = self._pages.entry(chapter, place, likeness.near[place], evidence)
            name = layout.entry_page(chapter.folder, entry.name)
            keys = [one.key if one.is_shown else LACKING + one.key for one in entry.pictures]
            state = EntryState(digest_of_text(_page_sum() + repr(said)), keys)
            known = before.entries.get(entry.name)
            if known is None or known.sum != state.sum or not (self._site / name).exists():
                self._write(name, self._pages.entry_html(said))
                self._outcome.written += 1
            entries[entry.name] = state
        made = list(self._write_chapter(chapter, evidence, likeness))
        data = list(self._write_data(chapter, evidence, likeness))
        self._write_keys(chapter)
        for name, source in evidence.photos.sheets() if evidence.photos else ():
            self._share(name, source)
            made.append(name)
        made += [layout.sheet_file(chapter.folder, number) for number, _ in sheets_of(chapter)]
        scores = [entry.score or 0.0 for entry in chapter.entries]
        damaged = set(self._outcome.damaged)
        found = ChapterState(
            total,
            distinct(likeness.vectors, scores, STRIP),
            [sheet_sum(some, self._run.plan.programs) for _, some in sheets_of(chapter)],
            [one.unit for entry in chapter.entries for one in entry.pictures if one.unit in damaged],
            data,
            [*made, *data],
            entries,
        )
        self.remove(set(before.names(chapter.folder)) - set(found.names(chapter.folder)))
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
            self._url,
            self._run.plan.model,
            order_of[max(0, place - 1) : place + 2],
            [programs[number] for number in sorted(used)],
            [_structure(one) for one in self._atlas.chapters if one.is_layer and one.name in around],
            photos and photos.sum,
            evidence.without_photos,
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

    def remove(self, names: Iterable[str]) -> None:
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

    def _write(self, name: str, text: str) -> None:
        write_changed(self._site / name, text)


@cache
def _page_sum() -> str:
    """Return what two versions share that make equal pages of equal things."""
    there = sorted((files("fvcli.atlas.site") / "page").iterdir(), key=str)
    texts = [one.read_text("utf-8") for one in there if one.is_file()]
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


def _structure(chapter: Chapter) -> tuple[str, list[tuple[str, str, str, Label | None]]]:
    """Return what tiles of a chapter's entries depend on."""
    return chapter.folder, [(entry.name, entry.title, entry.status, entry.label) for entry in chapter.entries]
