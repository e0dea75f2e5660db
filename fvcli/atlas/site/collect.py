"""What an atlas shows of a run: chapters, entries and their pictures, from the files of the run alone.

A chapter is a layer, or a job whose pictures are of no single channel. An entry is a page: a channel or a
class with all its pictures, whatever jobs they are of, or one picture of such a job.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from pathlib import PurePath
from typing import Any

from fvcli.atlas.site.labels_file import Label, labelled
from fvcli.models import LayerFacts, ModelFacts
from fvcli.plan import Place, Program, Unit
from fvcli.plan.without_cycles import without_cycles
from fvcli.run import RunFolder
from fvcli.run.examples import channel_of
from fvcli.run.look import NEWER, Look, look_at
from fvcli.run.objects import read_bytes
from fvcli.run.sidecar import FAILED, FINISHED
from fvcli.spec.file_names import folder_names

MISSING = "missing"  # planned, and not rendered yet
UNREADABLE = "the file of the picture cannot be read"
A_PAGE = 1024  # entries of a chapter on one page
JOB = "job-"  # how folders of jobs begin, so that no job changes the address of a layer
CURVE = "curve.json"


class Figure(IntEnum):
    """The figures of a picture on the page of its entry; numbers are the same on all pages."""

    CHANNEL = 1
    NEURON = 2
    NEGATIVE = 3
    DIVERSITY = 4
    OTHER = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A unit of the run as its page shows it. Numbers are None where nothing is known.

    unit: Its job/unit; stem: where its files are below the run's units.
    status: done, dead, failed, newer or missing; error says why it is not done.
    place: Row and column of the neuron, where the spec names one.
    start, end, saved: Its score, as in the sidecar.
    pixels: The beginning of the hash of its pixels; empty where there is no picture.
    trace: Scores of the first steps; curve tells whether all stand in a file beside the picture.
    """

    unit: str
    stem: str
    key: str
    job: str
    label: str
    objective: str
    sign: int
    figure: Figure
    program: int
    position: int  # in the plan's units
    place: tuple[int, int] | None = None
    status: str = MISSING
    error: str = ""
    start: float | None = None
    end: float | None = None
    saved: float | None = None
    steps: int = 0
    seconds: float = 0.0
    pixels: str = ""
    trace: tuple[float, ...] = ()
    has_curve: bool = False
    remarks: tuple[str, ...] = ()
    canvas: Mapping[str, int] | None = None

    @property
    def is_shown(self) -> bool:
        """Whether there is a picture to show."""
        return self.status in FINISHED


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
        found.setdefault(_subject(unit), []).append(_picture(run, unit, position, look))
    return found


def _subject(unit: Unit) -> Subject:
    """Return what a unit is a picture of: a channel or class, as ``channel_of`` says, or itself.

    A picture that starts from a photo, or aims at one, is of that photo, so that it is none of a channel.
    """
    channel = channel_of(unit) if unit.picture is None else None
    return (False, unit.job, unit.name) if channel is None else (True, *channel)


def _figure(unit: Unit, program: Program) -> Figure:
    if program.members > 1:
        return Figure.DIVERSITY if unit.sign > 0 else Figure.OTHER
    if unit.sign < 0:
        return Figure.NEGATIVE
    return Figure.NEURON if unit.objective == "neuron" else Figure.CHANNEL


def _picture(run: RunFolder, unit: Unit, position: int, look: Look) -> Picture:
    picture = Picture(
        unit.path,
        unit.stem,
        unit.key,
        unit.job,
        unit.label,
        unit.objective,
        unit.sign,
        _figure(unit, run.plan.programs[unit.program]),
        unit.program,
        position,
        (unit.terms[0].row, unit.terms[0].column) if unit.terms[0].row >= 0 else None,
    )
    place = Place(unit.job, unit.stem, unit.key)
    state = look.state(place)
    if state is None:
        return picture
    if state == NEWER:
        return replace(picture, status=NEWER, error=look.reason(place) or "")
    return _told(picture, state, json.loads(read_bytes(run.json(unit))))


def _told(picture: Picture, status: str, sidecar: Mapping[str, Any]) -> Picture:
    """Return a picture with what its sidecar says; keys that older versions did not write are left out."""
    score = sidecar.get("score") or {}
    return replace(
        picture,
        status=status,
        error=sidecar.get("error") or "",
        start=score.get("start"),
        end=score.get("end"),
        saved=score.get("saved"),
        steps=sidecar.get("steps", 0),
        seconds=sidecar.get("seconds", 0.0),
        pixels=(sidecar.get("pixel_sha256") or "")[:16],
        trace=tuple(sidecar.get("trace", ())),
        has_curve=any(extra["name"] == CURVE for extra in sidecar.get("extras", ())),
        remarks=tuple(sidecar.get("remarks", ())),
        canvas=sidecar.get("canvas"),
    )


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
