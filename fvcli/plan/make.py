"""Make a plan from a validated spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from fvcli.models import ModelFacts
from fvcli.models.choice import resolved
from fvcli.plan.data import JobPlan, Plan, Program, Unit, Window, digest
from fvcli.plan.objectives import Resolver, Target
from fvcli.plan.views import batch_size_for, gigabytes, image_bytes, input_size, view_size
from fvcli.plan.windows import window_of
from fvcli.spec.problems import KeyPath, Problem
from fvcli.spec.recipes import ALGORITHM, resolve
from fvcli.spec.schema import Job, Render, Spec

# What a program keeps of the resolved recipe; size and batch size have fields of their own.
SETTINGS = (
    *("steps", "seed", "parameterization", "transforms", "optimizer", "redirect_steps"),
    *("early_stop", "canvas", "precision"),
)
SIGNS = {"positive": 1, "negative": -1}
Shape = tuple[tuple[str, str, bool], ...]
Origin = Callable[..., KeyPath]  # see _origin, for one job


def make_plan(spec: Spec, positions: Sequence[int], facts: ModelFacts) -> tuple[Plan, list[Problem]]:
    """Resolve a spec into units and batches.

    Args:
        spec: The validated spec, or the valid part of one.
        positions: For each of its jobs, the position in the document, for the problems.
        facts: Of the spec's model.

    Returns:
        The plan and everything that is wrong with the spec; the plan is whole only if nothing is.
    """
    draft = _Draft([], {}, [])
    problems: list[Problem] = []
    for position, job in zip(positions, spec.jobs, strict=True):
        settings = resolve(job, spec.render, facts.native_size_px)
        path: KeyPath = ("jobs", position)
        origin = partial(_origin, path, job, spec.render)
        resolver = Resolver(job, path, facts, _size(settings))
        targets = resolver.targets()
        layers = {term.layer for target in targets for term in target.terms}
        too_small = _check_size(settings, facts, sorted(layers), origin)
        problems += too_small + resolver.problems
        if not too_small:
            problems += draft.add(job, targets, settings, facts, origin)
    first = {unit.job: unit for unit in reversed(draft.units)}
    plan = Plan(
        model=resolved(spec.model.model_dump(mode="json"), facts.preprocessing),
        programs=tuple(draft.programs),
        jobs=tuple(_job_plan(job, first.get(job.name), draft.programs) for job in spec.jobs),
        units=tuple(draft.units),
        batches=_batches(draft.units, draft.programs),
        output=spec.output.model_dump(mode="json"),
    )
    return plan, problems


def _origin(path: KeyPath, job: Job, render: Render, *keys: str) -> KeyPath:
    """Return where the first of some settings that is written stands: in the job, or in render."""
    for key in keys:
        if getattr(job, key) is not None:
            return (*path, key)
        if getattr(render, key) is not None:
            return ("render", key)
    return (*path, keys[0])


@dataclass
class _Draft:
    """Units and programs so far; numbers finds a program's position by its digest."""

    programs: list[Program]
    numbers: dict[str, int]
    units: list[Unit]

    def add(
        self, job: Job, targets: Sequence[Target], settings: Render, facts: ModelFacts, origin: Origin
    ) -> list[Problem]:
        problems: list[Problem] = []
        known: dict[tuple[Shape, Window | None], int] = {}
        for target in targets:
            shape = tuple(term.shape for term in target.terms)
            window, place = _window(target, settings, facts)
            if (shape, window) not in known:
                program = _program(shape, window, settings, facts)
                known[shape, window] = self._number(program)
                problems += _check_memory(program, settings, job, origin)
            number = known[shape, window]
            self.units.append(_unit(job, target, number, self.programs[number], place, facts))
        return problems

    def _number(self, program: Program) -> int:
        window = program.window and vars(program.window)
        code = digest({**vars(program), "window": window})  # asdict would copy the settings, too
        if code not in self.numbers:
            self.numbers[code] = len(self.programs)
            self.programs.append(program)
        return self.numbers[code]


def _size(settings: Render) -> tuple[int, int]:
    assert isinstance(settings.size_px, tuple)  # resolved
    return settings.size_px


def _window(
    target: Target, settings: Render, facts: ModelFacts
) -> tuple[Window | None, tuple[int, int] | None]:
    if len(target.terms) == 1 and target.terms[0].kind == "neuron":
        return window_of(target.terms[0], settings, facts) or (None, None)
    return None, None


def _program(shape: Shape, window: Window | None, settings: Render, facts: ModelFacts) -> Program:
    height, width = _size(settings)
    layers = tuple(dict.fromkeys(layer for _, layer, _ in shape))
    input_px = None
    if window is not None:
        needed = image_bytes(facts, layers, (), (window.view_px, window.view_px))
    elif input_px := input_size(facts, layers, settings.transforms or (), (height, width)):
        needed = image_bytes(facts, layers, (), input_px)
    else:
        needed = image_bytes(facts, layers, settings.transforms or (), (height, width))
    return Program(
        model=facts.name,
        weights_sha256=facts.weights_sha256,
        terms=shape,
        recipe=settings.recipe or "default",
        height_px=height,
        width_px=width,
        batch_size=settings.batch_size or max(1, batch_size_for(settings.memory_gb or 0, needed)),
        image_bytes=needed,
        settings=settings.model_dump(mode="json", include=set(SETTINGS)),
        window=window,
        input_px=input_px,
    )


def _unit(
    job: Job,
    target: Target,
    number: int,
    program: Program,
    place: tuple[int, int] | None,
    facts: ModelFacts,
) -> Unit:
    sign = SIGNS[job.sign]
    decides = {
        "algorithm": ALGORITHM,
        "model": program.model,
        "weights_sha256": program.weights_sha256,
        "preprocessing": asdict(facts.preprocessing),
        "size_px": [program.height_px, program.width_px],
        "batch_size": program.batch_size,
        "settings": program.settings,
        "sign": sign,
        "terms": [vars(term) for term in target.terms],
    }
    return Unit(
        job=job.name,
        name=target.name + ("-negative" if sign < 0 else ""),
        key=digest(decides),
        label=target.label,
        objective=job.objective.kind,
        unit=target.unit,
        sign=sign,
        terms=target.terms,
        program=number,
        place=place,
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
    title = job.name
    if first is not None:
        program = programs[first.program]
        kind = job.objective.kind.replace("_", " ") + (", negative" if job.sign == "negative" else "")
        title += f": {' + '.join(program.layers)}, {kind}, {program.model}, {program.recipe}"
    objective = job.objective.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JobPlan(job.name, title, job.layer, objective)


# ---- what only size and memory can be wrong about


def _check_size(settings: Render, facts: ModelFacts, layers: Sequence[str], origin: Origin) -> list[Problem]:
    height, width = _size(settings)
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


def _check_memory(program: Program, settings: Render, job: Job, origin: Origin) -> list[Problem]:
    budget = settings.memory_gb or 0.0
    if settings.batch_size is not None or program.image_bytes <= budget * 1e9:
        return []
    message = (
        f"one picture needs about {gigabytes(program.image_bytes)}, and memory_gb is {budget:g}; "
        f"raise it, or lower the size_px of job {job.name}"
    )
    return [Problem(origin("memory_gb", "size_px"), message)]
