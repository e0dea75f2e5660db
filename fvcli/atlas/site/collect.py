"""What an atlas shows of a run: chapters, entries and their pictures, from the files of the run alone.

A chapter is a layer, or a job whose pictures are of no single channel. An entry is a page: a channel or a
class with all its pictures, whatever jobs they are of, or one picture of such a job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any

from fvcli.atlas.site.labels_file import Label, labelled
from fvcli.atlas.site.read_picture import Figure, Picture, read_picture
from fvcli.models import LayerFacts, ModelFacts
from fvcli.plan import Program, Unit
from fvcli.plan.without_cycles import without_cycles
from fvcli.run import RunFolder
from fvcli.run.examples import channel_of
from fvcli.run.look import look_at
from fvcli.run.scores import UnitScores
from fvcli.run.sidecar import FAILED
from fvcli.spec.file_names import folder_names

UNREADABLE = "the file of the picture cannot be read"
A_PAGE = 1024  # entries of a chapter on one page
JOB = "job-"  # how folders of jobs begin, so that no job changes the address of a layer


@dataclass(frozen=True)
class Entry:
    """A page of the atlas.

    name: Of its file, without suffix; unique in its chapter.
    number: Of the channel or class; None where it is none.
    title: The number, the name of the class, or the label of the unit.
    pictures: At least one, in the order of figures.
    """

    name: str
    number: int | None
    title: str
    pictures: tuple[Picture, ...]
    label: Label | None = None

    @cached_property
    def main(self) -> Picture:
        """The picture that stands for it: the first that there is to see, or why there is none."""
        return next((picture for picture in self.pictures if picture.is_shown), self.pictures[0])

    @property
    def status(self) -> str:
        return self.main.status

    @property
    def score(self) -> float | None:
        return self.main.saved

    @cached_property
    def scored(self) -> tuple[Picture, ...]:
        """The pictures to see that have scores; the first of them speaks for the entry."""
        return tuple(one for one in self.pictures if one.is_shown and one.scores is not None)

    @property
    def trust(self) -> UnitScores | None:
        """The scores that stand for it."""
        return self.scored[0].scores if self.scored else None


@dataclass(frozen=True)
class Chapter:
    """A layer, or a job of pictures that are of no single channel.

    name: Of the layer, or of the job; folder: what files of it are called by.
    heading: For people; of a layer its name.
    """

    name: str
    folder: str
    heading: str
    is_layer: bool
    entries: tuple[Entry, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.entries) // A_PAGE))

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many entries are done, dead, failed, newer and missing."""
        return Counter(entry.status for entry in self.entries)


