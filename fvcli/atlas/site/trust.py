"""What pages say of the scores of pictures, which ``fvcli score`` found: how far each can be trusted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fvcli.atlas.site.collect import Atlas, Entry
from fvcli.atlas.site.layout import isolated
from fvcli.atlas.site.read_picture import Figure, Picture
from fvcli.errors import counted
from fvcli.run.remarks import FRAGILE, NOT_PREDICTIVE, OTHER_PATH, SAID, WEAKER
from fvcli.run.scores import RunScores, Survival, Transfer, TwoAfc, UnitScores

TOLD_APART = "2AFC"
NOT_ASKED = "All photos excite it alike, so none can be told apart"
FLAG_NAMES = {  # in tables, and in the list of a layer's filter
    WEAKER: "weaker than a photo",
    NOT_PREDICTIVE: "tells no photos apart",
    OTHER_PATH: "another way than photos",
    FRAGILE: "loses its effect",
}
ROW_OF_FLAG = {NOT_PREDICTIVE: TOLD_APART, WEAKER: "strength", OTHER_PATH: "way", FRAGILE: "survival"}
FIGURES = {
    Figure.CHANNEL: "Figure 1",
    Figure.NEURON: "Figure 2, the neuron",
    Figure.NEGATIVE: "Figure 3, the opposite",
}
MEANS = {  # of scores.json, in the order of the overview
    "pictures": "the pictures of the unit",
    "photos": "as many photos of it",
    "others": "pictures of other units",
    "noise": "pictures of noise",
}
# Which key of the thresholds of scores.json a flag has, and of which number it is.
THRESHOLDS = {
    NOT_PREDICTIVE: ("chance", "the upper end of 2AFC below {}"),
    OTHER_PATH: ("path", "way below {}"),
    FRAGILE: ("survival", "survival below {}"),
}


class Row(NamedTuple):
    """A number of a unit: its name, the number as it is written, what it says, and whether it is flagged."""

    name: str
    value: str
    said: str
    flag: str = ""


def decimal(value: float | None) -> str:
    """Write a number with two decimals."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.2f}".replace("-", "\u2212")


def rounded(value: float | None) -> float | None:
    """Return a number with two decimals, for files of data; None where it is not known."""
    return None if value is None or not math.isfinite(value) else round(value, 2)


def interval_said(found: TwoAfc) -> str:
    return f"{decimal(found.share)} ({decimal(found.low)} to {decimal(found.high)})"


def flag_said(flag: str) -> str:
    """Say a flag in words; one that only a newer fvcli knows is told as it is."""
    return SAID.get(flag, flag.replace("_", " "))


def flag_name(flag: str) -> str:
    """Return a flag in few words."""
    return FLAG_NAMES.get(flag, flag.replace("_", " "))


def flags_said(scores: UnitScores | None) -> str:
    """Say all flags of a picture in one line; nothing if there are none."""
    return "; ".join(map(flag_said, scores.flags)) if scores is not None else ""


def brief(entry: Entry) -> str:
    """Say in a line what was found of an entry; nothing if it has no scores."""
    scores = entry.trust
    if scores is None:
        return ""
    flags = flags_said(scores)
    task = scores.two_afc
    line = NOT_ASKED if task is None else f"2AFC {interval_said(task)}, by photos {decimal(task.photos)}"
    return f"{line}. Flagged: {flags}." if flags else f"{line}."


# ---- the page of a unit


def entry_trust(entry: Entry) -> dict[str, Any] | None:
    """Return what the page of an entry says of its scores, or None if it has none.

    Returns:
        rows: Of the picture that stands for it. flags: Of that picture, in one line. of: which that is, where
        it is not the main one. others: The numbers of all its pictures, if there are several.
    """
    if not entry.scored:
        return None
    first = entry.scored[0]
    scores = first.scores
    assert scores is not None  # as of all that are scored
    return {
        "of": "" if first is entry.main else f"{_called(entry, first)}: ",
        "flags": flags_said(scores),
        "rows": [*_rows(scores)],
        "others": [_line(entry, one) for one in entry.scored] if len(entry.scored) > 1 else [],
    }


