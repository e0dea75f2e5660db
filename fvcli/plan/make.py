"""Make a plan from a validated spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fvcli.models import ModelFacts
from fvcli.models.choice import resolved
from fvcli.plan.checks import (
    check_figure,
    check_length,
    check_memory,
    check_settings,
    check_size,
    wants_picture,
)
from fvcli.plan.data import (
    Coupling,
    JobPlan,
    Plan,
    Program,
    Unit,
    Window,
    digest,
    layers_of,
)
from fvcli.plan.groups import are_together, couplings_of, kept_units, with_facets
from fvcli.plan.keys import kept_settings, unit_key
from fvcli.plan.objectives import Resolver
from fvcli.plan.sources import pinned, sources_of, wrong_sum
from fvcli.plan.targets import Target
from fvcli.plan.views import batch_size_for, input_size, needed_bytes
from fvcli.plan.windows import window_of
from fvcli.sources import NamedFiles
from fvcli.spec.images import Pixel
from fvcli.spec.problems import KeyPath, Problem
from fvcli.spec.recipes import resolve
from fvcli.spec.schema import Job, Render, Spec, Variant

SIGNS = {"positive": 1, "negative": -1}
Origin = Callable[..., KeyPath]  # see _origin, for one job


def make_plan(
    spec: Spec, positions: Sequence[int], facts: ModelFacts, files: NamedFiles | None = None
) -> tuple[Plan, list[Problem]]:
    """Resolve a spec into units and batches.

    Args:
        spec: The validated spec, or the valid part of one.
        positions: For each of its jobs, the position in the document, for the problems.
        facts: Of the spec's model.
        files: What is known of the files that the spec names.

    Returns:
        The plan and everything that is wrong with the spec; the plan is whole only if nothing is.
    """
    files = files or NamedFiles()
    draft = _Draft([], {}, [], facts, files)
    problems: list[Problem] = []
    for position, job in zip(positions, spec.jobs, strict=True):
        problems += draft.add_job(job, spec.render, ("jobs", position))
    first = {unit.job: unit for unit in reversed(draft.units)}
    plan = Plan(
        model=resolved(spec.model.model_dump(mode="json"), facts.preprocessing),
        programs=tuple(draft.programs),
        jobs=tuple(_job_plan(job, first.get(job.name), draft.programs) for job in spec.jobs),
        units=tuple(draft.units),
        batches=_batches(draft.units, draft.programs),
        output=spec.output.model_dump(mode="json"),
        sources=sources_of(spec, draft.units, files),
    )
    if not problems and spec.output.figure is not None:
        problems += check_figure(plan, spec.output.figure)
    return plan, list(dict.fromkeys(problems))


@dataclass
class _Draft:
    """Units and programs so far; numbers finds a program's position by its digest."""

    programs: list[Program]
    numbers: dict[str, int]
    units: list[Unit]
    facts: ModelFacts
    files: NamedFiles

    def add_job(self, job: Job, render: Render, path: KeyPath) -> list[Problem]:
        problems: list[Problem] = []
        units: list[Unit] = []
        native_px, variants = self.facts.native_size_px, job.variants or [None]
        wanting = [wants_picture(resolve(job, render, native_px, variant)) for variant in variants]
        for i, variant in enumerate(variants):
            below = (*path, "variants", i) if variant is not None else path
            origin = partial(_origin, path, job, render, below, variant)
            asked = resolve(job, render, native_px, variant)
            settings = _heeded(pinned(asked, self.files), partial(_is_own, job, variant))
            if (wrong := wrong_sum(asked, self.files)) is not None:
                problems.append(Problem(origin("parameterization"), wrong))
            own_size = settings.octaves is not None and not _is_sized(job, render, variant)
            wants = next(filter(None, wanting), "")  # of any variant: all have the job's pictures
            made, found = self._units(job, variant, settings, path, origin, own_size, wants)
            units += made
            problems += found
        kept, found = kept_units(job, units, self.programs, path)
        self.units += kept
        return problems + found

    def _units(
        self,
        job: Job,
        variant: Variant | None,
        settings: Render,
        path: KeyPath,
        origin: Origin,
        own_size: bool,
        wants: str,
    ) -> tuple[list[Unit], list[Problem]]:
        size = _size(settings)
        resolver = Resolver(job, path, self.facts, size, self.files, wants)
        targets = with_facets(job, resolver.targets())
        couplings = [couplings_of(job, target, resolver) for target in targets]
        if not targets:  # what is wrong with couplings is said all the same
            couplings_of(job, None, resolver)
        is_own = partial(_is_own, job, variant)
        are_coupled = any(are_together(coupled, settings) for coupled in couplings)
        problems = resolver.problems + check_settings(
            settings, targets, self.facts, self.files, origin, is_own, are_coupled
        )
        layers = sorted({term.layer for target in targets for term in target.terms})
        problems += check_size(settings, self.facts, layers, origin)
        if problems:
            return [], problems
        known: dict[object, int] = {}
        units = []
        for i, (target, coupled) in enumerate(zip(targets, couplings, strict=True)):
            sized = _at_size_of_picture(settings, target, self.files) if own_size else settings
            window, place = _window(target, sized, self.facts)
            shape = tuple(term.shape for term in target.terms)
            same = (shape, window, sized.size_px, target.formula, target.members, coupled)
            if same not in known:
                program = _program(target, window, coupled, sized, self.facts)
                problems += check_length(sized, program.members, origin)
                problems += check_memory(program, sized, job, origin)
                known[same] = self._number(program)
            number = known[same]
            group = targets[i - target.member : i - target.member + target.members]
            unit = _unit(job, variant, target, number, self.programs[number], place)
            units.append(replace(unit, key=unit_key(unit, self.programs[number], self.facts, group)))
        return units, problems

    def _number(self, program: Program) -> int:
        window = program.window and vars(program.window)
        shapes = [vars(shape) for shape in program.terms]
        together = [vars(coupling) for coupling in program.couplings]
        # asdict would copy the settings, too
        code = digest({**vars(program), "window": window, "terms": shapes, "couplings": together})
        if code not in self.numbers:
            self.numbers[code] = len(self.programs)
            self.programs.append(program)
        return self.numbers[code]