@dataclass(frozen=True)
class Atlas:
    """All of a run that an atlas shows. Its title is no name of a folder, because folders are moved."""

    title: str
    model: ModelFacts | None
    chapters: tuple[Chapter, ...]
    programs: Sequence[Program]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many pictures of the run have each status."""
        return Counter(
            picture.status
            for chapter in self.chapters
            for entry in chapter.entries
            for picture in entry.pictures
        )

    @cached_property
    def damaged_scores(self) -> tuple[str, ...]:
        """The units whose scores are damaged."""
        return tuple(
            picture.unit
            for chapter in self.chapters
            for entry in chapter.entries
            for picture in entry.pictures
            if picture.has_damaged_scores
        )


def collect(run: RunFolder, title: str | None, labels: Mapping[tuple[str, str], Label]) -> Atlas:
    """Return what the atlas of a run shows.

    Args:
        run: The run.
        title: Of the atlas; None takes that of the spec's figure, or the model's name.
        labels: Names that people gave to entries, by chapter and number or name.
    """
    facts = run.facts()
    with without_cycles():  # hundreds of thousands of small objects, and none of them garbage
        pictures = _by_subject(run)
        chapters = tuple(_chapters(pictures, facts, labels))
    figure = run.plan.output.figure
    model = facts.name if facts is not None else PurePath(run.plan.model.called).name
    named = title or (figure.title if figure else "") or f"{model} atlas"
    return Atlas(named, facts, chapters, run.plan.programs)


def without_pictures(atlas: Atlas, units: Collection[str]) -> Atlas:
    """Return an atlas in which some pictures have failed, because their files cannot be read."""

    def told(entry: Entry) -> Entry:
        if not any(picture.unit in units for picture in entry.pictures):
            return entry
        shown = (
            replace(picture, status=FAILED, error=UNREADABLE) if picture.unit in units else picture
            for picture in entry.pictures
        )
        return replace(entry, pictures=tuple(shown))

    chapters = (replace(one, entries=tuple(map(told, one.entries))) for one in atlas.chapters)
    return replace(atlas, chapters=tuple(chapters))


Subject = tuple[bool, str, int | str]  # whether it is of a layer, the layer or job, the channel or unit


def _by_subject(run: RunFolder) -> dict[Subject, list[Picture]]:
    look = look_at(run)
    found: dict[Subject, list[Picture]] = {}
    for position, unit in enumerate(run.plan.units):
        found.setdefault(_subject(unit), []).append(read_picture(run, unit, position, look))
    return found


def _subject(unit: Unit) -> Subject:
    """Return what a unit is a picture of: a channel or class, as ``channel_of`` says, or itself.

    A picture that starts from a photo, or aims at one, is of that photo, so that it is none of a channel.
    """
    channel = channel_of(unit) if unit.picture is None else None
    return (False, unit.job, unit.name) if channel is None else (True, *channel)


def _chapters(
    found: Mapping[Subject, list[Picture]],
    facts: ModelFacts | None,
    labels: Mapping[tuple[str, str], Label],
) -> Iterator[Chapter]:
    grouped: dict[tuple[bool, str], list[tuple[int | str, list[Picture]]]] = {}
    for (is_layer, name, which), pictures in found.items():
        grouped.setdefault((is_layer, name), []).append((which, pictures))
    at = facts.layers_at(*facts.native_size_px) if facts else {}
    order = {name: number for number, name in enumerate(at)}
    folders = {
        True: folder_names(name for is_layer, name in grouped if is_layer),
        False: folder_names(f"{JOB}{name}" for is_layer, name in grouped if not is_layer),
    }
    for is_layer, name in sorted(grouped, key=lambda one: (not one[0], order.get(one[1], len(order)))):
        subjects = grouped[is_layer, name]
        if is_layer:
            subjects.sort(key=lambda one: one[0])
        entries = tuple(_entry(name, which, pictures, facts, labels) for which, pictures in subjects)
        layer = at.get(name) if is_layer else None
        known = (
            {
                "kind": layer.kind,
                "height": layer.height,
                "width": layer.width,
                "channels": layer.channels,
                "field": _field(layer, facts),
            }
            if layer
            else {}
        )
        folder = folders[is_layer][name if is_layer else f"{JOB}{name}"]
        yield Chapter(name, folder, name, is_layer, entries, known)


def _field(layer: LayerFacts, facts: ModelFacts | None) -> list[int] | None:
    """Return height and width of what a place sees, or None if that is the whole picture."""
    field = layer.receptive_field_px
    if (
        field is None
        or facts is None
        or all(a >= b for a, b in zip(field, facts.native_size_px, strict=True))
    ):
        return None
    return list(field)


def _entry(
    chapter: str,
    which: int | str,
    pictures: Sequence[Picture],
    facts: ModelFacts | None,
    labels: Mapping[tuple[str, str], Label],
) -> Entry:
    ordered = tuple(sorted(_without_doubles(pictures), key=lambda picture: picture.figure))
    label = labels.get(labelled(chapter, str(which)))
    if isinstance(which, str):
        return Entry(which, None, ordered[0].label, ordered, label)
    is_class = facts is not None and chapter == facts.logits and which < len(facts.labels)
    title = facts.labels[which] if facts is not None and is_class else str(which)
    return Entry(str(which), which, title, ordered, label)


def _without_doubles(pictures: Sequence[Picture]) -> Iterator[Picture]:
    """Yield pictures; of those of one figure the first stays, of diversity the first job's, others are more.

    What is more than one of a kind is a variant: another recipe, another seed, another job.
    """
    firsts: dict[Figure, Picture] = {}
    for picture in pictures:
        first = firsts.setdefault(picture.figure, picture)
        is_mate = picture.figure is Figure.DIVERSITY and _group(picture) == _group(first)
        yield picture if picture is first or is_mate else replace(picture, figure=Figure.OTHER)


def _group(picture: Picture) -> tuple[str, int]:
    return picture.job, picture.program
