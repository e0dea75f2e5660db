"""What ``fvcli score`` found: a file beside each picture, and one of the whole run.

<unit>.scores.json    of one unit, beside its picture
RUN/scores.json       by which photos and judges, the controls, the thresholds, and the means
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fvcli.errors import FvcliError, command
from fvcli.plan import Unit
from fvcli.run.atomic import write_atomic
from fvcli.run.folder import RunFolder
from fvcli.run.objects import read_bytes, refuse_silence
from fvcli.run.sidecar import SCORES, Sidecar

SCORES_VERSION = 2  # 2: two_afc may be null
OF_RUN = "scores.json"


class DamagedScoresError(FvcliError):
    """A file of scores is there, and is none that fvcli wrote."""


@dataclass(frozen=True)
class TwoAfc:
    """The 2AFC task; shares from 0 to 1, where 0.5 is chance. See ``fvcli.trust.explain.Explained``.

    share: Of pairs that the pictures tell apart; low and high: its 95 % interval.
    pictures: How many pictures of the unit explain together.
    photos, noise, others: The shares of as many photos, of noise, and of other units' pictures (their mean;
        None if there are none).
    """

    share: float
    low: float
    high: float
    pictures: int
    by_judge: Mapping[str, float]
    photos: float
    noise: float
    others: float | None
    mis: float
    mis_of_photos: float


@dataclass(frozen=True)
class Strength:
    """Objectives of the picture, of the best photo and of the mean photo; without sign, like ``score.saved``.

    share: (picture - mean) / (best - mean); None if all photos are alike.
    """

    picture: float
    best_photo: float
    mean_photo: float
    share: float | None


@dataclass(frozen=True)
class Way:
    """The way through the network; None where there is no layer below, or nothing to compare with.

    overlap: Of the channels that carry the value, between the picture and the unit's photos, 0 to 1.
    photos, others: The same of other photos of the unit, and of other units' pictures.
    share: The overlap, scaled so that others are 0 and photos 1.
    ranks: Rank correlation of activations, scaled so that other photos are 0 and the unit's photos 1.
    """

    overlap: float | None
    photos: float | None
    others: float | None
    share: float | None
    ranks: float | None


@dataclass(frozen=True)
class Survival:
    """What is left of the picture's strength, 1 for all of it: in views that no ascent has seen, as a JPEG.

    photo: The same of the unit's strongest photo, the smaller of the two.
    """

    views: float | None
    jpeg: float | None
    photo: float | None


@dataclass(frozen=True)
class Transfer:
    """Of a class: the share of judges that name it first, or among their first five, and what each names."""

    first: float
    first_five: float
    named: Mapping[str, str]


@dataclass(frozen=True)
class UnitScores:
    """What was found of one unit.

    key, pixel_sha256: Of the picture that was looked at.
    two_afc: None if all photos excite the unit alike, such as one that none of them excites.
    agreement: Of the unit's pictures among each other: the mean similarity of two of them; None of one.
    transfer: None of what is no class, or where no judge knows the class.
    flags: Also among the remarks of the sidecar.
    """

    key: str
    pixel_sha256: str
    two_afc: TwoAfc | None
    strength: Strength
    path: Way
    survival: Survival
    agreement: float | None
    transfer: Transfer | None
    flags: Sequence[str]
    version: int = SCORES_VERSION


@dataclass(frozen=True)
class RunScores:
    """What was found of a run, and by what.

    photos: How many; pictures_digest: of the list that they were drawn from.
    judges: By name the SHA-256 of their weights.
    thresholds: Of flags.
    means: By name a mean over the units and its 95 % interval: share of pictures, photos, noise, others.
    units: How many have scores; flags: how many have each flag.
    """

    photos: int
    pictures_digest: str
    judges: Mapping[str, str]
    thresholds: Mapping[str, float]
    means: Mapping[str, Sequence[float]]
    units: int
    flags: Mapping[str, int]
    skipped: Sequence[str] = ()
    version: int = SCORES_VERSION


def write_unit_scores(
    run: RunFolder, unit: Unit, sidecar: Sidecar, scores: UnitScores, flags: Sequence[str]
) -> None:
    """Write the scores of a unit beside its picture, then name them, and its flags, in its sidecar.

    Args:
        run: The run.
        unit: A finished one.
        sidecar: Its sidecar.
        scores: What was found.
        flags: All flags that there are; those of an earlier look are taken out of the remarks.
    """
    content = _text_of(scores)
    write_atomic(run.extra(unit, SCORES), content)
    extras = [extra for extra in sidecar.extras if extra["name"] != SCORES]
    extras.append({"name": SCORES, "bytes": len(content)})
    remarks = [remark for remark in sidecar.remarks if remark not in flags]
    told = replace(sidecar, extras=extras, remarks=[*remarks, *scores.flags])
    if told.to_json() != sidecar.to_json():
        write_atomic(run.json(unit), told.to_json().encode())


def write_run_scores(run: Path, scores: RunScores) -> None:
    write_atomic(run / OF_RUN, _text_of(scores))


def merge_run_scores(runs: Sequence[Path], target: Path) -> str:
    """Take over the scores of a run that is joined from several, if all that have scores have the same ones.

    Args:
        runs: The folders, or addresses.
        target: What they are joined in; it counts, too.

    Returns:
        What should be known, in a sentence; empty if nothing.

    Raises:
        DamagedScoresError: A file cannot be read.
    """
    found = [scores for run in dict.fromkeys([target, *runs]) if (scores := read_run_scores(run)) is not None]
    if not found:
        return ""
    if any(_text_of(scores) != _text_of(found[0]) for scores in found):
        (target / OF_RUN).unlink(missing_ok=True)
        again = command("score", target, "--images", "DIR")
        return f"the runs were scored apart, so there are no means of all; {again} makes them"
    write_run_scores(target, found[0])
    return ""


def _text_of(scores: Any) -> bytes:
    return (json.dumps(asdict(scores), indent=1, allow_nan=False) + "\n").encode()


def read_unit_scores(run: RunFolder, unit: Unit, sidecar: Sidecar) -> UnitScores | None:
    """Return the scores of a unit, or None if it has none, or only of another picture or a newer fvcli."""
    return scores_of_picture(run, unit, sidecar.pixel_sha256)


def scores_of_picture(run: RunFolder, unit: Unit, pixel_sha256: str | None) -> UnitScores | None:
    """Return the scores of a unit whose sidecar has this key and these pixels; else as above.

    Raises:
        DamagedScoresError: The file is there, and cannot be read.
    """
    scores: UnitScores | None = _read(run.extra(unit, SCORES), UnitScores)
    is_of_it = scores is not None and (scores.key, scores.pixel_sha256) == (unit.key, pixel_sha256)
    return scores if is_of_it else None


def read_run_scores(run: Path) -> RunScores | None:
    """Return what was found of a run, or None."""
    scores: RunScores | None = _read(run / OF_RUN, RunScores)
    return scores


def _read(place: Path, kind: Any) -> Any:
    try:
        data = json.loads(read_bytes(place))
    except OSError as error:
        refuse_silence(place, error)
        return None
    except ValueError as error:
        raise _unreadable(place) from error
    if not isinstance(data, dict) or not isinstance(data.get("version"), int):
        raise _unreadable(place)
    if data["version"] > SCORES_VERSION:
        return None
    try:
        return _reader(kind).validate_python(data, extra="ignore")
    except ValidationError as error:
        raise _unreadable(place) from error


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _unreadable(place: Path) -> DamagedScoresError:
    return DamagedScoresError(f"{place}: not readable scores", "remove the file, and run fvcli score again")