def _origin(
    path: KeyPath, job: Job, render: Render, below: KeyPath, variant: Variant | None, *keys: str
) -> KeyPath:
    """Return where the first of some settings that is written stands: in a variant, the job, or render."""
    for key in keys:
        if variant is not None and getattr(variant, key, None) is not None:
            return (*below, key)
        if getattr(job, key) is not None:
            return (*path, key)
        if getattr(render, key, None) is not None:
            return ("render", key)
    return (*path, keys[0])


def _is_own(job: Job, variant: Variant | None, key: str) -> bool:
    """Tell whether a job without variants, or a variant, has a key itself."""
    return getattr(variant or job, key, None) is not None


def _heeded(settings: Render, is_own: Callable[[str], bool]) -> Render:
    """Return the settings of a dream or a direction of a picture without what only ascents heed."""
    if settings.steepest is None and settings.octaves is None:
        return settings
    plain: dict[str, Any] = {"transforms": (), "penalties": (), "regularizers": ()}
    plain |= {"views": 1, "attention": False, "save_px": None}
    if settings.steepest is not None:
        plain |= {"octaves": None, "save_at": None, "animation": None}
    image = settings.parameterization
    is_plain = isinstance(image, Pixel) and not image.alpha and image.shared is None
    if not is_plain and not is_own("parameterization"):
        plain["parameterization"] = Pixel(kind="pixel")
    return settings.model_copy(update=plain)


def _size(settings: Render) -> tuple[int, int]:
    assert isinstance(settings.size_px, tuple)  # resolved
    return settings.size_px


def _is_sized(job: Job, render: Render, variant: Variant | None) -> bool:
    """Tell whether the spec says how large pictures are."""
    return any(part is not None and part.size_px is not None for part in (variant, job, render))


