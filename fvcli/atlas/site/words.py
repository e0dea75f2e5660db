"""What pages say in words of an atlas, of layers and of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fvcli.atlas.site.charts import number
from fvcli.atlas.site.collect import Atlas, Chapter
from fvcli.atlas.site.read_picture import MISSING, Figure, Picture
from fvcli.errors import counted, size_in_words
from fvcli.plan import Program
from fvcli.run.remarks import SAID, SCORE_FELL
from fvcli.run.sidecar import DEAD, DONE, FAILED

UNIT_WORDS = {  # what a figure shows, before the facts of its picture
    Figure.CHANNEL: "Optimised picture of the whole channel.",
    Figure.NEURON: "One neuron of it",  # and where it is
    Figure.NEGATIVE: "Its opposite: the channel made as small as it could be.",
    Figure.DIVERSITY: "Pictures of the channel that were kept different from each other.",
}
CLASS_WORDS = {
    Figure.CHANNEL: "Optimised picture of the class: its score made as large as it could be.",
    Figure.NEGATIVE: "Its opposite: the score of the class made as small as it could be.",
    Figure.DIVERSITY: "Pictures of the class that were kept different from each other.",
}


def figure_said(words: Mapping[Figure, str], figure: Figure, picture: Picture) -> str:
    """Say what a figure shows.

    Args:
        words: Of channels or of classes; none of what is neither.
        figure: Which.
        picture: Its first.
    """
    where = "in the middle of the map"
    if picture.place is not None:
        where = f"at row {picture.place[0]} and column {picture.place[1]} of the map"
    if figure is Figure.NEURON:
        return f"{words.get(figure, 'One neuron')}, {where}."
    if figure is Figure.NEGATIVE and picture.objective == "neuron":
        return f"The opposite of one neuron of it, {where}: made as small as it could be."
    return words.get(figure, "Optimised picture.")


def picture_said(picture: Picture, program: Program, without: Sequence[str] = ()) -> str:
    """Say how a picture was made, and what is odd about it, but for remarks that stand elsewhere."""
    said = [f"Recipe {program.recipe}"]
    if picture.is_shown:
        said.append(counted(picture.steps, "step"))
        said.append(f"score {number(picture.start)} to {number(picture.saved)}")
    text = ", ".join(said) + "."
    if picture.status == DEAD:
        text += f" Dead: {picture.error}."
    said_of = SAID | ({SCORE_FELL: "the score rose above its start"} if picture.sign < 0 else {})
    remarks = [said_of.get(kind, kind) for kind in picture.remarks if kind not in without]
    return text + "".join(f" Look: {remark}." for remark in remarks)


def status_said(picture: Picture, short: bool = False) -> str:
    """Say why there is no picture."""
    said = {FAILED: "failed", MISSING: "not rendered", "newer": "of a newer fvcli"}.get(picture.status, "")
    return said if short or not picture.error else f"{said}: {picture.error}"


def objective_said(picture: Picture) -> str:
    """Return the kind of a picture's objective as people say it."""
    named = picture.objective.replace("_", " ")
    return f"negative {named}" if picture.sign < 0 else named


def summary_said(atlas: Atlas) -> str:
    """Say how many pictures of how many units an atlas has."""
    counts = atlas.counts
    units = sum(len(chapter.entries) for chapter in atlas.chapters if chapter.is_layer)
    layers = sum(chapter.is_layer for chapter in atlas.chapters)
    shown = counts.get(DONE, 0) + counts.get(DEAD, 0)
    of = f", of {counted(units, 'unit')} of {counted(layers, 'layer')}" if layers else ""
    others = sum(len(chapter.entries) for chapter in atlas.chapters if not chapter.is_layer)
    more = f" and {others:,} others" if layers and others else ""
    dead = f"; {counts[DEAD]:,} dead" if counts.get(DEAD) else ""
    return f"{shown:,} of {sum(counts.values()):,} pictures{of}{more}{dead}."


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
    what = "classes" if is_of_classes(chapter) else "channels"
    many = f"{count:,} of {facts['channels']:,}" if count < facts["channels"] else f"all {count:,}"
    return f"{many} {what}; {map_said(chapter)}."


def is_of_classes(chapter: Chapter) -> bool:
    """Tell whether the units of a chapter are classes that have names."""
    return chapter.is_layer and any(entry.title != entry.name for entry in chapter.entries)


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


def ways_said(programs: Sequence[Program]) -> Iterator[str]:
    """Say what pictures are rendered with, each way once."""
    said = (
        f"{program.recipe}, {counted(program.settings.steps, 'step')}, "
        f"{size_in_words((program.height_px, program.width_px), ' px')}, seed {program.settings.seed}"
        for program in programs
    )
    yield from dict.fromkeys(said)
