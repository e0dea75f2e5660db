"""What is wrong with how something is rendered: sizes, memory, pieces that do not go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fvcli.models import ModelFacts
from fvcli.plan.data import Coupling, Plan, Program
from fvcli.plan.targets import Target
from fvcli.plan.views import gigabytes, view_size
from fvcli.spec.images import Generator
from fvcli.spec.output import Figure
from fvcli.spec.pieces import Background
from fvcli.spec.problems import KeyPath, Problem
from fvcli.spec.schema import Job, Render

Origin = Callable[..., KeyPath]  # the keys of some settings -> where the first that is written stands
RESIZABLE = {"cppn"}  # parameterizations without a size of their own
STARTABLE = {"fourier", "pixel", "laplacian"}  # those that a given picture can be written in
OF_ALPHA = {"alpha", "blur_alpha"}


def wants_picture(settings: Render) -> str:
    """Say what of some settings needs a picture; empty if nothing does."""
    if settings.steepest is not None:
        return "steepest"
    return "start: picture" if settings.start == "picture" else ""


def check_settings(
    settings: Render,
    targets: Sequence[Target],
    couplings: Sequence[Coupling],
    facts: ModelFacts,
    origin: Origin,
) -> list[Problem]:
    """Return what of the settings does not go together, or not with the model."""
    found = [*_wrong_pieces(settings, facts), *_wrong_extras(settings, targets, couplings)]
    return [Problem(origin(key), message) for key, message in found]


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
    if settings.regularizers and image.kind != "pixel":
        yield "regularizers", f"regularizers change pixels, and the parameterization is {image.kind}"
    if image.kind == "maco" and colours not in {1, 3}:
        yield "parameterization", f"maco needs one or three channels; {facts.name} takes {colours}"
    if isinstance(image, Generator) and colours != 3:
        yield "parameterization", f"a generator makes colours; {facts.name} takes {colours} channels"


def _wrong_extras(
    settings: Render, targets: Sequence[Target], couplings: Sequence[Coupling]
) -> Iterator[tuple[str, str]]:
    image = settings.parameterization
    assert image is not None  # resolved
    if settings.save_px is not None and image.kind not in RESIZABLE:
        yield "save_px", f"a {image.kind} picture has a size of its own; leave save_px out, or use cppn"
    if settings.start == "picture" and image.kind not in STARTABLE:
        yield (
            "start",
            f"a {image.kind} picture cannot start from a given one; use fourier, pixel or laplacian",
        )
    last, end = max(settings.save_at or (0,)), _all_steps(settings)
    if last > end:
        yield "save_at", f"step {last} is beyond the last, which is {end}"
    grouped = any(target.members > 1 for target in targets)
    of_numbers = settings.animation is not None and settings.animation.of == "numbers"
    if targets and not grouped and of_numbers:
        yield "animation", "an animation of numbers needs an interpolate objective"
    if targets and not grouped and getattr(image, "shared", None) is not None:
        yield (
            "parameterization",
            "shared parts need pictures that are optimised together: diversity, interpolate",
        )
    if settings.octaves is not None and (couplings or grouped):
        yield "octaves", "a dream takes its pictures one by one; leave out what couples them"
    if settings.attention and image.kind == "pixel" and getattr(image, "alpha", False):
        yield "attention", "a picture has one opacity; leave attention or alpha out"


def _all_steps(settings: Render) -> int:
    """Return how many steps a picture takes, in all octaves if it is a dream."""
    octaves, steps = settings.octaves, settings.steps or 0
    if octaves is None:
        return steps
    return sum(octave.steps for octave in octaves.each) if octaves.each else octaves.count * steps


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
    budget = settings.memory_gb or 0.0
    if settings.batch_size is not None or program.image_bytes <= budget * 1e9:
        return []
    message = (
        f"one picture needs about {gigabytes(program.image_bytes)}, and memory_gb is {budget:g}; "
        f"raise it, or lower the size_px of job {job.name}"
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