def _at_size_of_picture(settings: Render, target: Target, files: NamedFiles) -> Render:
    """Return the settings of a dream, which has the size of its picture unless the spec says another."""
    if target.picture is None or settings.start != "picture":
        return settings
    pictures = (p for group in files.pictures.values() for p in group)
    found = next(p for p in pictures if p.sha256 == target.picture)
    return settings.model_copy(update={"size_px": (found.height_px, found.width_px)})


def _window(
    target: Target, settings: Render, facts: ModelFacts
) -> tuple[Window | None, tuple[int, int] | None]:
    plain = settings.start == "noise" and not settings.attention and settings.views == 1
    kind = settings.parameterization.kind if settings.parameterization else ""
    alone = len(target.terms) == 1 and target.members == 1 and target.terms[0].kind == "neuron"
    if plain and alone and target.picture is None and kind in {"fourier", "pixel", "laplacian"}:
        return window_of(target.terms[0], settings, facts) or (None, None)
    return None, None


# ---- programs and units


def _program(
    target: Target,
    window: Window | None,
    couplings: tuple[Coupling, ...],
    settings: Render,
    facts: ModelFacts,
) -> Program:
    height, width = _size(settings)
    shapes = tuple(term.shape for term in target.terms)
    layers = layers_of(shapes, couplings)
    input_px = None
    if settings.octaves is not None:
        input_px = input_size(facts, layers, (), (settings.octaves.tile_px,) * 2)
    elif window is None:
        input_px = input_size(facts, layers, settings.transforms or (), (height, width))
    needed = needed_bytes(facts, layers, settings, window, input_px, target.picture is not None)
    members = target.members if are_together(couplings, settings) else 1
    fitting = settings.batch_size or max(1, batch_size_for(settings.memory_gb or 0, needed))
    return Program(
        model=facts.name,
        weights_sha256=facts.weights_sha256,
        terms=shapes,
        recipe=settings.recipe or "default",
        height_px=height,
        width_px=width,
        batch_size=members * max(1, fitting // members),
        image_bytes=needed,
        settings=kept_settings(settings),
        window=window,
        input_px=input_px,
        formula=target.formula,
        members=members,
        couplings=couplings,
    )


def _unit(
    job: Job,
    variant: Variant | None,
    target: Target,
    number: int,
    program: Program,
    place: tuple[int, int] | None,
) -> Unit:
    """Return a unit that still lacks its key."""
    sign = SIGNS[job.sign]
    names = [target.name, *(["negative"] if sign < 0 else []), *([variant.name] if variant else [])]
    described = {**target.unit, **({"variant": variant.name} if variant else {})}
    return Unit(
        job=job.name,
        name="-".join(names),
        key="",
        label=target.label if variant is None else f"{target.label} {variant.name}",
        objective=job.objective.kind,
        unit=described,
        sign=sign,
        terms=target.terms,
        program=number,
        place=place,
        member=target.member if program.members > 1 else 0,
        picture=target.picture,
        variant=variant.name if variant else None,
        formula=target.formula,
    )


def _batches(units: Sequence[Unit], programs: Sequence[Program]) -> tuple[tuple[int, ...], ...]:
    """Cut the units of each program, in order, into batches of at most its size."""
    members: list[list[int]] = [[] for _ in programs]
    for i, unit in enumerate(units):
        members[unit.program].append(i)
    return tuple(
        tuple(mine[start : start + program.batch_size])
        for mine, program in zip(members, programs, strict=True)
        for start in range(0, len(mine), program.batch_size)
    )


def _job_plan(job: Job, first: Unit | None, programs: Sequence[Program]) -> JobPlan:
    title = job.title or job.name
    if first is not None and job.title is None:
        program = programs[first.program]
        kind = job.objective.kind.replace("_", " ") + (", negative" if job.sign == "negative" else "")
        title += f": {' + '.join(program.layers)}, {kind}, {program.model}, {program.recipe}"
    asked = job.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={*Render.model_fields})
    return JobPlan(job.name, title, job.title or job.name, asked)