def _rows(scores: UnitScores) -> Iterator[Row]:
    task = scores.two_afc
    rows = [*([] if task is None else _task_rows(task)), *_picture_rows(scores)]
    if task is None:
        yield Row(TOLD_APART, decimal(None), f"{NOT_ASKED}.")
    for row in rows:
        is_flagged = any(ROW_OF_FLAG.get(flag) == row.name for flag in scores.flags)
        yield row._replace(flag="Flagged." if is_flagged else "")
    unknown = [flag for flag in scores.flags if ROW_OF_FLAG.get(flag) not in {row.name for row in rows}]
    for flag in unknown:
        yield Row(flag.replace("_", " "), "", f"{flag_said(flag)}.".capitalize(), "Flagged.")


def _task_rows(found: TwoAfc) -> Iterator[Row]:
    by = "the picture" if found.pictures == 1 else f"its {found.pictures} pictures"
    many = counted(found.pictures, "photo")
    judges = ", ".join(f"{isolated(name)} {decimal(share)}" for name, share in found.by_judge.items())
    yield Row(
        TOLD_APART,
        interval_said(found),
        f"Two-alternative forced choice: shown {by} and two photos, how often do other networks choose the "
        f"photo that excites the unit? 0.5 is chance, 1 is always; in brackets the 95 % interval. "
        f"By judge: {judges}.",
    )
    yield Row(
        "by photos",
        decimal(found.photos),
        f"The same if they are shown {many} of the unit instead, which is what pictures are held against.",
    )
    if found.others is not None:
        yield Row("by others", decimal(found.others), "The same with pictures of other units.")
    yield Row("by noise", decimal(found.noise), "The same with pictures of noise.")
    yield Row(
        "MIS",
        decimal(found.mis),
        "Machine interpretability score: the same task, and how sure the networks are. "
        f"By photos: {decimal(found.mis_of_photos)}.",
    )


def _picture_rows(scores: UnitScores) -> Iterator[Row]:
    values = (
        (
            "strength",
            scores.strength.share,
            "How much the picture excites the unit: 0 as the mean photo, 1 as the best photo.",
        ),
        (
            "way",
            scores.path.share,
            "Does it excite the unit through the channels that photos use? 0: as little as pictures of other "
            "units, 1: as much as other photos of the unit.",
        ),
        (
            "survival",
            survival_of(scores.survival),
            "What is left of its effect if it is turned, moved, enlarged, or saved as a JPEG: 1 is all.",
        ),
        (
            "agreement",
            scores.agreement,
            "How alike the pictures of the unit are that began from other noise or are diverse. 1: the same, "
            "0: as unlike as those of two units.",
        ),
    )
    for name, value, said in values:
        if value is not None:
            yield Row(name, decimal(value), said)
    if scores.transfer is not None:
        yield _transfer_row(scores.transfer)


def _transfer_row(transfer: Transfer) -> Row:
    judges = len(transfer.named)
    named = ", ".join(f"{isolated(judge)}: {isolated(label)}" for judge, label in transfer.named.items())
    first, five = round(transfer.first * judges), round(transfer.first_five * judges)
    said = f"Other networks that name this class first; {five} among their first five. Named first: {named}."
    return Row("named", f"{first} of {judges}", said)


def survival_of(survival: Survival) -> float | None:
    """Return the smaller of what is left in views and after a JPEG."""
    return min((left for left in (survival.views, survival.jpeg) if left is not None), default=None)


def _line(entry: Entry, picture: Picture) -> dict[str, Any]:
    """Return the numbers of one of several pictures."""
    scores = picture.scores
    assert scores is not None  # as of all that are scored
    task = scores.two_afc
    numbers = (
        decimal(None) if task is None else interval_said(task),
        *map(decimal, (None, None) if task is None else (task.photos, task.mis)),
        *map(decimal, (scores.strength.share, scores.path.share, survival_of(scores.survival))),
    )
    flags = "; ".join(map(flag_name, scores.flags))
    return {"name": _called(entry, picture), "numbers": numbers, "flags": flags}


def _called(entry: Entry, picture: Picture) -> str:
    """Return what a picture is called on its page."""
    if picture.figure is Figure.DIVERSITY:
        mates = [one for one in entry.pictures if one.figure is Figure.DIVERSITY]
        return f"Figure 4, picture {mates.index(picture) + 1}"
    return FIGURES.get(picture.figure, isolated(picture.unit))


# ---- the page of a layer


def flags_of_entry(entry: Entry) -> Sequence[str]:
    return entry.trust.flags if entry.trust is not None else ()


