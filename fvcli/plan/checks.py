"""What is wrong with how something is rendered: sizes, memory, pieces that do not go together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from fvcli.errors import counted, size_in_words, some_of
from fvcli.media import NamedFiles
from fvcli.models import ModelFacts
from fvcli.plan.data import Program
from fvcli.plan.fit_to_unit import unfit
from fvcli.plan.key_origins import KeyOrigins
from fvcli.plan.plan import Plan
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.plan.unread_keys import MADE, OF_ASCENTS
from fvcli.plan.views import gigabytes, input_size, octave_steps, view_refusal, view_size
from fvcli.spec.base import kinds_of
from fvcli.spec.fitting_defaults import RATE
from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.output import Figure
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.schema import Job
from fvcli.spec.settings import Method, ResolvedRender, Settings

Origin = Callable[..., KeyPath]  # the keys of some settings -> where the first that is written stands
# The keys that a check looks at together. Where one of them is not known, the others cannot be judged.
_LENGTHS = ("recipe", "size_px", "save_px", "octaves", "steepest")
READ_BY_SETTINGS = frozenset(
    {"parameterization", "start", "objective", "diversity", "recipe", "save_px", "octaves", "steepest"}
    | {"size_px", "save_at", "animation", "pictures", "variants", *OF_ASCENTS} - {"optimizer"}
)
READ_BY_SIZE = frozenset({"recipe", "size_px", "transforms", "octaves", "steepest"})
READ_BY_LENGTH = frozenset({*_LENGTHS, "steps", "save_at", "animation", "objective", "diversity"})
READ_BY_MEMORY = frozenset(
    {*_LENGTHS, "transforms", "views", "parameterization", "attention", "batch_size", "memory_gb"}
    | {"diversity", "objective", "penalties", "start", "canvas", "animation", "precision"}
)
KEY_OF: dict[Method, str] = {"ascent": "steps", "dream": "octaves", "steepest": "steepest"}
FILM_BYTES = 4_000_000_000  # of frames that are kept until their film is written
FILM_PX = 1024  # sides of films that are painted larger than the ascent
COLOURS = 3


def wants_picture(settings: Settings) -> str:
    """Say what of some settings needs a picture; empty if nothing does."""
    if settings.method == "steepest":
        return "steepest"
    return "start: picture" if settings.starts_from_picture else ""


def check_settings(
    settings: ResolvedRender,
    drafts: Sequence[UnitDraft],
    facts: ModelFacts,
    files: NamedFiles,
    origins: KeyOrigins,
    are_coupled: bool,
) -> list[Problem]:
    """Return what of the settings does not go together, or not with the model.

    Args:
        settings: Of the job.
        drafts: What the job's pictures show.
        facts: Of the model.
        files: What is known of the files that the spec names.
        origins: Where the settings are from.
        are_coupled: Whether some of the pictures have to be optimised together.
    """
    found = [
        *_wrong_pieces(settings, facts),
        *_wrong_extras(settings, drafts),
        *_wrong_method(settings, drafts, facts, are_coupled),
        *_wrong_films(settings, drafts, files),
        *_wrong_references(settings, drafts),
    ]
    if origins.is_anywhere("penalties"):  # those of a recipe are left out where they do not fit
        found += _unfit_penalties(settings, drafts, facts)
    return [Problem(origins.at(key), message) for key, message in found]


def _wrong_pieces(settings: Settings, facts: ModelFacts) -> Iterator[tuple[str, str]]:
    image = settings.parameterization
    if (refusal := image.refusal(facts.input_channels)) is not None:
        channels = counted(facts.input_channels, "channel")
        yield "parameterization", f"{refusal}; {facts.name} takes {channels}"
    of_alpha = [penalty.kind for penalty in settings.penalties if penalty.needs_alpha]
    if of_alpha and not image.is_transparent:
        yield "penalties", f"{min(of_alpha)} needs parameterization.alpha: true"
    if any(transform.is_background for transform in settings.transforms) and not image.is_transparent:
        yield "transforms", "a background needs parameterization.alpha: true"
    if _unknown_rate(settings):
        yield (
            "optimizer",
            "such steps need a learning_rate, and step: mean needs none; add learning_rate: 1.0",
        )
    if settings.regularizers and not image.is_plain_pixels:
        shown = image.kind if image.kind != "pixel" else "more than pixels, with alpha or shared parts"
        message = f"regularizers change pixels, and the parameterization is {shown}"
        yield "regularizers", f"{message}; write parameterization: pixel"


def _unfit_penalties(
    settings: Settings, drafts: Sequence[UnitDraft], facts: ModelFacts
) -> Iterator[tuple[str, str]]:
    for penalty in settings.penalties:
        reasons = (unfit(penalty, draft.terms, facts) for draft in drafts)
        if (reason := next(filter(None, reasons), None)) is not None:
            yield "penalties", f"{penalty.kind} {reason}; leave it out"


def _unknown_rate(settings: Settings) -> bool:
    """Tell whether nobody wrote a learning rate, and none can be told without the network."""
    optimizer = settings.optimizer
    known = optimizer.rate_for(settings.parameterization.kind, settings.steps)
    return settings.method == "ascent" and known is None and RATE not in optimizer.model_fields_set


def _wrong_extras(settings: ResolvedRender, drafts: Sequence[UnitDraft]) -> Iterator[tuple[str, str]]:
    image, saved_px = settings.parameterization, settings.saved_px
    if saved_px is not None and not image.any_size:
        able = _kinds_that("any_size")
        yield "save_px", f"a {image.kind} picture has a size of its own; leave save_px out, or use {able}"
    elif saved_px is not None and (nearest := _in_shape(settings, saved_px)) is not None:
        height, width = nearest
        yield "save_px", f"it is of another shape than size_px; [{height}, {width}] would do"
    if settings.starts_from_picture and not image.holds_pictures:
        able = _kinds_that("holds_pictures")
        yield "start", f"a {image.kind} picture cannot start from a given one; use {able}"
    grouped = any(draft.members > 1 for draft in drafts)
    if drafts and not grouped and settings.is_morph:
        yield (
            "animation",
            "a morph needs an interpolate objective; for a film of one optimisation write of: ascent",
        )
    if drafts and not grouped and image.shared_parts is not None:
        yield (
            "parameterization",
            "shared parts need pictures that are optimised together: diversity, interpolate",
        )
    if settings.attention and saved_px is not None:
        yield "attention", "what is gathered has the size of the ascent; leave attention or save_px out"
    if settings.attention and image.is_transparent:
        yield "attention", "a picture has one opacity; leave attention or alpha out"


def _kinds_that(can: str) -> str:
    """List the parameterizations that can do something: ``fourier, pixel or laplacian``."""
    *others, last = [kind for kind, model in kinds_of(Parameterization).items() if getattr(model, can)]
    return f"{', '.join(others)} or {last}" if others else last


def _wrong_method(
    settings: Settings,
    drafts: Sequence[UnitDraft],
    facts: ModelFacts,
    are_coupled: bool,
) -> Iterator[tuple[str, str]]:
    """Yield what dreams and directions of pictures cannot have."""
    if settings.method == "ascent":
        return
    what = MADE[settings.method]
    key = KEY_OF[settings.method]
    yield from _wrong_dream(settings) if settings.method == "dream" else _wrong_direction(settings, facts)
    if are_coupled:
        yield key, f"{what} is made of one picture at a time; leave out what couples them"
    terms = [term for draft in drafts for term in draft.terms]
    if kinds := {term.kind for term in terms if term.shape.aims_at_picture}:
        yield key, f"{min(kinds)} aims at the picture that {what} begins with; use another objective"
    reading = {term.kind for term in terms if term.of_kind.reads_place or term.source}
    if reading and settings.method == "dream":
        yield (
            key,
            f"{min(reading)} reads a place, and a dream is made of tiles; use channel, layer or a class",
        )


def _wrong_dream(settings: Settings) -> Iterator[tuple[str, str]]:
    assert settings.octaves is not None  # or it is no dream
    if not settings.parameterization.is_plain_pixels:
        yield "parameterization", "a dream moves plain pixels; leave the parameterization out"
    if settings.is_morph:
        yield "animation", "a dream has nothing to morph between; write of: ascent"
    if settings.octaves.each and settings.octaves.each[-1].scale != 1:
        yield "octaves", "the last octave is the picture itself: its scale is 1"


def _wrong_direction(settings: Settings, facts: ModelFacts) -> Iterator[tuple[str, str]]:
    if settings.steepest == "full" and facts.input_channels != COLOURS:
        yield "steepest", f"full needs a network that takes colours, and {facts.name} does not; use spatial"


def _wrong_references(settings: Settings, drafts: Sequence[UnitDraft]) -> Iterator[tuple[str, str]]:
    """Yield what of the objectives cannot be matched with photos of their own."""
    kinds = {term.kind for draft in drafts for term in draft.terms if term.of_kind.compares}
    if settings.references is not None and kinds:
        message = f"{min(kinds)} compares with a picture already, and references are photos of a unit"
        yield "references", f"{message}; use another objective, or another recipe than vital"


def _wrong_films(
    settings: Settings, drafts: Sequence[UnitDraft], files: NamedFiles
) -> Iterator[tuple[str, str]]:
    """Yield what keeps a film from being written."""
    dreams = settings.method == "dream" and settings.starts_from_picture
    films = {facts.sha256 for group in files.pictures.values() for facts in group if facts.frames > 1}
    if dreams and settings.save_at and any(draft.picture in films for draft in drafts):
        yield "save_at", "a dream of a film saves the last frame's dream, and the film; leave save_at out"


def check_length(settings: ResolvedRender, members: int, origin: Origin) -> list[Problem]:
    """Return what is wrong with the steps of a picture whose size is known, and with its film.

    Args:
        settings: Resolved, with the picture's own size.
        members: How many pictures are optimised together.
        origin: Where a key is written.
    """
    film, problems = settings.animation, []
    last, end = max(settings.save_at or (0,)), _all_steps(settings)
    if last > end:
        problems.append(Problem(origin("save_at"), f"step {last} is beyond the last, which is {end}"))
    if film is not None:
        count, size = (_all_steps(settings) // film.every + 1) * members, settings.size_px
        if settings.is_morph:
            larger, count = settings.saved_px, film.frames
            size = (min(larger[0], FILM_PX), min(larger[1], FILM_PX)) if larger else size
        kept = 3 * count * math.prod(size)
        if kept > FILM_BYTES:
            message = f"its frames take {gigabytes(kept)}, of at most {gigabytes(FILM_BYTES)}; take fewer"
            problems.append(Problem(origin("animation"), message))
    return problems


def _in_shape(settings: ResolvedRender, asked: tuple[int, int]) -> tuple[int, int] | None:
    """Return the size like the asked one that has the shape of the picture, if the asked one has not."""
    height, width = settings.size_px
    share = max(asked) / max(height, width)
    nearest = round(height * share), round(width * share)
    return nearest if max(abs(a - b) for a, b in zip(asked, nearest, strict=True)) > 1 else None


def _all_steps(settings: ResolvedRender) -> int:
    """Return how many steps a picture takes, in all octaves if it is a dream."""
    if settings.octaves is None:
        return settings.steps
    each = octave_steps(settings.octaves, settings.steps, settings.size_px)
    return sum(steps for _, steps in each)


def check_size(
    settings: ResolvedRender, facts: ModelFacts, layers: Sequence[str], origin: Origin
) -> list[Problem]:
    """Return what is wrong with the size of the pictures, or of what the transforms leave of them."""
    height, width = settings.size_px
    least, asker = facts.least_px(layers), facts.name
    if layers and facts.has_maps_of_one_position:
        asker = f"{some_of(layers, 'layer')} of {facts.name}"
        if input_size(facts, layers, settings.transforms, settings.size_px) is not None:
            least = 1  # because views are resized to what the layers take
    if min(height, width) < least:
        message = f"{size_in_words((height, width))} is too small for {asker}; it needs at least {least} px"
        return [Problem(origin("size_px"), message)]
    seen = view_size(settings.transforms, height, width, min)
    if min(seen) < least:
        view = f"a view of {size_in_words(seen)}" if min(seen) else "nothing"
        message = (
            f"of {size_in_words((height, width), ' px')} the transforms leave {view}, "
            f"and {asker} needs at least {least}; use a larger size_px or smaller transforms"
        )
        return [Problem(origin("transforms", "size_px"), message)]
    refusal = view_refusal(settings.transforms, height, width)
    return [Problem(origin("transforms"), refusal)] if refusal else []


def check_memory(program: Program, settings: ResolvedRender, job: Job, origin: Origin) -> list[Problem]:
    """Return what is wrong with the memory that a picture needs, if the spec has a limit of its own."""
    budget, members = settings.memory_gb, program.members
    needed = program.image_bytes * members
    if budget is None or settings.batch_size is not None or needed <= budget * 1e9:
        return []
    what = "one picture needs" if members == 1 else f"{members} pictures that are optimised together need"
    message = (
        f"{what} about {gigabytes(needed)}, and memory_gb is {budget:g}; "
        f"raise it or leave it out, or lower {'views, or ' if settings.views > 1 else ''}"
        f"the size_px of job {job.name}"
    )
    return [Problem(origin("memory_gb", "size_px"), message)]


def check_figure(plan: Plan, figure: Figure) -> list[Problem]:
    """Return the rows of a figure that have nothing to show."""
    problems = []
    for i, row in enumerate(figure.rows or ()):
        path: KeyPath = ("output", "figure", "rows", i)
        for j, pattern in enumerate(row.units):
            paths = plan.only(pattern)
            units = [unit for unit in plan.units if unit.path in paths]
            if not units:
                message = f"no picture matches {pattern!r}; pictures are named like {plan.units[0].path}"
                problems.append(Problem((*path, "units", j), message))
            elif row.show == "source" and units[0].picture is None:
                message = f"{units[0].path} has no picture that it began with"
                problems.append(Problem((*path, "show"), message))
            elif row.show == "steps" and plan.programs[units[0].program].settings.save_at is None:
                message = f"{units[0].path} has no save_at, whose pictures could be shown"
                problems.append(Problem((*path, "show"), message))
    return problems
