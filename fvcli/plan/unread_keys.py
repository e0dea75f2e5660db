"""Keys that a spec writes and nothing reads, such as the optimizer of a dream.

A key of a job with variants is read if one variant reads it, and a key of ``render`` if one job does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.schema import Job, Render
from fvcli.spec.settings import Method, ResolvedRender, Settings

OF_ASCENTS = (
    *("transforms", "optimizer", "penalties", "regularizers", "views", "attention", "save_px"),
    *("redirect_steps", "early_stop", "canvas", "precision", "references"),
)
NOT_READ: dict[Method, Sequence[str]] = {
    "ascent": (),
    "dream": OF_ASCENTS,
    "steepest": (
        *OF_ASCENTS,
        *("parameterization", "octaves", "save_at", "animation", "steps", "seed", "seeds"),
    ),
}
MADE: dict[Method, str] = {
    "ascent": "an optimisation",
    "dream": "a dream",
    "steepest": "a direction of a picture",
}
# What to write where another key does what is meant.
INSTEAD: dict[tuple[Method, str], str] = {
    ("dream", "optimizer"): "how far a step goes is octaves: {rates: [0.012, 0.006]}",
    ("dream", "early_stop"): "for fewer steps write steps: 6",
    ("dream", "save_px"): "write the size below size_px",
    ("dream", "regularizers"): "a blur after each step is blurs_px of octaves.each",
    ("steepest", "steps"): "it looks at the gradient once",
    ("steepest", "seed"): "nothing in it is random",
    ("steepest", "seeds"): "nothing in it is random",
}
BY_EACH = ("count", "scale", "rates", "bands")  # of octaves, where each octave is written


@dataclass(frozen=True)
class Heir:
    """Settings that some keys of a level are part of.

    above: Levels that go before that level; what they write is not taken from it.
    """

    settings: ResolvedRender
    above: Sequence[Render | None] = ()

    def inherits(self, key: str) -> bool:
        return all(level is None or getattr(level, key) is None for level in self.above)


def unread_in_job(job: Job, path: KeyPath, made: Sequence[ResolvedRender]) -> list[Problem]:
    """Return the keys of a job and of its variants that nothing reads.

    Args:
        job: The job.
        path: Where it stands.
        made: Its settings, or those of each of its variants.
    """
    variants = job.variants or (None,)
    heirs = [Heir(settings, (variant,)) for settings, variant in zip(made, variants, strict=True)]
    found = unread_keys(job, path, heirs)
    for i, (settings, variant) in enumerate(zip(made, variants, strict=True)):
        if variant is not None:
            found += unread_keys(variant, (*path, "variants", i), [Heir(settings)])
    return found


def unread_keys(
    level: Render, path: KeyPath, heirs: Sequence[Heir], accepted: frozenset[str] = frozenset()
) -> list[Problem]:
    """Return the keys of one level of a spec that none of its settings reads.

    Args:
        level: What all jobs share, a job, or a variant.
        path: Where it stands.
        heirs: The settings that are made of it.
        accepted: Keys that may stand there without being read.
    """
    found = []
    for key in Render.model_fields:
        if key in accepted or getattr(level, key) is None:
            continue
        made = [heir.settings for heir in heirs if heir.inherits(key)]
        unread = [dict(unread_options(settings, key)) for settings in made]
        for option in unread[0] if unread else ():
            if all(option in others for others in unread):
                place = (*path, key, option) if option else (*path, key)
                found.append(Problem(place, unread[0][option]))
    return found


def unread_options(settings: Settings, key: str) -> Iterator[tuple[str, str]]:
    """Yield what settings do not read of a written key: options of it, or "" for the whole key; and why."""
    method, made = settings.method, MADE[settings.method]
    if key in NOT_READ[method]:
        instead = INSTEAD.get((method, key))
        yield "", f"{made} does not use it; leave it out" + (f" ({instead})" if instead else "")
    elif method == "dream":
        yield from _unread_of_dream(settings, key)
    if key == "animation" and settings.animation is not None and method != "steepest":
        odd, of = ("every", "of: ascent") if settings.is_morph else ("frames", "of: interpolation")
        if odd in settings.animation.model_fields_set:
            yield odd, f"only a film with {of} uses it; leave it out"


def unread_settings(settings: Settings) -> list[tuple[str, str]]:
    """Return keys and options of theirs that a spec of these settings may not have; the whole key is ""."""
    written = Settings.model_validate_json(settings.model_dump_json())  # all that is written was set
    return [(key, option) for key in Render.model_fields for option, _ in unread_options(written, key)]


def _unread_of_dream(settings: Settings, key: str) -> Iterator[tuple[str, str]]:
    octaves, image = settings.octaves, settings.parameterization
    assert octaves is not None  # or it is no dream
    if octaves.each is not None and key == "steps":
        yield "", "octaves.each says the steps of each octave; leave steps out, or write octaves: {count: 5}"
    if octaves.each is not None and key == "octaves":
        for option in BY_EACH:
            if option in octaves.model_fields_set:
                yield option, f"octaves.each says it of each octave; leave {option} or each out"
    if key == "parameterization" and image.is_plain_pixels:
        read = {"kind"} if settings.starts_from_picture else {"kind", "std"}
        for option in sorted(image.model_fields_set - read):
            yield option, "a dream does not use it; leave it out"