def chapter_trust(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return what the page of a chapter sorts and filters by, or None if nothing has scores."""
    if not any(entry.scored for entry in entries):
        return None
    counts = Counter(flag for entry in entries for flag in flags_of_entry(entry))
    flags = [
        {"name": flag, "said": f"{flag_name(flag)} ({count:,})"}
        for flag, count in sorted(counts.items(), key=lambda one: _order(one[0]))
    ]
    return {"flags": flags, "flagged": f"{sum(bool(flags_of_entry(entry)) for entry in entries):,}"}


def page_trust(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the scores of a page of a chapter for its script, small.

    Returns:
        twoAfc: Of each entry, or None for all of them; flagKinds: names and words of the flags that there
        are; flags: by position of a flagged entry those of ``flagKinds`` that it has.
    """
    known = any(entry.scored for entry in entries)
    names = sorted({flag for entry in entries for flag in flags_of_entry(entry)}, key=_order)
    return {
        "twoAfc": [_share(entry) for entry in entries] if known else None,
        "flagKinds": [[name, flag_said(name)] for name in names],
        "flags": {
            i: [names.index(flag) for flag in flags]
            for i, entry in enumerate(entries)
            if (flags := flags_of_entry(entry))
        },
    }


def unit_trust(entry: Entry) -> dict[str, Any]:
    """Return what atlas.json's files say of the scores of an entry."""
    return {"two_afc": _share(entry), "flags": None if entry.trust is None else list(entry.trust.flags)}


def _share(entry: Entry) -> float | None:
    task = None if entry.trust is None else entry.trust.two_afc
    return None if task is None else rounded(task.share)


def _order(flag: str) -> tuple[int, str]:
    known = list(ROW_OF_FLAG)
    return (known.index(flag) if flag in known else len(known), flag)


# ---- the overview


def overview_trust(atlas: Atlas, found: RunScores | None) -> dict[str, Any] | None:
    """Return what the overview says of scores, or None if there are none.

    Args:
        atlas: What is shown.
        found: Of the whole run.
    """
    scored = [entry for chapter in atlas.chapters for entry in chapter.entries if entry.scored]
    if not scored:
        return None
    flagged = [entry for entry in scored if flags_of_entry(entry)]
    one = "unit" if any(chapter.is_layer for chapter in atlas.chapters) else "picture"
    return {
        "scored": f"{len(scored):,} {one}{'' if len(scored) == 1 else 's'}",
        "one": one,
        "are": "is" if len(flagged) == 1 else "are",
        "flagged": f"{len(flagged):,}",
        "all": f"{sum(len(chapter.entries) for chapter in atlas.chapters):,}",
        "count": f"{len(scored):,}",
        "reasons": list(_reasons(flagged, found.thresholds if found is not None else {})),
        "means": _means(found) if found is not None else [],
        "judges": ", ".join(found.judges) if found is not None else "",
        "photos": f"{found.photos:,} photos" if found is not None else "",
        "lead": _lead(found),
    }


def _lead(found: RunScores | None) -> str:
    """Say in a sentence what pictures explain; nothing where that is not known."""
    shares = {name: row[0] for name, row in found.means.items() if row} if found is not None else {}
    if not {"pictures", "photos"} <= set(shares):
        return ""
    pictures, photos = (f"{100 * shares[name]:.0f} %" for name in ("pictures", "photos"))
    return (
        f"By the pictures, other networks choose the photo that excites a unit in {pictures} of cases, "
        f"and by photos of it in {photos}; by chance it would be 50 %."
    )


def _means(found: RunScores) -> list[tuple[str, str, str]]:
    """Return what explains units, the mean of its 2AFC shares, and their interval."""
    return [
        (said, decimal(row[0]), f"{decimal(row[1])} to {decimal(row[2])}")
        for name, said in MEANS.items()
        if (row := found.means.get(name)) is not None and len(row) == 3
    ]


def _reasons(flagged: Sequence[Entry], thresholds: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield how many units have each flag, and why, the most frequent first."""
    counts = Counter(flag for entry in flagged for flag in flags_of_entry(entry))
    for flag, count in sorted(counts.items(), key=lambda one: (-one[1], _order(one[0]))):
        key, said = THRESHOLDS.get(flag, ("", ""))
        limit = said.format(decimal(thresholds[key])) if key in thresholds else ""
        if flag == WEAKER:
            limit = "strength below 1"
        yield f"{count:,}", flag_said(flag) + (f" ({limit})" if limit else "")
