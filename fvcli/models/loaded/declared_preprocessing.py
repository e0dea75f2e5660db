"""Tell whether the preprocessing that a spec declares can be right, by the same evidence as a guess."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.models.choice import ModelChoice, Preprocessing
from fvcli.models.loaded.first_layers import Entrance, entrances_of
from fvcli.models.loaded.guess_preprocessing import (
    MISFIT_TO_DOUBT,
    MOST_LOGIT_DEVIATION,
    SMALLEST_LOGIT_DEVIATION,
    listed_misfits,
    misfit_of,
    misfit_of_logits,
    misfits,
    pictures_for,
)
from fvcli.models.loaded.range_of_first_layers import Range, is_plausible, is_same, range_of
from fvcli.models.loaded.subject import Subject


def check_declared(
    subject: Subject, choice: ModelChoice, is_untrained: bool = False
) -> tuple[Preprocessing, str | None]:
    """Return the declared preprocessing, and why it can hardly be right, as a sentence, or None.

    Where the order of colours is not declared, it is what the first layers tell; of an untrained network only
    they tell anything.
    """
    entrances = entrances_of(subject)
    known = range_of(entrances, subject.channels)
    order = known.preprocessing.channel_order if known is not None and known.tells_order else "RGB"
    declared = choice.preprocessing(Preprocessing(channel_order=order), subject.channels)
    said = _contradiction(subject, declared, entrances, known)
    if said is not None or is_untrained or (known is not None and known.is_certain):
        return declared, said
    return declared, _misfit(subject, declared)


def _contradiction(
    subject: Subject, declared: Preprocessing, entrances: Sequence[Entrance], known: Range | None
) -> str | None:
    """Return how a declared preprocessing contradicts the layers that scale the input, or None."""
    if not entrances or (known is not None and not known.is_certain):
        return None
    entrance, said = entrances[0], declared.said(subject.channels)
    if known is None:
        if entrance.is_learnt or is_plausible(entrance, declared):
            return None
        return _contradicting(entrance, declared, said)
    better = known.preprocessing
    if not is_same(declared, better, subject.channels):
        low, high = _ends(entrance, better)
        instead = f"{better.said(subject.channels)} would become {low:.3g} to {high:.3g}"
        return f"{_contradicting(entrance, declared, said)}; {instead}"
    if known.tells_order and declared.channel_order != better.channel_order:
        return (
            f"the declared preprocessing ({said}) contradicts the network: {entrance.layer} takes off the "
            f"mean of photos in the order {better.channel_order}"
        )
    return None


def _contradicting(entrance: Entrance, declared: Preprocessing, said: str) -> str:
    low, high = _ends(entrance, declared)
    does = "has the statistics of its pictures" if entrance.is_learnt else "scales its input itself"
    return (
        f"the declared preprocessing ({said}) contradicts the network, which {does}: {entrance.layer} makes "
        f"{low:.3g} to {high:.3g} of black to white"
    )


def _ends(entrance: Entrance, preprocessing: Preprocessing) -> tuple[float, float]:
    low, high = entrance.ends(preprocessing)
    return float(low.mean()), float(high.mean())


def _misfit(subject: Subject, declared: Preprocessing) -> str | None:
    pictures = pictures_for(subject)
    own = misfit_of(subject, declared, pictures)
    if own is None or own < MISFIT_TO_DOUBT:
        return None
    if subject.first_normalization is None:
        limits = SMALLEST_LOGIT_DEVIATION, MOST_LOGIT_DEVIATION
        if own < min(map(misfit_of_logits, limits)):
            return None
    found = misfits(subject, pictures)
    if own < 4 * min(found.values()):
        return None
    said, listed = declared.said(subject.channels), listed_misfits(subject, found)
    return f"the declared preprocessing ({said}) fits badly, with a misfit of {own:.2f}.{listed}"
