"""From what networks said to the scores of units, the thresholds and the means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fvcli.app.measure_trust import Measured, Named, ScoredUnit
from fvcli.run.scores import Strength, Survival, Transfer, TwoAfc, UnitScores, Way
from fvcli.trust import Thresholds, flags_of, thresholds_from
from fvcli.trust.assemble import (
    FIRST_FIVE,
    WayFound,
    agreement_of,
    named_by,
    strength_of,
    survival_of,
    ways_found,
)
from fvcli.trust.explain import Explained, explain
from fvcli.trust.flags import Found
from fvcli.trust.two_afc import interval_of_mean

CLASS_OBJECTIVES = {"class_logit", "class_probability"}
DIGITS = 6
DREAM = "dream"


def scores_of_units(units: Sequence[ScoredUnit], measured: Measured) -> tuple[Thresholds, list[UnitScores]]:
    """Return the thresholds that the run's controls give, and the scores of its units, in order."""
    values = _by_unit(measured)
    explained = _explained(measured, values)
    judged = [(judge.photos, judge.pictures) for judge in measured.judges]
    agreement = agreement_of(judged, measured.shows, measured.alike)
    ways, survivals, photo_survivals = _of_groups(measured, values)
    as_seen = {
        place: group.left[i].saved for group in measured.groups for i, place in enumerate(group.places)
    }
    thresholds = thresholds_from(
        [other for one in explained if one is not None for other in one.others],
        [share for way in ways for share in way.other_shares],
        [left for one in photo_survivals if (left := _least(one)) is not None],
    )
    found = []
    for place, one in enumerate(units):
        number = int(measured.shows[place])
        strength = _strength(one, values[:, place], as_seen[place])
        two_afc, survival = explained[number], survivals[place]
        least = _least(survival)
        interval = None if two_afc is None else two_afc.interval
        known = Found(strength.share, interval, ways[place].share, least, measured.untrained)
        found.append(
            UnitScores(
                key=one.unit.key,
                pixel_sha256=str(one.sidecar.pixel_sha256),
                two_afc=None if two_afc is None else _two_afc(two_afc, int((measured.shows == number).sum())),
                strength=strength,
                path=_way(ways[place]),
                survival=Survival(
                    _rounded(survival[0]), _rounded(survival[1]), _rounded(_least(photo_survivals[place]))
                ),
                agreement=_rounded(agreement[number]),
                transfer=_transfer(one, measured, place),
                flags=flags_of(known, thresholds),
            )
        )
    return thresholds, found


def _by_unit(measured: Measured) -> np.ndarray:
    """Return signed objectives [photos, units]."""
    values = np.zeros((len(measured.groups[0].values), len(measured.shows)), np.float32)
    for group in measured.groups:
        values[:, list(group.places)] = group.values
    return values


def _explained(measured: Measured, values: np.ndarray) -> list[Explained | None]:
    first = [int(np.flatnonzero(measured.shows == number)[0]) for number in range(measured.shows.max() + 1)]
    return explain(measured.judges, measured.shows, values[:, first], measured.halves, measured.alike)


_Survival = tuple[float | None, float | None]
_NOTHING: _Survival = (None, None)


def _of_groups(
    measured: Measured, values: np.ndarray
) -> tuple[list[WayFound], list[_Survival], list[_Survival]]:
    """Return ways and survivals by unit, and the survivals of their strongest photos."""
    count = len(measured.shows)
    ways, survivals, photos = [WayFound()] * count, [_NOTHING] * count, [_NOTHING] * count
    for group in measured.groups:
        places = list(group.places)
        found = ways_found(group.ways, measured.alike[places], measured.way_photos, group.means)
        for i, place in enumerate(places):
            mean = float(values[:, place].mean())
            ways[place] = found[i]
            survivals[place] = survival_of(group.left[i], mean)
            photos[place] = survival_of(group.photos_left[i], mean)
    return ways, survivals, photos


def _least(left: _Survival) -> float | None:
    return min((each for each in left if each is not None), default=None)


def _strength(one: ScoredUnit, values: np.ndarray, as_seen: float) -> Strength:
    """Return how strong a picture is; as_seen: its signed objective, computed as that of photos is.

    That of a dream is taken, because its own score is the mean of tiles, and photos are seen whole.
    """
    sign = one.unit.sign
    saved = float((one.sidecar.score or {})["saved"])
    picture = _exact(sign * as_seen) if one.method == DREAM else saved
    best, mean = sign * float(values.max()), sign * float(values.mean())
    share = strength_of(sign * picture, values)
    return Strength(picture, _exact(best), _exact(mean), _rounded(share))


def _two_afc(found: Explained, pictures: int) -> TwoAfc:
    return TwoAfc(
        share=_exact(found.share),
        low=_exact(found.interval.low),
        high=_exact(found.interval.high),
        pictures=pictures,
        by_judge={name: _exact(share) for name, share in found.by_judge.items()},
        photos=_exact(found.photos),
        noise=_exact(found.noise),
        others=_rounded(float(np.mean(found.others))) if found.others else None,
        mis=_exact(found.mis),
        mis_of_photos=_exact(found.photos_mis),
    )


def _way(found: WayFound) -> Way:
    return Way(*map(_rounded, (found.overlap, found.photos, found.others, found.share, found.ranks)))


def _transfer(one: ScoredUnit, measured: Measured, place: int) -> Transfer | None:
    """Return how many judges name the class of a unit; None of what is no class, or that none knows."""
    label = _class_of(one, measured.labels)
    knowing = {
        name: said for name, said in measured.named.items() if label is not None and label in said.labels
    }
    if not knowing:
        return None
    firsts = {name: _labels(said, place) for name, said in knowing.items()}
    return Transfer(
        first=float(np.mean([found[0] == label for found in firsts.values()])),
        first_five=float(np.mean([label in found for found in firsts.values()])),
        named={name: found[0] for name, found in firsts.items()},
    )


def _class_of(one: ScoredUnit, labels: tuple[str, ...]) -> str | None:
    terms = one.unit.terms
    if len(terms) != 1 or terms[0].kind not in CLASS_OBJECTIVES or one.unit.sign < 0:
        return None
    return labels[terms[0].index] if terms[0].index < len(labels) else None


def _labels(said: Named, place: int) -> list[str]:
    return [said.labels[number] for number in named_by(said.logits[[place]], FIRST_FIVE)[0]]


def mean_rows(found: Sequence[UnitScores]) -> Mapping[str, Sequence[float]]:
    """Return by what explains them the mean 2AFC share of the units, and its 95 % interval."""
    tasks = [scores.two_afc for scores in found if scores.two_afc is not None]
    columns = {
        "photos": [task.photos for task in tasks],
        "pictures": [task.share for task in tasks],
        "others": [task.others for task in tasks if task.others is not None],
        "noise": [task.noise for task in tasks],
    }
    return {
        name: [_exact(float(np.mean(shares))), *map(_exact, interval_of_mean(np.array(shares)))]
        for name, shares in columns.items()
        if shares
    }


def _exact(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _rounded(value: float | None) -> float | None:
    return None if value is None else _exact(value)
