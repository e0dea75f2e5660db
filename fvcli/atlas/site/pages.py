"""The pages of a site: what each says, and its HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from fvcli import __version__
from fvcli.atlas.site.charts import curve, number
from fvcli.atlas.site.collect import A_PAGE, MISSING, Atlas, Chapter, Entry, Figure, Picture
from fvcli.atlas.site.document import write_document
from fvcli.atlas.site.entry_spec import entry_spec
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import chapter_page, entry_page, isolated, link, picture_file, sheet_file
from fvcli.atlas.site.network_figure import stages_of
from fvcli.atlas.site.paper_figures import Asked, write_figures
from fvcli.atlas.site.sheets import A_SHEET, SIDE
from fvcli.atlas.site.similarity import Neighbour
from fvcli.errors import command, counted, size_in_words
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder
from fvcli.run.layout import RUN_FACTS, SPEC, read_text
from fvcli.run.remarks import SAID, SCORE_FELL
from fvcli.run.sidecar import DEAD, DONE, FAILED

# Nothing is loaded from elsewhere, and nothing that stands inside a page is run.
CSP = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self' file: data:",
        "style-src 'self' file:",
        "script-src 'self' file:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
UNIT_WORDS = {  # what a figure shows, before the facts of its picture
    Figure.CHANNEL: "Optimised picture of the whole channel.",
    Figure.NEURON: "One neuron of it",  # and where it is
    Figure.NEGATIVE: "Its opposite: the channel made as small as it could be.",
    Figure.DIVERSITY: "Pictures of the channel that were kept different from each other.",
}
CLASS_WORDS = {Figure.CHANNEL: "Optimised picture of the class.", Figure.NEGATIVE: "Its opposite."}
STRIP = 12  # units of a layer that the overview shows at most
# bytes of the overview: what there is room for, so that it stays below a megabyte; a chapter, and each tile
ROOM, A_CHAPTER, A_TILE = 900_000, 420, 310
SPEC_LENGTH = 50_000


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
        self._tiles: dict[tuple[str, int], Markup] = {}
        self._units_of: tuple[tuple[str, int] | None, dict[int, Unit]] = (None, {})
        self._environment = Environment(
            loader=PackageLoader("fvcli.atlas.site", "page"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # or each of a hundred thousand pages looks whether its template has changed
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._chapters = {chapter.name: chapter for chapter in atlas.chapters if chapter.is_layer}
        self._places = {
            chapter.name: {entry.number: i for i, entry in enumerate(chapter.entries)}
            for chapter in self._chapters.values()
        }

    # ---- overview

    def overview(self, strips: Mapping[str, Sequence[int]], has_photos: bool) -> str:
        """Return index.html.

        Args:
            strips: By folder of each chapter the positions of entries that are shown of it.
            has_photos: Whether there are examples from photos.
        """
        atlas = self._atlas
        count = tiles_a_chapter(len(atlas.chapters))
        chapters = [
            {
                "heading": chapter.heading,
                "folder": chapter.folder,
                "is_layer": chapter.is_layer,
                "href": link(chapter_page(chapter.folder)),
                "facts": facts_said(chapter),
                "units": counted(len(chapter.entries), "unit" if chapter.is_layer else "picture"),
                "tiles": [self.tile(chapter, place) for place in strips[chapter.folder][:count]],
            }
            for chapter in atlas.chapters
        ]
        hrefs = {name: link(chapter_page(chapter.folder)) for name, chapter in self._chapters.items()}
        found = stages_of(atlas.model, [*self._chapters]) if atlas.model else []
        stages = [
            {
                "size": stage.size,
                "width": stage.width,
                "height": stage.height,
                "arcs": stage.arcs,
                "bars": stage.bars,
                "chapters": [{"name": name, "href": hrefs[name]} for name in stage.chapters],
            }
            for stage in found
        ]
        said = {
            **self._whole(has_photos),
            "has_layers": bool(self._chapters),
            "strip": "Of each layer those units are shown here that are least like each other.",
            "has": "its pictures, photos from the whole range of its activation, and its relatives"
            if has_photos
            else "its pictures, its relatives, and the spec that renders it again",
            "examples_command": command("examples", "RUN", "--images", "FOLDER"),
            "table": self._table,
        }
        return self._template("overview.html").render(
            atlas=said,
            chapters=chapters,
            stages=stages,
            has_branches=any(len(stage.bars) > len({bar.x for bar in stage.bars}) for stage in found),
            has_arcs=any(stage.arcs for stage in found),
            csp=CSP,
            index_data=link("d/index.js"),
        )

    def document(
        self, path: Path, site: Path, evidence_of: Callable[[Chapter], Evidence], has_photos: bool
    ) -> Path:
        """Write all of the atlas into one file; return it."""
        template = self._template("document.html")
        return write_document(
            path, site, template, self._atlas, evidence_of, facts_said, self._whole(has_photos)
        )

    def figures(
        self, folder: Path, asked: Sequence[Asked], evidence_of: Callable[[Chapter], Evidence]
    ) -> Iterator[Path]:
        """Write figures for papers; yield the files."""
        template = self._template("figure.svg")
        yield from write_figures(folder, self._run, self._atlas, asked, template, evidence_of)

    def _whole(self, has_photos: bool) -> dict[str, Any]:
        """Return what is said of the whole atlas."""
        return {
            **self._common,
            "summary": summary_of(self._atlas),
            "lacking": lacking_said(self._atlas.counts),
            "has_photos": has_photos,
            "facts": list(self._facts()),
            "spec": read_text(self._run.path / SPEC)[:SPEC_LENGTH],
        }

    def _facts(self) -> Iterator[tuple[str, str]]:
        """Yield what the run was made with, as far as its folder tells."""
        model = self._atlas.model
        if model is not None:
            yield "model", model.name
            yield "weights", f"{model.weights} (SHA-256 {model.weights_sha256[:16]})"
            yield "input", size_in_words(model.native_size_px, " px")
        for program in _different(self._atlas.programs):
            yield "recipe", program
        try:
            facts: Any = json.loads(read_text(self._run.path / RUN_FACTS))
            yield "device", str(facts["device"])
            yield "versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # nothing is rendered yet, or another version wrote it
        yield "plan", f"{len(self._run.plan.units):,} pictures, sum {self._run.plan.sum}"

    # ---- chapters

    def chapter(self, chapter: Chapter, page: int, evidence: Evidence, map_columns: int) -> str:
        """Return a page of a chapter, from 1."""
        begin = (page - 1) * A_PAGE
        shown = chapter.entries[begin : begin + A_PAGE]
        tiles = [
            {"name": entry.name, "html": self._tile_html(chapter, begin + i)} for i, entry in enumerate(shown)
        ]
        place = self._atlas.chapters.index(chapter)
        near = self._atlas.chapters
        said = {
            "heading": chapter.heading,
            "folder": chapter.folder,
            "page": page,
            "pages": chapter.pages,
            "is_layer": chapter.is_layer,
            "facts": facts_said(chapter),
            "lacking": lacking_said(chapter.counts),
            "said": f"{len(shown)} of {len(shown)} shown",
            "before": _near(near[place - 1]) if place else None,
            "after": _near(near[place + 1]) if place + 1 < len(near) else None,
            "has_photos": evidence.photos is not None,
            "classes": sorted({name for i in range(len(shown)) for name in evidence.top_classes(begin + i)}),
            "has_map": map_columns > 0,
            "map_said": evidence.map_said,
            "all_pages": [
                {
                    "number": i,
                    "href": link(chapter_page(chapter.folder, i), 2),
                    "said": f"{chapter.entries[(i - 1) * A_PAGE].title} to "
                    f"{chapter.entries[min(i * A_PAGE, len(chapter.entries)) - 1].title}",
                }
                for i in range(1, chapter.pages + 1)
            ],
            "card": self._card(sheet_file(chapter.folder, begin // A_SHEET)),
            "address": f"{self._atlas.title}, {chapter.heading}",
        }
        return self._template("chapter.html").render(atlas=self._common, chapter=said, tiles=tiles, csp=CSP)

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

    def _tile_html(self, chapter: Chapter, place: int) -> Markup:
        """Return a tile for pages that stand two folders deep; each is made once, and shown on many pages."""
        key = chapter.folder, place
        if key not in self._tiles:
            self._tiles[key] = self._tile_macro(self.tile(chapter, place), "../../")
        return self._tiles[key]

    @cached_property
    def _tile_macro(self) -> Callable[[Mapping[str, Any], str], Markup]:
        return self._template("parts.html").module.tile  # type: ignore[attr-defined, no-any-return]

    # ---- entries

    def entry(
        self,
        chapter: Chapter,
        place: int,
        near: Sequence[Neighbour],
        evidence: Evidence,
    ) -> dict[str, Any]:
        """Return all that the page of an entry says; two that are equal have equal pages."""
        entry = chapter.entries[place]
        words = UNIT_WORDS if chapter.is_layer else {}
        if entry.number is not None and entry.title != entry.name:
            words = CLASS_WORDS
        by_figure: dict[Figure, list[Picture]] = {}
        for picture in entry.pictures:
            by_figure.setdefault(picture.figure, []).append(picture)
        figures = [
            (int(figure), words_of(words, figure, pictures[0]), self._shown(chapter, pictures))
            for figure, pictures in sorted(by_figure.items())
            if figure is not Figure.OTHER
        ]
        units = self._units(chapter, place)
        heading = f"{chapter.heading} {entry.title}"
        line, said = self._curve(entry.main)
        model = self._atlas.model
        alike = [one for one in near if one.cosine > 0]
        return {
            "unit": {
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
                "summary": self._entry_summary(chapter, entry, evidence, place),
                "before": link(f"{chapter.entries[place - 1].name}.html") if place else "",
                "after": link(f"{chapter.entries[place + 1].name}.html")
                if place + 1 < len(chapter.entries)
                else "",
                "file": PurePath(model.path).name if model is not None and model.path else "",
                "again": "this picture" if len(units) == 1 else f"these {len(units)} pictures",
                "card": self._card(picture_file(chapter.folder, entry.main.key))
                if entry.main.is_shown
                else "",
                "address": f"{self._atlas.title}, {heading}, key {entry.main.key}",
            },
            "figures": figures,
            "others": self._shown(chapter, by_figure.get(Figure.OTHER, ())),
            "photos": evidence.shown(place),
            "histogram": evidence.histogram(place),
            "classes": evidence.classes(place, self._class_page),
            "curve": line,
            "curve_said": said,
            "similar": {
                "tiles": [
                    (self._tile_html(chapter, one.position), f"cosine {number(one.cosine)}") for one in alike
                ],
                "said": evidence.similar_said,
            }
            if alike
            else None,
            "links": list(evidence.link_figures(place, self._unit_tile)),
            "spec": entry_spec(self._run.plan, units),
            "facts": list(self._entry_facts(entry)),
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

    def entry_html(self, said: Mapping[str, Any]) -> str:
        """Return the page of an entry."""
        return self._template("entry.html").render(atlas=self._common, csp=CSP, **said)

    def _entry_summary(self, chapter: Chapter, entry: Entry, evidence: Evidence, place: int) -> str:
        if not chapter.is_layer:
            return f"A picture of the job {isolated(chapter.heading)}."
        what = f"Channel {entry.name}" if entry.title == entry.name else "A class"
        return (
            f"{what} of {isolated(chapter.heading)}: {map_said(chapter)}. {evidence.summary(place)}".strip()
        )

    def _shown(self, chapter: Chapter, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        return [
            {
                "name": picture.unit,
                "src": link(picture_file(chapter.folder, picture.key)) if picture.is_shown else "",
                "width": self._atlas.programs[picture.program].width_px,
                "height": self._atlas.programs[picture.program].height_px,
                "alt": f"{chapter.heading} unit {picture.label}, {objective_said(picture)} objective",
                "status": picture.status,
                "why": status_said(picture),
                "said": self._picture_said(picture),
            }
            for picture in pictures
        ]

    def _picture_said(self, picture: Picture) -> str:
        program = self._atlas.programs[picture.program]
        said = [f"Recipe {program.recipe}"]
        if picture.is_shown:
            said.append(counted(picture.steps, "step"))
            said.append(f"score {number(picture.start)} to {number(picture.saved)}")
        text = ", ".join(said) + "."
        if picture.status == DEAD:
            text += f" Dead: {picture.error}."
        said_of = SAID | ({SCORE_FELL: "the score rose above its start"} if picture.sign < 0 else {})
        remarks = [said_of.get(kind, kind) for kind in picture.remarks]
        return text + "".join(f" Look: {remark}." for remark in remarks)

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
            f"Score of the first picture by step, of changed views of it. {said}".strip() if found else "",
        )

    def _entry_facts(self, entry: Entry) -> Iterator[tuple[str, str]]:
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

    def _unit_tile(self, layer: str, channel: int) -> Markup | None:
        """Return the tile of a channel of any layer, or None if the atlas does not have it."""
        place = self._places.get(layer, {}).get(channel)
        return None if place is None else self._tile_html(self._chapters[layer], place)

    def _class_page(self, class_id: int) -> str:
        """Return the page of a class, if the atlas has one."""
        model = self._atlas.model
        if model is None or model.logits not in self._chapters:
            return ""
        chapter = self._chapters[model.logits]
        place = self._places[chapter.name].get(class_id)
        return "" if place is None else link(entry_page(chapter.folder, chapter.entries[place].name))

    def redirect(self, key: str, target: str) -> str:
        """Return the page that leads from a key to its entry."""
        return self._template("redirect.html").render(key=key, target=target)

    # ---- shared

    @cached_property
    def _common(self) -> dict[str, Any]:
        return {"title": self._atlas.title, "version": __version__}

    def _card(self, path: str) -> str:
        return self._url + link(path) if self._url else ""

    def _template(self, name: str) -> Template:
        return self._environment.get_template(name)


def tiles_a_chapter(chapters: int) -> int:
    """Return how many units of each chapter the overview shows: fewer where there are hundreds of them."""
    return max(0, min(STRIP, (ROOM // max(1, chapters) - A_CHAPTER) // A_TILE))


def words_of(words: Mapping[Figure, str], figure: Figure, picture: Picture) -> str:
    """Say what a figure shows."""
    where = "in the middle of the map"
    if picture.place is not None:
        where = f"at row {picture.place[0]} and column {picture.place[1]} of the map"
    if figure is Figure.NEURON:
        return f"{words.get(figure, 'One neuron')}, {where}."
    if figure is Figure.NEGATIVE and picture.objective == "neuron":
        return f"The opposite of one neuron of it, {where}: made as small as it could be."
    return words.get(figure, "Optimised picture.")


def _near(chapter: Chapter) -> dict[str, str]:
    return {"name": chapter.heading, "href": link(chapter_page(chapter.folder))}


def summary_of(atlas: Atlas) -> str:
    """Say how many pictures of how many units an atlas has."""
    counts = atlas.counts
    units = sum(len(chapter.entries) for chapter in atlas.chapters)
    layers = sum(chapter.is_layer for chapter in atlas.chapters)
    shown = counts.get(DONE, 0) + counts.get(DEAD, 0)
    of = f" of {counted(layers, 'layer')}" if layers else ""
    dead = f"; {counts[DEAD]:,} dead" if counts.get(DEAD) else ""
    return f"{shown:,} of {sum(counts.values()):,} pictures, of {units:,} units{of}{dead}."


def lacking_said(counts: Mapping[str, int]) -> str:
    """Say what is not there."""
    parts = [
        f"{counts[status]:,} {said}"
        for status, said in ((FAILED, "failed"), (MISSING, "not rendered yet"), ("newer", "of a newer fvcli"))
        if counts.get(status)
    ]
    return f"Lacking: {', '.join(parts)}." if parts else ""


def facts_said(chapter: Chapter) -> str:
    """Say what a layer is, and how much of it is shown."""
    facts, count = chapter.facts, len(chapter.entries)
    if not facts:
        return f"{counted(count, 'unit' if chapter.is_layer else 'picture')}."
    what = "classes" if any(entry.title != entry.name for entry in chapter.entries) else "channels"
    many = f"{count:,} of {facts['channels']:,}" if count < facts["channels"] else f"all {count:,}"
    return f"{many} {what}; {map_said(chapter)}."


def map_said(chapter: Chapter) -> str:
    """Say how large the map of a layer is, and what a place of it sees."""
    facts = chapter.facts
    if not facts:
        return "nothing is known of the layer"
    if facts["height"] * facts["width"] == 1:
        return "a vector, which sees the whole picture"
    field = facts["field"]
    sees = f"{field[0]} \u00d7 {field[1]} px" if field else "the whole picture"
    return f"a map of {facts['height']} \u00d7 {facts['width']} places, each of which sees {sees}"


def status_said(picture: Picture, short: bool = False) -> str:
    """Say why there is no picture."""
    said = {FAILED: "failed", MISSING: "not rendered", "newer": "of a newer fvcli"}.get(picture.status, "")
    return said if short or not picture.error else f"{said}: {picture.error}"


def objective_said(picture: Picture) -> str:
    """Return the kind of a picture's objective as people say it."""
    named = picture.objective.replace("_", " ")
    return f"negative {named}" if picture.sign < 0 else named


def _different(programs: Sequence[Program]) -> list[str]:
    """Say what pictures are rendered with, each way once."""
    said = (
        f"{program.recipe}, {counted(program.settings.steps, 'step')}, "
        f"{size_in_words((program.height_px, program.width_px), ' px')}, seed {program.settings.seed}"
        for program in programs
    )
    return [*dict.fromkeys(said)]
