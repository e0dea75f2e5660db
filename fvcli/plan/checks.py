"""What is wrong with how something is rendered: sizes, memory, pieces that do not go together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from fvcli.errors import FvcliError
from fvcli.media import NamedFiles
from fvcli.media.ffmpeg import ffmpeg
from fvcli.models import ModelFacts
from fvcli.models.choice import as_pair
from fvcli.plan.data import Plan, Program
from fvcli.plan.key_origins import Written
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.plan.views import gigabytes, octave_steps, view_size
from fvcli.spec.output import Figure
from fvcli.spec.parameterizations import Generator, Maco, Pixel
from fvcli.spec.problems import KeyPath, Problem
from fvcli.spec.schema import Job, Render
from fvcli.spec.transforms import Background

Origin = Callable[..., KeyPath]  # the keys of some settings -> where the first that is written stands
RESIZABLE = {"cppn"}  # parameterizations without a size of their own
GRIDS = {"fourier", "pixel", "laplacian"}  # those that a given picture, or a part of one, can be written in
OF_ASCENTS = ("transforms", "optimizer", "penalties", "regularizers", "views", "attention", "save_px")
NOT_HEEDED = {
    "octaves": OF_ASCENTS,
    "steepest": (*OF_ASCENTS, "parameterization", "octaves", "save_at", "animation"),
}
FILM_BYTES = 4_000_000_000  # of frames that are kept until their film is written
FILM_PX = 1024  # sides of films that are painted larger than the ascent
OF_ALPHA = {"alpha", "blur_alpha"}
PLACED = {"neuron", "direction_neuron", "local_group", "tensor_direction"}  # objectives that read a place


def wants_picture(settings: Render) -> str:
    """Say what of some settings needs a picture; empty if nothing does."""
    if settings.steepest is not None:
        return "steepest"
    return "start: picture" if settings.start == "picture" else ""


def is_plain(image: object) -> bool:
    """Tell whether a parameterization is pixels, and nothing beside them."""
    return isinstance(image, Pixel) and not image.alpha and image.shared is None


def check_settings(
    settings: Render,
    drafts: Sequence[UnitDraft],
    facts: ModelFacts,
    files: NamedFiles,
    written: Written,
    are_coupled: bool,
) -> list[Problem]:
    """Return what of the settings does not go together, or not with the model.

    Args:
        settings: Resolved.
        drafts: What the job's pictures show.
        facts: Of the model.
        files: What is known of the files that the spec names.
        written: Where they are from.
        are_coupled: Whether some of the pictures have to be optimised together.
    """
    found = [
        *_wrong_pieces(settings, facts),
        *_wrong_extras(settings, drafts),
        *_wrong_of_pictures(settings, drafts, facts, written, are_coupled),
        *_wrong_films(settings, drafts, files),
    ]
    return [Problem(written.at(key), message) for key, message in found]


def _wrong_pieces(settings: Render, facts: ModelFacts) -> Iterator[tuple[str, str]]:
    image = settings.parameterization
    assert image is not None  # resolved
    alpha = getattr(image, "alpha", False)
    colours = facts.input_channels
    if alpha and colours != 3:
        yield "parameterization", f"alpha needs a network that takes colours; {facts.name} takes {colours}"
    kinds = {penalty.kind for penalty in settings.penalties or ()}
    if kinds & OF_ALPHA and not alpha:
        yield "penalties", f"{min(kinds & OF_ALPHA)} needs parameterization.alpha: true"
    if any(isinstance(t, Background) for t in settings.transforms or ()) and not alpha:
        yield "transforms", "a background needs parameterization.alpha: true"
    if settings.regularizers and not is_plain(image):
        shown = image.kind if image.kind != "pixel" else "more than pixels, with alpha or shared parts"
        yield "regularizers", f"regularizers change pixels, and the parameterization is {shown}"
    if image.kind == "maco" and colours not in {1, 3}:
        yield "parameterization", f"maco needs one or three channels; {facts.name} takes {colours}"
    if isinstance(image, Maco) and image.spectrum is not None and colours != 3:
        yield "parameterization", f"a spectrum of photos has colours; {facts.name} takes {colours} channels"
    if isinstance(image, Generator) and colours != 3:
        yield "parameterization", f"a generator makes colours; {facts.name} takes {colours} channels"


def _wrong_extras(settings: Render, drafts: Sequence[UnitDraft]) -> Iterator[tuple[str, str]]:
    image = settings.parameterization
    assert image is not None  # resolved
    saved_px = as_pair(settings.save_px)
    if saved_px is not None and image.kind not in RESIZABLE:
        yield "save_px", f"a {image.kind} picture has a size of its own; leave save_px out, or use cppn"
    elif saved_px is not None and (nearest := _in_shape(settings, saved_px)) is not None:
        height, width = nearest
        yield "save_px", f"it is of another shape than size_px; [{height}, {width}] would do"
    if settings.start == "picture" and image.kind not in GRIDS:
        yield (
            "start",
            f"a {image.kind} picture cannot start from a given one; use fourier, pixel or laplacian",
        )
    grouped = any(draft.members > 1 for draft in drafts)
    of_numbers = settings.animation is not None and settings.animation.of == "numbers"
    if drafts and not grouped and of_numbers:
        yield "animation", "an animation of numbers needs an interpolate objective"
    if drafts and not grouped and getattr(image, "shared", None) is not None:
        yield (
            "parameterization",
            "shared parts need pictures that are optimised together: diversity, interpolate",
        )
    if settings.attention and settings.save_px is not None:
        yield "attention", "what is gathered has the size of the ascent; leave attention or save_px out"
    if settings.attention and getattr(image, "alpha", False):
        yield "attention", "a picture has one opacity; leave attention or alpha out"


def _wrong_of_pictures(
    settings: Render,
    drafts: Sequence[UnitDraft],
    facts: ModelFacts,
    written: Written,
    are_coupled: bool,
) -> Iterator[tuple[str, str]]:
    """Yield what dreams and directions of pictures cannot have, or would not heed."""
    octaves = settings.octaves
    if settings.steepest is not None:
        what, key = "a direction of a picture", "steepest"
        if settings.steepest == "full" and facts.input_channels != 3:
            yield (
                "steepest",
                f"full needs a network that takes colours, and {facts.name} does not; use spatial",
            )
    elif octaves is not None:
        what, key = "a dream", "octaves"
        if not is_plain(settings.parameterization):
            yield "parameterization", "a dream moves plain pixels; leave the parameterization out"
        if settings.animation is not None and settings.animation.of == "numbers":
            yield "animation", "a dream has no numbers to go between; use of: ascent"
        if octaves.each and octaves.each[-1].scale != 1:
            yield "octaves", "the last octave is the picture itself: its scale is 1"
    else:
        return
    if are_coupled:
        yield key, f"{what} is made of one picture at a time; leave out what couples them"
    for other in NOT_HEEDED[key]:
        if written.is_own(other):
            yield other, f"{what} does not heed it; leave it out"
    terms = [term for draft in drafts for term in draft.terms]
    if kinds := {term.kind for term in terms if term.shape.aims_at_picture}:
        yield key, f"{min(kinds)} aims at the picture that {what} begins with; use another objective"
    if octaves is not None and (kinds := {t.kind for t in terms if t.kind in PLACED or t.source}):
        yield (
            "octaves",
            f"{min(kinds)} reads a place, and a dream is made of tiles; use channel, layer or a class",
        )


def _wrong_films(
    settings: Render, drafts: Sequence[UnitDraft], files: NamedFiles
) -> Iterator[tuple[str, str]]:
    """Yield what keeps a film from being written."""
    film, dreams = settings.animation, settings.octaves is not None and settings.start == "picture"
    films = {facts.sha256 for group in files.pictures.values() for facts in group if facts.frames > 1}
    of_films = dreams and any(draft.picture in films for draft in drafts)
    if film.format == "mp4" if film is not None else of_films:
        try:
            ffmpeg("writing mp4")
        except FvcliError as error:
            yield "animation", str(error)
    if of_films and settings.save_at:
        yield "save_at", "a dream of a film saves the last frame's dream, and the film; leave save_at out"


def check_length(settings: Render, members: int, origin: Origin) -> list[Problem]:
    """Return what is wrong with the steps of a picture whose size is known, and with its film.

    Args:
        settings: Resolved, with the picture's own size.
        members: How many pictures are optimised together.
        origin: Where a key is written.
    """
    assert isinstance(settings.size_px, tuple)  # resolved
    film, problems = settings.animation, []
    last, end = max(settings.save_at or (0,)), _all_steps(settings)
    if last > end:
        problems.append(Problem(origin("save_at"), f"step {last} is beyond the last, which is {end}"))
    if film is not None:
        count, size = (_all_steps(settings) // film.every + 1) * members, settings.size_px
        if film.of == "numbers":
            larger, count = as_pair(settings.save_px), film.frames
            size = (min(larger[0], FILM_PX), min(larger[1], FILM_PX)) if larger else size
        kept = 3 * count * math.prod(size)
        if kept > FILM_BYTES:
            message = f"its frames take {gigabytes(kept)}, of at most {gigabytes(FILM_BYTES)}; take fewer"
            problems.append(Problem(origin("animation"), message))
    return problems


def _in_shape(settings: Render, asked: tuple[int, int]) -> tuple[int, int] | None:
    """Return the size like the asked one that has the shape of the picture, if the asked one has not."""
    assert isinstance(settings.size_px, tuple)  # resolved
    height, width = settings.size_px
    share = max(asked) / max(height, width)
    nearest = round(height * share), round(width * share)
    return nearest if max(abs(a - b) for a, b in zip(asked, nearest, strict=True)) > 1 else None


def _all_steps(settings: Render) -> int:
    """Return how many steps a picture takes, in all octaves if it is a dream."""
    assert isinstance(settings.size_px, tuple)  # resolved
    if settings.octaves is None:
        return settings.steps or 0
    each = octave_steps(settings.octaves.model_dump(), settings.steps or 0, settings.size_px)
    return sum(steps for _, steps in each)


def check_size(settings: Render, facts: ModelFacts, layers: Sequence[str], origin: Origin) -> list[Problem]:
    """Return what is wrong with the size of the pictures, or of what the transforms leave of them."""
    assert isinstance(settings.size_px, tuple)  # resolved
    height, width = settings.size_px
    least = facts.min_size_px if facts.input_size(layers) is None else 1
    if min(height, width) < least:
        message = f"{height} x {width} is too small for {facts.name}; it needs at least {least} px"
        return [Problem(origin("size_px"), message)]
    seen = view_size(settings.transforms or (), height, width, min)
    if min(seen) < least:
        view = f"a view of {seen[0]} x {seen[1]}" if min(seen) else "nothing"
        message = (
            f"of {height} x {width} px the transforms leave {view}, "
            f"and {facts.name} needs at least {least}; use a larger size_px or smaller transforms"
        )
        return [Problem(origin("transforms", "size_px"), message)]
    return []


def check_memory(program: Program, settings: Render, job: Job, origin: Origin) -> list[Problem]:
    """Return what is wrong with the memory that a picture needs."""
    budget, members = settings.memory_gb or 0.0, program.members
    needed = program.image_bytes * members
    if settings.batch_size is not None or needed <= budget * 1e9:
        return []
    what = "one picture needs" if members == 1 else f"{members} pictures that are optimised together need"
    message = (
        f"{what} about {gigabytes(needed)}, and memory_gb is {budget:g}; "
        f"raise it, or lower {'views, or ' if (settings.views or 1) > 1 else ''}the size_px of job {job.name}"
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
            elif row.show == "steps" and "save_at" not in plan.programs[units[0].program].settings:
                message = f"{units[0].path} has no save_at, whose pictures could be shown"
                problems.append(Problem((*path, "show"), message))
    return problems
